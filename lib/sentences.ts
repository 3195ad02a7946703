// Sentences by rules of our own: Intl.Segmenter's output changes with the ICU version of the Node at hand.
import { CODE_SPAN } from './blocks';

const ABBREVIATIONS: ReadonlySet<string> = new Set([
  'e.g',
  'i.e',
  'etc',
  'vs',
  'v',
  'cf',
  'al',
  'approx',
  'resp',
  'ca',
  'mr',
  'mrs',
  'ms',
  'dr',
  'prof',
  'st',
  'jr',
  'sr',
  'inc',
  'ltd',
  'co',
  'corp',
  'jan',
  'feb',
  'mar',
  'apr',
  'jun',
  'jul',
  'aug',
  'sep',
  'sept',
  'oct',
  'nov',
  'dec',
  'u.s',
  'u.k',
  'a.k.a',
  'ie',
  'eg',
]);

/** Before a number only: "No. 5", and not "She said no." */
const NUMBERED: ReadonlySet<string> = new Set(['no', 'nr', 'vol', 'pp', 'p', 'fig', 'eq', 'sec', 'ch', 'ver', 'v']);

/** Longer than every abbreviation: what ends further back is none, and need not be searched. */
const LONGEST = 24;

/** A table or a figure by its number, before its title: "Table 53.55. Columns". */
const CAPTION = /^(?:table|figure|fig|listing|example|chart|algorithm) (?:\d|[A-Z][.-]?\d)[\d.-]*\.?$/i;

const endsSentence = (before: string, mark: string, after: string): boolean => {
  if (after === '') return true;
  if (mark !== '.') return /^["'“‘([`*\p{Lu}\p{N}\p{Lo}-]/u.test(after);
  const word = /([\p{L}\p{N}.]+)$/u.exec(before.slice(-LONGEST))?.[1]?.toLowerCase() ?? '';
  if (CAPTION.test(before.trim())) return false;
  if (NUMBERED.has(word) && /^\p{N}/u.test(after)) return false;
  if (ABBREVIATIONS.has(word)) return /^(?:etc)$/.test(word) && /^\p{Lu}/u.test(after);
  if (/^\p{L}$/u.test(word) && /\p{Lu}$/u.test(before)) return false; // an initial
  return /^["'“‘([`*\p{Lu}\p{N}\p{Lo}-]/u.test(after);
};

/** Sentences of a paragraph of Markdown prose, trimmed; a code span is never split, nor is a number or a dotted name. */
export const sentences = (text: string): string[] => {
  // Same length, code spans blanked, so that places agree.
  const masked = text.includes('`') ? text.replace(CODE_SPAN, (span) => `\`${'x'.repeat(span.length - 2)}\``) : text;
  const found: string[] = [];
  let start = 0;
  for (const match of masked.matchAll(/([.!?…]+)(["'”’)\]]*)(\s+|$)|\n{2,}|[。！？]+[」』”’）]*/g)) {
    const end = match.index + match[0].length;
    if (match[1] !== undefined && !endsSentence(masked.slice(start, match.index), match[1], masked.slice(end))) continue;
    const sentence = text.slice(start, end).trim();
    if (sentence !== '') found.push(sentence);
    start = end;
  }
  const rest = text.slice(start).trim();
  if (rest !== '') found.push(rest);
  return found;
};

/** Ends as a sentence does: nothing is cut off and nothing announced. */
export const isWhole = (text: string): boolean => /[.!?…。！？]["'”’」』）)\]*`]*$/.test(text.trim()) && !CAPTION.test(text.trim());
