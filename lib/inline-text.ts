// Inline Markdown as the blocks hold it.
import { outsideCode } from './code-spans';
import { withoutLinks, withoutStrong, withoutTags } from './inline-marks';
import { raised } from './raised';
import { composed } from './unicode';

/** Start of the private-use range that stands for escaped ASCII signs. */
const ESCAPED = 0xe000;

/** What a part of a text has where it is more than words. */
const IS_MARKED = /[\\[<*_\ue000-\ue07f]/;

/** Exponents written as HTML, which Markdown has no mark for. */
const withPowers = (part: string): string =>
  part.replace(/<sup>([^<>\n]{1,20})<\/sup>/gi, (tag, text: string, at: number) => {
    const before = part.slice(Math.max(0, at - 8), at).replace(/[*_]{1,3}$/, '');
    return raised(before, text) ?? tag;
  });

// Every repeat below is bounded, so that no line costs more than its length times a constant.
const withoutMarks = (part: string): string => {
  if (!IS_MARKED.test(part)) return part;
  // An escaped sign is text: out of the way of what follows, and back at the end.
  const safe = part.replace(/\\([!-/:-@[-`{-~])/g, (_, sign: string) => String.fromCharCode(ESCAPED + sign.charCodeAt(0)));
  const linked = withoutLinks(withoutLinks(safe, true)).replace(/<(https?:[^<>\s]{1,2000})>/g, '$1');
  return withoutStrong(withoutTags(withPowers(linked)))
    .replace(/(?<![\w*])([*_])(?=[^\s*_])([^*_\n]{1,500}?)(?<=\S)\1(?![\w*])/g, '$2')
    .replace(/[\ue000-\ue07f]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - ESCAPED));
};

/** Inline Markdown as the blocks hold it: links and images as their text, emphasis without marks, code spans as they are. */
export const inlineText = (text: string): string => {
  const read = outsideCode(text, withoutMarks).trim();
  // The sign of a permalink that followed a heading.
  return composed(
    (/[¶§#]$/.test(read) ? read.slice(0, -1) : read)
      .replace(/[ \t\u00a0]+/g, ' ')
      .replace(/ ?\n ?/g, '\n')
      .trim(),
  );
};
