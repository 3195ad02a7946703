// Canonical composition of text from anywhere.

/** Whether every character is one byte of UTF-8. */
export const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text);

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

/**
 * Whether a UTF-16 unit is of a script that sets no spaces between words: Thai, Lao, Burmese, Khmer, kana and Han, the upper halves of
 * rare Han characters too.
 */
export const isUnspaced = (unit: number): boolean =>
  (unit >= 0x0e00 && unit <= 0x0eff) ||
  (unit >= 0x1000 && unit <= 0x109f) ||
  (unit >= 0x1780 && unit <= 0x17ff) ||
  (unit >= 0x3040 && unit <= 0x30ff) ||
  (unit >= 0x3400 && unit <= 0x9fff) ||
  (unit >= 0xd840 && unit <= 0xd8bf) ||
  (unit >= 0xf900 && unit <= 0xfaff) ||
  (unit >= 0xff66 && unit <= 0xff9f);
