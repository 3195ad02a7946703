// HTML pages of a folder as the collect stage would hand them on.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Document, Page } from '../contracts/records';
import { decode } from '../lib/charset';
import { cleanText } from '../lib/clean';
import { sha256 } from '../lib/hash';

export interface SourcePage {
  /** Path inside the folder. */
  name: string;
  page: Page;
  text: string;
}

/** At most `most` `.html`, `.htm` and `.xhtml` files below a folder, by name; the site's name is the host of their addresses. */
export const loadPages = (site: string, folder: string, most = Infinity): SourcePage[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.x?html?$/.test(name))
    .sort()
    .slice(0, most)
    .map((name) => {
      const body = readFileSync(join(folder, name));
      const url = `http://${site}.test/${name}`;
      const page: Page = {
        schema: 1,
        id: sha256(url),
        url,
        bodySha256: sha256(body),
        bodyBytes: body.length,
        format: 'html',
        charset: null,
      };
      return { name, page, text: decode(body, null).text };
    });

/** The pages that clean keeps, as documents. */
export const cleanPages = (pages: readonly SourcePage[]): Document[] =>
  pages.flatMap(({ page, text }) => {
    const result = cleanText(page, text, { minWords: 10 });
    return result.keep ? [result.document] : [];
  });
