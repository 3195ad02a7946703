// What a page is called: by its <title> and its first-level headings, of which one may be the site's name.
import { density, isTitle } from './block-signs';
import { blockText, plain } from './blocks';
import type { RawBlock } from './raw-block';

export const VERSION = /^\s*@?v?\d+\.\d[\w.-]*$/;

/** A name as it is compared: letters and digits, lower case. */
export const loose = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** What <title> says, from the page's own name to the site's. */
export const titleParts = (title: string): string[] => title.split(/\s+[|·—–»-]\s+|\s*\|\s*/).filter((part) => part.trim() !== '');

/** The page's own name: its only first-level heading, or, where that names the site or there are several, the first part of <title>. */
export const pageTitle = (title: string, headings: readonly string[]): string => {
  const named = headings[0] === undefined ? '' : plain(headings[0]);
  if (title === '') return named;
  const parts = titleParts(title);
  const first = parts[0]?.trim() ?? title;
  if (named === '' || headings.length > 1) return first;
  if (named.startsWith(title) && VERSION.test(named.slice(title.length))) return title;
  if (parts.slice(1).some((part) => loose(part) === loose(named))) return first;
  return named;
};

/**
 * The first-level headings that name the site: before the one that <title> begins with; one that <title> says last, over another; a link to
 * another page, of which <title> says nothing, over the headings of this one.
 */
export const bannersOf = (blocks: readonly RawBlock[], title: string): ReadonlySet<RawBlock> => {
  const tops = blocks.filter(isTitle);
  const [first] = tops;
  if (first === undefined || title === '') return new Set();
  const nameOf = ({ block }: RawBlock): string => loose(plain(blockText(block)));
  const [page = title, ...others] = titleParts(title);
  const own = tops.findIndex((raw) => nameOf(raw) === loose(page));
  if (own >= 0) return new Set(tops.slice(0, own));
  const isNamedLast = tops.length > 1 && others.some((part) => loose(part) === nameOf(first));
  const { links, local } = first.evidence;
  const leadsAway = links === 1 && local === 0 && density(first.evidence) > 0.9 && !loose(title).includes(nameOf(first));
  const isOver = isNamedLast || (leadsAway && blocks.some((raw) => raw !== first && raw.block.type === 'heading'));
  return new Set(isOver ? [first] : []);
};

/** Where the page's own heading stands: its first of the first level, else the first that <title> begins with; -1 without either. */
export const titlePlace = (blocks: readonly RawBlock[], title: string): number => {
  const top = blocks.findIndex(isTitle);
  const [page] = titleParts(title);
  if (top >= 0 || page === undefined) return top;
  const name = loose(page);
  return blocks.findIndex(({ block }) => block.type === 'heading' && loose(plain(block.text)) === name);
};

/** Whether a heading may name a page of that <title>, in part or with more words. */
export const isNameOf = ({ block }: RawBlock, title: string): boolean => {
  const name = loose(plain(blockText(block)));
  const page = loose(title);
  return page === '' || page.includes(name) || name.includes(loose(titleParts(title)[0] ?? title));
};
