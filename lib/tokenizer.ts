// HTML text to start tags, end tags and text in one pass: WHATWG's tokenizer with the states that change what is read, and
// the events of htmlparser2, which the tests hold it to. Searches with indexOf instead of a step a character, decodes references
// only where there is an ampersand, and reads only the attributes that cleaning decides by. No text is looked at twice.
import { decodeHTML, decodeHTMLAttribute } from 'entities/decode';
import { clearAttributes, NO_ATTRIBUTES, noAttributes, type Attributes, type HtmlHandler } from './html-events';
import { OpenElements } from './open-elements';
import { hashStep, tagAt, type Tag } from './tags';

const TAB = 9;
const LINE_FEED = 10;
const FORM_FEED = 12;
const RETURN = 13;
const SPACE = 32;
const BANG = 33;
const DOUBLE_QUOTE = 34;
const SINGLE_QUOTE = 39;
const DASH = 45;
const SLASH = 47;
const EQUALS = 61;
const GREATER = 62;
const QUESTION = 63;
const BRACKET = 91;

const isSpace = (code: number): boolean => code === SPACE || code === LINE_FEED || code === TAB || code === RETURN || code === FORM_FEED;
const isLetter = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 65 && code <= 90);

const READ: ReadonlyMap<string, keyof Attributes> = new Map([
  ['id', 'id'],
  ['class', 'class'],
  ['role', 'role'],
  ['href', 'href'],
  ['name', 'name'],
  ['lang', 'lang'],
  ['xml:lang', 'lang'],
  ['hidden', 'hidden'],
  ['aria-hidden', 'ariaHidden'],
  ['style', 'style'],
  ['start', 'start'],
  ['data-lang', 'dataLang'],
  ['data-language', 'dataLang'],
]);

/** The names that are read, by length and first letter: others are passed over without making a string. */
const LONGEST = Math.max(...[...READ.keys()].map((name) => name.length));
const CANDIDATES: [name: string, field: keyof Attributes][][] = Array.from({ length: (LONGEST + 1) * 32 }, () => []);
for (const [name, field] of READ) CANDIDATES[name.length * 32 + (name.charCodeAt(0) & 31)]!.push([name, field]);

const fieldAt = (html: string, from: number, to: number): keyof Attributes | null => {
  const length = to - from;
  if (length > LONGEST) return null;
  const candidates = CANDIDATES[length * 32 + (html.charCodeAt(from) & 31)]!;
  for (const [name, field] of candidates) if (html.startsWith(name, from)) return field;
  return candidates.length === 0 ? null : (READ.get(html.slice(from, to).toLowerCase()) ?? null);
};

class Tokenizer {
  private readonly end: number;
  private readonly elements: OpenElements;
  /** Where the tag that was read last ends; what it said. */
  private at = 0;
  private hash = 0;
  private selfClosing = false;
  private attributes: Readonly<Attributes> = NO_ATTRIBUTES;
  /** One object for all tags. */
  private readonly found = noAttributes();

  constructor(
    private readonly html: string,
    private readonly handler: HtmlHandler,
  ) {
    this.end = html.length;
    this.elements = new OpenElements(handler);
  }

  run(): void {
    const { html } = this;
    let from = 0;
    let less = html.indexOf('<');
    while (less >= 0) {
      const next = html.charCodeAt(less + 1);
      let after: number;
      if (isLetter(next)) {
        this.text(from, less);
        after = this.startTag(less + 1);
      } else if (next === SLASH && less + 2 < this.end) {
        this.text(from, less);
        after = this.endTag(less + 2);
      } else if (next === BANG || next === QUESTION) {
        this.text(from, less);
        after = next === BANG ? this.declaration(less + 2) : this.past('>', less + 1);
      } else {
        less = html.indexOf('<', less + 1); // a sign that begins no tag is text
        continue;
      }
      from = after;
      less = html.indexOf('<', from);
    }
    this.text(from, this.end);
    this.elements.closeAll();
  }

  private text(from: number, to: number): void {
    if (from >= to) return;
    const text = this.html.slice(from, to);
    this.handler.text(text.includes('&') ? decodeHTML(text) : text);
  }

  /** The place behind the next `sign`; the end of the text where there is none. */
  private past(sign: string, from: number): number {
    const found = this.html.indexOf(sign, from);
    return found < 0 ? this.end : found + sign.length;
  }

  private declaration(from: number): number {
    const { html } = this;
    const first = html.charCodeAt(from);
    if (first === DASH && html.charCodeAt(from + 1) === DASH) return this.comment(from + 2);
    if (first === BRACKET && html.startsWith('CDATA[', from + 1)) {
      const to = html.indexOf(']]>', from + 7);
      if (to < 0) return this.end;
      if (this.elements.inForeign && to > from + 7) this.handler.text(html.slice(from + 7, to));
      return to + 3;
    }
    return this.past('>', from);
  }

  /** `-->`, or `--!>`; `<!-->` and `<!--->` are whole. */
  private comment(from: number): number {
    const { html } = this;
    if (html.charCodeAt(from) === GREATER) return from + 1;
    if (html.charCodeAt(from) === DASH && html.charCodeAt(from + 1) === GREATER) return from + 2;
    for (let at = html.indexOf('--', from); at >= 0; at = html.indexOf('--', at)) {
      at += 2;
      while (html.charCodeAt(at) === DASH) at += 1;
      if (html.charCodeAt(at) === GREATER) return at + 1;
      if (html.charCodeAt(at) === BANG && html.charCodeAt(at + 1) === GREATER) return at + 2;
    }
    return this.end;
  }

