// Exponents. HTML raises them; in plain text a power without its sign is another number: 2<sup>31</sup> is 2^31, not 231.

/** What can be raised to a power: a number, one letter, something in parentheses. Behind a longer word stands a note's number. */
const BASE = /(?:\p{N}|[^(]\)|(?<![\p{L}\p{N}_])\p{L})$/u;
const EXPONENT = /^[-+\u2212]?[\p{L}\p{N}]{1,20}$/u;
const FORMULA = /^[-+\u2212*/\p{L}\p{N} ]{1,20}$/u;
const ORDINAL = /^(?:st|nd|rd|th)$/i;

/**
 * Raised text as plain text has it.
 * @param before what stands right before it, its last few characters are enough
 * @returns null where it is no exponent (1st, a note's number, a trade mark)
 */
export const raised = (before: string, text: string): string | null => {
  if (!BASE.test(before.slice(-4)) || ORDINAL.test(text)) return null;
  if (EXPONENT.test(text)) return `^${text}`;
  return FORMULA.test(text) ? `^(${text})` : null;
};
