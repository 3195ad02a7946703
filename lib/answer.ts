// Answers from blocks: whole blocks up to a length, whole sentences where one block is too long, code always whole.
import type { Block } from '../contracts/records';
import { onOneLine, renderBlock, renderList } from './blocks';
import { isWhole, sentences } from './sentences';
import { isParagraph, partsOf } from './shorten';

const JOIN = '\n\n';

/** The longest prefix of a block in whole sentences, items or rows; null when not even one fits. Code is never cut. */
const prefix = (block: Block, maxChars: number): string | null => {
  const fit = (parts: readonly string[], render: (kept: string[]) => string): string | null => {
    const kept: string[] = [];
    for (const part of parts) {
      if (render([...kept, part]).length > maxChars) break;
      kept.push(part);
    }
    return kept.length === 0 ? null : render(kept);
  };
  if (block.type === 'prose') return fit(sentences(block.text), (kept) => kept.join(' '));
  if (block.type === 'list') return fit(block.items, (kept) => renderList(kept, block.ordered, block.start));
  return null;
};

/** Facts of an entry that are not its meaning: since when, what is owned, how stable. */
const ASIDE =
  /^(?:new in|deprecated since|changed in|since|stability|available since|availability|part of the|return value: (?:new|borrowed|always))\b[^\n]{0,160}$/i;
/** Says nothing on a page of its own: a heading without its text, a date of the page or of the entry, who wrote it. */
const REMAINS =
  /^(?:see also|history|source code: \S+|added in: .*|n-?api version: \d+|(?:this )?page (?:was )?last (?:modified|updated|changed)\b.*|last (?:modified|updated|changed)\b.*|(?:(?:written )?by|authors?:|copyright|©|\(c\)) (?:\p{Lu}|\(c\)|©|\d).{0,100}|(?:\p{Lu}[\p{L}.-]* ){2,4}<\S+@\S+>)[:.]?$/iu;

/** Who wrote something: names, at least one with an address. */
const AUTHOR = /^(?:\p{Lu}[\p{L}.'’-]*,? ?){2,5}(?:[<(]\S+@\S+[>)])?$/u;

const isRemains = (block: Block): boolean => {
  if (block.type === 'list' && block.items.some((item) => item.includes('@'))) return block.items.every((item) => AUTHOR.test(item));
  if (block.type === 'prose') return REMAINS.test(block.text);
  return block.type === 'table' && /^version$/i.test(block.header[0] ?? '') && /^changes?$/i.test(block.header[1] ?? '');
};

/** "select-stmt:" over a picture that is not there. */
const isEmptyLabel = (block: Block, next: Block | undefined): boolean =>
  block.type === 'prose' && /^\S+(?: \S+){0,3}:$/.test(block.text) && (next === undefined || next.type === 'prose');

/** Without what is left of the page's furniture, and with what an entry means before since when it is there. */
export const meaningFirst = (blocks: readonly Block[]): Block[] => {
  const told = blocks.filter((block, index) => !isRemains(block) && !isEmptyLabel(block, blocks[index + 1]));
  const start = told.findIndex((block) => block.type !== 'prose' || !ASIDE.test(block.text));
  return start <= 0 ? told : [...told.slice(start), ...told.slice(0, start)];
};

/** As meaningFirst, of the paragraphs and fences of Markdown. */
export const partsFirst = (parts: readonly string[]): string[] => {
  const told = parts.filter((part) => !REMAINS.test(part));
  const start = told.findIndex((part) => !ASIDE.test(part));
  return start <= 0 ? told : [...told.slice(start), ...told.slice(0, start)];
};

/** As long as this a first cell still names its row. */
const MAX_LABEL = 60;

/**
 * A table of two columns that no heading names is read as a list of facts, "- Syntax: `Lid on`": as a table it would begin with
 * an empty row. Any other table stays one.
 */
const asFacts = (block: Block): Block => {
  if (block.type !== 'table' || block.header.some((cell) => cell !== '')) return block;
  const isFact = ([label = '', fact = '', ...more]: readonly string[]): boolean =>
    label !== '' && label.length <= MAX_LABEL && fact !== '' && more.length === 0;
  if (!block.rows.every(isFact)) return block;
  const items = block.rows.map(([label = '', fact = '']) => onOneLine(`${label.replace(/\s*:$/, '')}: ${fact}`));
  return { type: 'list', items, ordered: false, start: 1 };
};

/** Announces what follows: no end for an answer. */
const announces = (text: string): boolean =>
  /:\s*$/.test(text) ||
  /^here (?:is|are) (?:an?|the|some)\b[^.]*\.?$/i.test(text) ||
  /\b(?:see below|the following|as follows|listed below|shown below)[^.]*[.:]?\s*$/i.test(text);

/**
 * Blocks as Markdown, from the first on, at most `maxChars`; null when nothing fits.
 * An answer does not end with the sentence that announced what was left out.
 */
export const answer = (blocks: readonly Block[], maxChars: number): string | null => {
  const parts: string[] = [];
  let length = 0;
  for (const given of blocks) {
    const block = asFacts(given);
    const text = renderBlock(block);
    const more = (parts.length === 0 ? 0 : JOIN.length) + text.length;
    if (length + more > maxChars) {
      if (parts.length === 0) {
        const begin = prefix(block, maxChars);
        if (begin !== null) parts.push(begin);
      }
      break;
    }
    parts.push(text);
    length += more;
  }
  while (parts.length > 0 && announces(parts.at(-1)!)) {
    const kept = sentences(parts.pop()!).filter((sentence) => !announces(sentence));
    if (kept.length > 0 && isWhole(kept.at(-1)!)) {
      parts.push(kept.join(' '));
      break;
    }
  }
  return parts.length === 0 ? null : parts.join(JOIN);
};

/** "See below for details.": of a page, not of an answer. Numbered parts are lib/numbered-references'. */
const POINTS_ON =
  /^\(?(?:see|refer to|for (?:more |further )?(?:details|information|examples)|(?:more )?details)\b.{0,160}\b(?:above|below|later|earlier|next section|previous section)\b/i;

/** A paragraph without the sentences at its end that announce or point to what is not there. */
const untilWhole = (paragraph: string, isLast: boolean): string => {
  const kept = sentences(paragraph.replace(/(?:^|\s)See(?:: | also:? )[^.\n]*\.?$/, ''));
  while (kept.length > 0 && ((isLast && !isWhole(kept.at(-1)!)) || announces(kept.at(-1)!) || POINTS_ON.test(kept.at(-1)!))) kept.pop();
  return kept.join(' ');
};

/**
 * Without a last paragraph that is no sentence where others stand before it: the label of a note whose text is elsewhere,
 * the lead of a list that is left out, a caption. What is there since when may end an answer.
 */
export const wholeEnd = (markdown: string): string => {
  const parts = partsOf(markdown);
  const asides: string[] = [];
  while (parts.length > 1 && ASIDE.test(parts.at(-1)!)) asides.unshift(parts.pop()!);
  let changed = false;
  while (parts.length > 0) {
    const last = parts.at(-1)!;
    if (!isParagraph(last)) break;
    const whole = untilWhole(last, parts.length > 1);
    if (whole === last || (whole === '' && parts.length === 1)) break;
    changed = true;
    parts.pop();
    if (whole !== '') {
      parts.push(whole);
      break;
    }
  }
  return changed ? [...parts, ...asides].join(JOIN) : markdown;
};