  private endTag(from: number): number {
    const { html } = this;
    if (html.charCodeAt(from) === GREATER) return from + 1;
    if (!isLetter(html.charCodeAt(from))) return this.past('>', from);
    const { innermost } = this.elements;
    if (innermost !== undefined && html.startsWith(innermost.name, from)) {
      const behind = from + innermost.name.length;
      if (html.charCodeAt(behind) === GREATER) {
        this.elements.pop();
        return behind + 1;
      }
    }
    const nameEnd = this.nameEnd(from);
    if (nameEnd >= this.end) return this.end;
    // Attributes of an end tag mean nothing; a sign ">" in one ends it, as in htmlparser2.
    this.elements.close(tagAt(html, from, nameEnd, this.hash));
    return html.charCodeAt(nameEnd) === GREATER ? nameEnd + 1 : this.past('>', nameEnd);
  }

  /** Where the name that begins at `from` ends; leaves its hash for tagAt. */
  private nameEnd(from: number): number {
    const { html, end } = this;
    let at = from;
    let hash = 0;
    for (; at < end; at++) {
      const code = html.charCodeAt(at);
      if (code === GREATER || code === SLASH || isSpace(code)) break;
      hash = hashStep(hash, code);
    }
    this.hash = hash;
    return at;
  }

  private startTag(from: number): number {
    const { html } = this;
    const nameEnd = this.nameEnd(from);
    const tag = tagAt(html, from, nameEnd, this.hash);
    if (html.charCodeAt(nameEnd) === GREATER) {
      this.attributes = NO_ATTRIBUTES;
      this.selfClosing = false;
      this.at = nameEnd + 1;
    } else if (!this.readAttributes(nameEnd)) return this.end; // a tag that never ends is none
    const wasForeign = this.elements.inForeign;
    this.elements.open(tag, this.attributes, this.selfClosing);
    return tag.content === 'markup' || wasForeign ? this.at : this.rawText(tag, this.at);
  }

  /** Reads to behind the tag's ">". @returns false where the text ends first */
  private readAttributes(from: number): boolean {
    const { html, end } = this;
    let found: Attributes | null = null;
    this.selfClosing = false;
    let at = from;
    while (at < end) {
      let code = html.charCodeAt(at);
      if (code === GREATER) {
        this.at = at + 1;
        this.attributes = found ?? NO_ATTRIBUTES;
        return true;
      }
      if (isSpace(code) || code === SLASH) {
        // "/" counts when only white space stands between it and the end.
        if (code === SLASH) this.selfClosing = true;
        at += 1;
        continue;
      }
      this.selfClosing = false;
      const nameFrom = at;
      // The first character belongs to the name whatever it is, "=" too.
      for (at += 1; at < end; at++) {
        code = html.charCodeAt(at);
        if (code === EQUALS || code === GREATER || code === SLASH || isSpace(code)) break;
      }
      const nameTo = at;
      while (at < end && isSpace(html.charCodeAt(at))) at += 1;
      let valueFrom = at;
      let valueTo = at;
      if (html.charCodeAt(at) === EQUALS) {
        at += 1;
        while (at < end && isSpace(html.charCodeAt(at))) at += 1;
        code = html.charCodeAt(at);
        if (code === DOUBLE_QUOTE || code === SINGLE_QUOTE) {
          valueFrom = at + 1;
          valueTo = html.indexOf(code === DOUBLE_QUOTE ? '"' : "'", valueFrom);
          if (valueTo < 0) return false;
          at = valueTo + 1;
        } else {
          valueFrom = at;
          while (at < end && !isSpace((code = html.charCodeAt(at))) && code !== GREATER) at += 1;
          valueTo = at;
        }
      }
      const field = fieldAt(html, nameFrom, nameTo);
      if (field === null) continue;
      found ??= clearAttributes(this.found);
      if (found[field] !== null) continue;
      const value = html.slice(valueFrom, valueTo);
      found[field] = value.includes('&') ? decodeHTMLAttribute(value) : value;
    }
    return false;
  }

  /** Text up to the end tag of its own element, whatever else it looks like. */
  private rawText(tag: Tag, from: number): number {
    const { html, handler } = this;
    const emit = (to: number): void => {
      if (tag.content === 'rcdata') this.text(from, to);
      else if (to > from) handler.text(html.slice(from, to));
    };
    if (tag.content !== 'plaintext') {
      const { length } = tag.name;
      for (let at = html.indexOf('</', from); at >= 0; at = html.indexOf('</', at + 2)) {
        const code = html.charCodeAt(at + 2 + length);
        if (code !== GREATER && code !== SLASH && !isSpace(code)) continue;
        if (html.slice(at + 2, at + 2 + length).toLowerCase() !== tag.name) continue;
        emit(at);
        return this.endTag(at + 2);
      }
    }
    emit(this.end);
    return this.end;
  }
}

/** Reads a page and calls the handler for each start tag, end tag (implied ones too) and text, in order. */
export const tokenize = (html: string, handler: HtmlHandler): void => {
  new Tokenizer(html, handler).run();
};
