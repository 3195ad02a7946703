// A folder of HTML as pages.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '../contracts/records';
import { decode } from '../lib/charset';
import { sha256 } from '../lib/hash';

export interface Source {
  page: Page;
  text: string;
}

/** At most `most` pages below the folder, sorted by name. */
export const load = (folder: string, most: number): Source[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.x?html?$/.test(name))
    .sort()
    .slice(0, most)
    .map((name) => {
      const body = readFileSync(join(folder, name));
      const url = `http://docs.test/${name}`;
      const page: Page = {
        schema: 1,
        id: sha256(url),
        url,
        bodySha256: sha256(body),
        bodyBytes: body.length,
        format: 'html',
        charset: null,
      };
      return { page, text: decode(body, null).text };
    });
