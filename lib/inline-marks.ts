// Links, images, strong emphasis and tags of inline Markdown. What closes is looked up and not searched for from each mark that may open,
// so that a line of ten million brackets costs no more than one of words.

/** Longer, it is no link: texts of links, their addresses, their titles. */
const MAX_TEXT = 500;
const MAX_ADDRESS = 2000;
const MAX_TITLE = 500;
/** As much is emphasised at once. */
const MAX_STRONG = 500;

/** The place of the first match of a pattern at or after a place; asked for in ascending order, it searches each stretch once. */
const createFinder = (text: string, pattern: RegExp): ((from: number) => number) => {
  let [asked, found] = [0, -1];
  return (from) => {
    if (found >= from && asked <= from) return found;
    pattern.lastIndex = from;
    [asked, found] = [from, pattern.exec(text)?.index ?? text.length];
    return found;
  };
};

/**
 * `[text](address "title")` replaced by its text.
 * @param image `![text](address "title")` instead, replaced by nothing
 */
export const withoutLinks = (text: string, image = false): string => {
  if (!text.includes('](')) return text;
  const opener = image ? '![' : '[';
  const opening = createFinder(text, image ? /!\[/g : /\[/g);
  const addressEnd = createFinder(text, /[)\s]/g);
  const spaceEnd = createFinder(text, /\S/g);
  const quote = createFinder(text, /"/g);
  /** Behind the ")" of an address that begins at a place, or -1. */
  const targetEnd = (from: number): number => {
    const end = addressEnd(from);
    if (end - from > MAX_ADDRESS || end === text.length) return -1;
    if (text[end] === ')') return end + 1;
    const title = spaceEnd(end);
    if (text[title] !== '"') return -1;
    const close = quote(title + 1);
    return close - title - 1 <= MAX_TITLE && text[close + 1] === ')' ? close + 2 : -1;
  };
  let out = '';
  let done = 0;
  /** Behind the bracket that closed before: a link's text holds none. */
  let from = 0;
  for (let close = text.indexOf(']'); close >= 0; close = text.indexOf(']', from)) {
    const open = text[close + 1] === '(' ? opening(Math.max(from, close - opener.length - MAX_TEXT)) : close;
    const end = open + opener.length <= close ? targetEnd(close + 2) : -1;
    from = close + 1;
    if (end < 0) continue;
    out += text.slice(done, open) + (image ? '' : text.slice(open + 1, close));
    from = done = end;
  }
  return out + text.slice(done);
};

const STRONG = ['***', '**', '___', '__'] as const;

/** `**text**` and the like, on one line, replaced by what they emphasise. */
export const withoutStrong = (text: string): string => {
  if (!text.includes('**') && !text.includes('__')) return text;
  const opening = createFinder(text, /\*\*|__/g);
  const lineEnd = createFinder(text, /[\n\r\u2028\u2029]/g);
  const closings = STRONG.map((mark) => createFinder(text, new RegExp(`(?<=\\S)${mark.replaceAll('*', '\\*')}`, 'g')));
  let out = '';
  let done = 0;
  for (let open = opening(0); open < text.length;) {
    let next = open + 1;
    for (const [index, mark] of STRONG.entries()) {
      const from = open + mark.length;
      if (!text.startsWith(mark, open) || /\s/.test(text[from] ?? ' ')) continue;
      const close = closings[index]!(from + 1);
      if (close === text.length || close - from > MAX_STRONG || lineEnd(from) < close) continue;
      out += text.slice(done, open) + text.slice(from, close);
      next = done = close + mark.length;
      break;
    }
    open = opening(next);
  }
  return out + text.slice(done);
};

/** Elements that stand in text; what else stands in angle brackets, as `<file>` does, is text. */
const TAG_START =
  /<\/?(a|abbr|b|bdo|big|blockquote|br|center|cite|code|dd|del|details|dfn|div|dl|dt|em|figcaption|figure|font|h[1-6]|hr|i|img|ins|kbd|li|mark|ol|p|picture|q|s|samp|section|small|source|span|strike|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|tr|tt|u|ul|wbr)(?=[\s/>])/gi;
/** Between the name of a tag and its end. */
const ATTRIBUTES = /^(?:\s[^]{0,300})?\/?$/;
const MAX_ATTRIBUTES = 302;

/** Without tags; a line break of theirs is one. */
export const withoutTags = (text: string): string => {
  if (!text.includes('<')) return text;
  const closing = createFinder(text, />/g);
  let out = '';
  let done = 0;
  for (const start of text.matchAll(TAG_START)) {
    const from = start.index + start[0].length;
    const close = closing(from);
    if (start.index < done || close === text.length || close - from > MAX_ATTRIBUTES || !ATTRIBUTES.test(text.slice(from, close))) continue;
    out += text.slice(done, start.index) + (start[1]!.toLowerCase() === 'br' ? '\n' : '');
    done = close + 1;
  }
  return out + text.slice(done);
};
