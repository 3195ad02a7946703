// The door of clean: a page's body to a document of blocks, or the reason why it holds none.
import { RECORD_SCHEMA, type Block, type Document, type Page } from '../contracts/records';
import { countWords, plain } from './blocks';
import { decode } from './charset';
import { TooLarge } from './containers';
import { selectContent } from './content';
import { digest } from './hash';
import { TooDeep, parseHtml } from './html';
import { parseMarkdown } from './markdown';
import { pageTitle, VERSION } from './page-title';

/** Longer text is not read: the passes below are linear, and this bounds their memory. */
const MAX_CHARS = 100_000_000;

interface CleanOptions {
  /** A page with fewer words of content is dropped. */
  minWords: number;
}

type CleanReason = 'empty' | 'too_short' | 'too_deep' | 'too_large';
export type Cleaned = { keep: true; document: Document } | { keep: false; reason: CleanReason; detail?: string };

/** Words outside headings, counted no further than to `enough` (or to the first). */
const wordsUpTo = (blocks: readonly Block[], enough: number): number => {
  let size = 0;
  for (const block of blocks) {
    if (block.type !== 'heading') size += countWords([block]);
    if (size > 0 && size >= enough) break;
  }
  return size;
};

interface Parsed {
  title: string;
  language: string | null;
  blocks: Block[];
}

const parse = (page: Page, text: string): Parsed => {
  if (page.format === 'markdown') return { title: '', language: null, blocks: parseMarkdown(text) };
  const html = parseHtml(text);
  return { title: html.title, language: html.language, blocks: selectContent(html.blocks, html.title).map((raw) => raw.block) };
};

/** As clean, of text that is decoded already. */
export const cleanText = (page: Page, text: string, options: CleanOptions): Cleaned => {
  if (text.length > MAX_CHARS) return { keep: false, reason: 'too_large', detail: `${text.length} characters` };
  let parsed: Parsed;
  try {
    parsed = parse(page, text);
  } catch (error) {
    if (error instanceof TooDeep) return { keep: false, reason: 'too_deep' };
    if (error instanceof TooLarge) return { keep: false, reason: 'too_large' };
    throw error;
  }
  const tops = parsed.blocks.flatMap((block) => (block.type === 'heading' && block.level === 1 ? [block] : []));
  const title = pageTitle(
    parsed.title,
    tops.map((block) => block.text),
  );
  const sitesName = tops.length === 1 && title !== plain(tops[0]!.text) && !plain(tops[0]!.text).startsWith(title);
  const blocks = parsed.blocks
    .filter((block) => !(sitesName && block === tops[0]))
    .map((block) => {
      const versioned =
        block === tops[0] &&
        plain(block.text) !== title &&
        VERSION.test(plain(block.text).slice(title.length)) &&
        plain(block.text).startsWith(title);
      return versioned ? { ...block, text: title } : block;
    });
  const size = wordsUpTo(blocks, options.minWords);
  if (size === 0) return { keep: false, reason: 'empty' };
  if (size < options.minWords) return { keep: false, reason: 'too_short', detail: `${Math.floor(size)} words` };
  const content = { title, language: parsed.language, blocks };
  return { keep: true, document: { schema: RECORD_SCHEMA, id: page.id, url: page.url, sha256: digest(content), ...content } };
};

/** A page's bytes, decoded by its own rules, as a document of its content. */
export const clean = (page: Page, body: Uint8Array, options: CleanOptions): Cleaned =>
  cleanText(page, decode(body, page.charset).text, options);
