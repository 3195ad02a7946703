// Canonical composition of text from anywhere.

/** Nothing below U+0300 composes with what stands before it, nor do the dashes, quotes and dots that half of all texts hold (U+2010 to U+203F). */
const MAY_COMPOSE = /[\u0300-\u200f\u2040-\uffff]/;
/**
 * More marks on one letter than any language writes (UAX 15 has 30): to sort them costs their number squared. So many at once that
 * the repeat does not fill the stack of the regular expression.
 */
const MANY_MARKS = /(\p{M}{31,10000})/u;

/** NFC, in linear time: longer runs of combining marks stay as they are. */
export const composed = (text: string): string => {
  if (!MAY_COMPOSE.test(text)) return text;
  return text
    .split(MANY_MARKS)
    .map((part, index) => (index % 2 === 1 ? part : part.normalize('NFC')))
    .join('');
};
