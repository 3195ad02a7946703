// Blocks as text: Markdown for answers, plain words for comparing and counting, hashes for equality.
import type { Block } from '../contracts/records';
import { sha256 } from './hash';
import { composed } from './unicode';

/** Stands in a definition's text, alone on its line, for the next of its code blocks. */
export const CODE_PLACE = '\uFFFC';

const longestRun = (text: string): number => (text.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 0);

/** A code span of CommonMark, its delimiter longer than any run of backticks inside. */
export const inlineCode = (code: string): string => {
  if (!code.includes('`')) return `\`${code}\``;
  const runs = new Set((code.match(/`+/g) ?? []).map((run) => run.length));
  let width = 1;
  while (runs.has(width)) width += 1;
  const fence = '`'.repeat(width);
  return `${fence} ${code} ${fence}`;
};

/** A fenced code block, its fence longer than any run of backticks inside. */
export const fenced = (code: string, language: string | null): string => {
  const fence = '`'.repeat(Math.max(3, longestRun(code) + 1));
  return `${fence}${language ?? ''}\n${code}\n${fence}`;
};

const indent = (text: string, width: number): string => text.replace(/\n(?=[^\n])/g, `\n${' '.repeat(width)}`);

export const renderList = (items: readonly string[], ordered: boolean, start = 1): string => {
  const loose = items.some((item) => item.includes('\n\n'));
  return items
    .map((item, index) => {
      const mark = ordered ? `${start + index}. ` : '- ';
      return mark + indent(item, mark.length);
    })
    .join(loose ? '\n\n' : '\n');
};

/** What a cell of a table says. */
export const onOneLine = (text: string): string => (text.includes('\n') ? text.replace(/\s*\n\s*/g, ' ') : text);
const cell = (text: string): string => onOneLine(text.replaceAll('|', '\\|'));
const row = (cells: readonly string[], width: number): string =>
  `| ${Array.from({ length: width }, (_, index) => cell(cells[index] ?? '')).join(' | ')} |`;

/** More empty cells than this, and than a table has others, are not written: one wide row over many short ones would be squared. */
const MAX_PADDING = 10_000;

const renderTable = (header: readonly string[], rows: readonly (readonly string[])[]): string => {
  const width = rows.reduce((most, cells) => Math.max(most, cells.length), header.length);
  const filled = rows.reduce((sum, cells) => sum + cells.length, 0);
  // A row may end before its table does; a heading may not (GitHub Flavored Markdown, "tables").
  const isPadded = rows.length * width - filled <= Math.max(filled, MAX_PADDING);
  const body = rows.map((cells) => row(cells, isPadded ? width : Math.max(cells.length, 1)));
  return [row(header, width), `|${' --- |'.repeat(width)}`, ...body].join('\n');
};

/** A definition's text with its code blocks in their places. */
export const renderMeaning = (block: Extract<Block, { type: 'definition' }>): string => {
  let next = 0;
  const text = block.text.replace(/\uFFFC/g, () => {
    const code = block.code[next];
    next += 1;
    return code === undefined ? '' : fenced(code.text, code.language);
  });
  return [text, ...block.code.slice(next).map((code) => fenced(code.text, code.language))].filter((part) => part !== '').join('\n\n');
};

/** One block as CommonMark (tables as GitHub's). */
export const renderBlock = (block: Block): string => {
  switch (block.type) {
    case 'heading':
      return `${'#'.repeat(block.level)} ${block.text}`;
    case 'prose':
      return block.text;
    case 'code':
      return fenced(block.text, block.language);
    case 'list':
      return renderList(block.items, block.ordered, block.start);
    case 'table':
      return renderTable(block.header, block.rows);
    case 'definition': {
      const term = block.signature ? inlineCode(block.term) : `**${block.term}**`;
      const meaning = renderMeaning(block);
      return meaning === '' ? term : `${term}\n\n${meaning}`;
    }
  }
};

export const renderBlocks = (blocks: readonly Block[]): string => blocks.map(renderBlock).join('\n\n');

/** A code span; bounded, so that stray backticks in a long text cost no search to its end each. */
export const CODE_SPAN = /(?<!`)(`+)(?!`)( ?)(.{1,2000}?)\2(?<!`)\1(?!`)/gs;

/** Without the marks of inline code: what a reader would say. */
export const plain = (text: string): string => (text.includes('`') ? text.replace(CODE_SPAN, '$3') : text);

/** The words of a block in order, code included, without Markdown's marks. */
export const blockText = (block: Block): string => {
  switch (block.type) {
    case 'heading':
    case 'prose':
      return plain(block.text);
    case 'code':
      return block.text;
    case 'list':
      return block.items.map(plain).join('\n');
    case 'table':
      return [block.header, ...block.rows].map((cells) => cells.map(plain).join(' ')).join('\n');
    case 'definition':
      return [block.term, plain(block.text.replace(/\uFFFC/g, '')), ...block.code.map((code) => code.text)].join('\n');
  }
};

const FENCE = /^(`{3,})[^\n]*\n[^]*?\n\1$/gm;

/** Markdown as we write it without its blocks of code. */
export const withoutFences = (markdown: string): string => markdown.replace(FENCE, '').trim();

/** Split at each space and not matched by `\S+`, whose repeat may fill the stack on one word of ten million letters. */
export const words = (text: string): string[] => text.split(/\s/).filter((word) => word !== '');

const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/gu;

/** Words of a text; in scripts without spaces between words two characters stand for one. */
export const wordCount = (text: string): number => Math.max(words(text).length, (text.match(UNSPACED) ?? []).length / 2);
export const countWords = (blocks: readonly Block[]): number => blocks.reduce((sum, block) => sum + wordCount(blockText(block)), 0);

/** White space but a single space, which would be replaced by itself at every word. */
const UNEVEN_SPACE = /[^\S ]\s*| \s+/g;

/** Lower case, one space between words: equal for texts that a reader takes for the same. Code keeps its case and space. */
export const normalised = (block: Block): string => {
  if (block.type === 'code') return `code ${block.text.replace(/[ \t]+$/gm, '').trim()}`;
  return composed(blockText(block)).toLowerCase().replace(UNEVEN_SPACE, ' ').trim();
};

/** Equal for blocks whose normalised text is equal, whatever their type of markup. */
export const blockHash = (block: Block): string => sha256(normalised(block));
