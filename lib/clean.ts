// The door of clean: a page's body to a document of blocks, or the reason why it holds none.
import { RECORD_SCHEMA, type Block, type Document, type Page } from '../contracts/records';
import { countWords, plain } from './blocks';
import { selectContent } from './content';
import { digest } from './hash';
import { TooDeep, TooLarge, parseHtml } from './html';
import { parseMarkdown } from './markdown';

/** Longer text is not read: the passes below are linear, and this bounds their memory. */
export const MAX_CHARS = 100_000_000;

export interface CleanOptions {
  /** A page with fewer words of content is dropped. */
  minWords: number;
}

export type CleanReason = 'empty' | 'too_short' | 'too_deep' | 'too_large';
export type Cleaned = { keep: true; document: Document } | { keep: false; reason: CleanReason; detail?: string };

const VERSION = /^\s*@?v?\d+(?:\.\d+)+[\w.-]*$/;

/** A title without the site's name: "lists - Manual" with the heading "lists" is "lists". */
const pageTitle = (title: string, heading: string | null): string => {
  const named = heading === null ? '' : plain(heading);
  if (title === '') return named;
  if (named === '') return title.split(/\s+[|·—–»-]\s+/)[0]!.trim();
  if (named.startsWith(title) && VERSION.test(named.slice(title.length))) return title;
  return named;
};

interface Parsed {
  title: string;
  language: string | null;
  blocks: Block[];
}

const parse = (page: Page, text: string): Parsed => {
  if (page.format === 'markdown') return { title: '', language: null, blocks: parseMarkdown(text) };
  const html = parseHtml(text);
  return { title: html.title, language: html.language, blocks: selectContent(html.blocks).map((raw) => raw.block) };
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
  const top = parsed.blocks.find((block) => block.type === 'heading' && block.level === 1);
  const heading = top !== undefined && top.type === 'heading' ? top.text : null;
  const title = pageTitle(parsed.title, heading);
  const blocks = parsed.blocks.map((block) => (block === top && block.type === 'heading' && plain(block.text) !== title ? { ...block, text: title } : block));
  const size = countWords(blocks.filter((block) => block.type !== 'heading'));
  if (size === 0) return { keep: false, reason: 'empty' };
  if (size < options.minWords) return { keep: false, reason: 'too_short', detail: `${size} words` };
  const content = { title, language: parsed.language, blocks };
  return { keep: true, document: { schema: RECORD_SCHEMA, id: page.id, url: page.url, sha256: digest(content), ...content } };
};
