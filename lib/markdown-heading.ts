// Headings of Markdown behind number signs. No patterns with two repeats that may share a character: a page of headings full of white
// space or brackets would cost the square of each line.
import { inlineText } from './inline-text';

const MAX_HEADING = 2000;
const MARK = /^ {0,3}(#{1,6})(?=[ \t]|$)/;

const isBlank = (sign: string | undefined): boolean => sign === ' ' || sign === '\t';

/** Between the number signs before and after; null for what is no heading, since no line ends inside one. */
const contentOf = (rest: string): string | null => {
  if (/[\u2028\u2029]/.test(rest)) return null;
  let start = 0;
  let end = rest.length;
  while (isBlank(rest[start])) start += 1;
  while (end > start && isBlank(rest[end - 1])) end -= 1;
  let signs = end;
  while (signs > start && rest[signs - 1] === '#') signs -= 1;
  if (signs > start && signs < end && isBlank(rest[signs - 1])) {
    end = signs;
    while (isBlank(rest[end - 1])) end -= 1;
  }
  return rest.slice(start, end);
};

/** Without the sign that links to the heading's own place, "[¶](#place)"; with the place that such a link or its whole text names. */
const withoutPermalink = (content: string): { content: string; anchor: string | null } => {
  const text = content.trimEnd();
  const close = text.endsWith(')') ? text.lastIndexOf('](#') : -1;
  if (close < 0 || text.indexOf(')', close) < text.length - 1) return { content, anchor: null };
  let open = close;
  for (let at = close - 1; at >= 0 && !/[\]\w]/.test(text[at]!); at--) if (text[at] === '[') open = at;
  const anchor = /^\S+/.exec(text.slice(close + 3, -1))?.[0] ?? null;
  return { content: open === close ? content : text.slice(0, open).trimEnd(), anchor };
};

export interface Heading {
  level: number;
  /** Empty for one that says nothing. */
  text: string;
  anchor: string | null;
}

/** The heading that a line is, or null. */
export const headingOf = (line: string): Heading | null => {
  const mark = line.length > MAX_HEADING ? null : MARK.exec(line);
  const whole = mark === null ? null : contentOf(line.slice(mark[0].length));
  if (mark === null || whole === null) return null;
  const { content, anchor } = withoutPermalink(whole);
  return { level: mark[1]!.length, text: inlineText(content), anchor };
};
