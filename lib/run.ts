// A run of inline text on its way to a block: collapsed whitespace, code spans, and how much of it is links.
import { inlineCode } from './blocks';
import { raised } from './raised';
import { composed } from './unicode';

/** White space but a single space, which would be replaced by itself at every word. */
const SPACE = /[\t\n\f\r\u00a0][ \t\n\f\r\u00a0]*| [ \t\n\f\r\u00a0]+/g;
const INVISIBLE = /[\0\u00ad\u200b\ufeff\ufffc]/g;
/** Something invisible, or white space that is not one space: one look for both, at every piece of text. */
const UNEVEN = /[\0\t\n\f\r\u00a0\u00ad\u200b\ufeff\ufffc]| {2}/;

/** What a block is made of, as evidence for or against its being content. */
export interface Evidence {
  /** UTF-16 units of text. */
  chars: number;
  /** Those of them inside links. */
  linked: number;
  links: number;
  /** Links to a place on the same page. */
  local: number;
}

export const noEvidence = (): Evidence => ({ chars: 0, linked: 0, links: 0, local: 0 });

export const addEvidence = (a: Evidence, b: Evidence): Evidence => ({
  chars: a.chars + b.chars,
  linked: a.linked + b.linked,
  links: a.links + b.links,
  local: a.local + b.local,
});

interface Anchor {
  /** Null for a control. */
  target: string | null;
  from: number;
  to: number;
}

/** A link to nowhere that says more is no button. */
const CONTROL_WORDS = 3;
/** Links of generators beside what they lead away from: "Usage [edit]", "fn open source". */
const CONTROL_TEXT = /^\[?(?:edit|edit source|source|src|view source|permalink)\]?$/i;

const tidy = (text: string): string => {
  const lines = text.includes('\n') ? text.replace(/ ?\n ?/g, '\n') : text;
  return composed((lines.includes('  ') ? lines.replace(/ {2,}/g, ' ') : lines).trim());
};

/** A longer name in several code elements is none: each of them would be written again for every next one. */
const MAX_JOINED = 1000;

export class Run {
  private parts: string[] = [];
  private space = false;
  private code: string[] | null = null;
  private codeDepth = 0;
  /** A link stands inside the open code element. */
  private codeLinks = false;
  private onlyCode: string | null = null;
  private anchors: Anchor[] = [];
  private openAnchor: { target: string | null; local: boolean; isControl: boolean; from: number } | null = null;
  /** Where the open raised text begins, and in what. */
  private openRaise: { into: string[]; from: number; links: number } | null = null;
  private evidence = noEvidence();

  get empty(): boolean {
    return this.parts.length === 0 && this.code === null;
  }

  add(data: string): void {
    const uneven = UNEVEN.test(data);
    let text = uneven ? data.replace(INVISIBLE, '') : data;
    if (this.code !== null) {
      this.code.push(text);
      return;
    }
    if (uneven) text = text.replace(SPACE, ' ');
    if (text === '') return;
    if (text === ' ') {
      this.space = true;
      return;
    }
    const first = text.charCodeAt(0) === 32;
    const last = text.charCodeAt(text.length - 1) === 32;
    this.push(first || last ? text.slice(first ? 1 : 0, last ? -1 : undefined) : text, first);
    this.space = last;
  }

  private push(core: string, spaceBefore: boolean): void {
    const { length } = this.parts;
    // No space after a line break.
    if ((this.space || spaceBefore) && length > 0 && this.parts[length - 1] !== '\n') this.parts.push(' ');
    this.space = false;
    this.parts.push(core);
    this.onlyCode = null;
    this.evidence.chars += core.length;
    if (this.openAnchor !== null) this.evidence.linked += core.length;
  }

  /** A line break in prose; a line of code in a code span. */
  lineBreak(): void {
    if (this.code !== null) this.code.push('\n');
    else if (this.parts.length > 0) {
      this.parts.push('\n');
      this.space = false;
    }
  }

  openCode(): void {
    this.codeDepth += 1;
    this.code ??= [];
  }

  closeCode(): void {
    if (this.codeDepth === 0) return;
    this.codeDepth -= 1;
    if (this.codeDepth > 0 || this.code === null) return;
    const raw = this.code.join('');
    this.code = null;
    const isLinked = this.openAnchor !== null || this.codeLinks;
    this.codeLinks = false;
    const inner = raw.replace(SPACE, ' ').trim();
    if (inner === '') {
      if (raw !== '') this.space = true;
      return;
    }
    const alone = this.parts.length === 0;
    const before = this.parts.at(-1);
    // Two code spans without a space between are one to a reader; "`a``b`" would be neither.
    if (
      before !== undefined &&
      before.length <= MAX_JOINED &&
      !this.space &&
      !/^\s/.test(raw) &&
      /^`[^`]+`$/.test(before) &&
      !inner.includes('`')
    ) {
      this.parts[this.parts.length - 1] = `${before.slice(0, -1)}${inner}\``;
      this.evidence.chars += inner.length;
      if (isLinked) this.evidence.linked += inner.length;
    } else {
      const span = inlineCode(inner);
      this.push(span, /^\s/.test(raw));
      if (isLinked && this.openAnchor === null) this.evidence.linked += span.length;
    }
    this.onlyCode = alone ? raw : null;
    this.space = /\s$/.test(raw);
  }

  openRaised(): void {
    const into = this.code ?? this.parts;
    this.openRaise = this.space && this.code === null ? null : { into, from: into.length, links: this.evidence.links };
  }

  /** An exponent gets its sign; the number of a note, a link, has none. */
  closeRaised(): void {
    const open = this.openRaise;
    this.openRaise = null;
    if (open === null || open.into !== (this.code ?? this.parts) || open.links !== this.evidence.links) return;
    const { into, from } = open;
    const text = into.slice(from).join('');
    const power = raised(into.slice(Math.max(0, from - 3), from).join(''), text);
    if (power === null) return;
    into.splice(from, Infinity, power);
    if (this.code !== null) return;
    this.evidence.chars += power.length - text.length;
    if (this.openAnchor !== null) this.evidence.linked += power.length - text.length;
  }

  openLink(href: string): void {
    const local = href.startsWith('#');
    const isControl = href === '#' || /^\s*javascript:/i.test(href);
    this.openAnchor = { target: local && !isControl ? href.slice(1) : null, local, isControl, from: this.parts.length };
    this.codeLinks ||= this.code !== null;
    this.evidence.links += 1;
    if (local) this.evidence.local += 1;
  }

  closeLink(): void {
    const open = this.openAnchor;
    if (open === null) return;
    this.openAnchor = null;
    // More parts than words of a control, with the spaces between, are text.
    const text = this.parts.length - open.from >= 2 * CONTROL_WORDS ? null : this.parts.slice(open.from).join('').trim();
    const isControl = open.isControl || (text !== null && CONTROL_TEXT.test(text));
    if (open.target === null && !isControl) return;
    // A sign that only points at its own place ("#", the pilcrow, a chain): not text.
    if (text !== null && text.length <= 2 && !/[\p{L}\p{N}]/u.test(text)) {
      this.parts.length = open.from;
      this.evidence.links -= 1;
      if (open.local) this.evidence.local -= 1;
      this.evidence.chars -= text.length;
      this.evidence.linked -= text.length;
    }
    this.anchors.push({ target: isControl ? null : open.target, from: open.from, to: this.parts.length });
  }

  /**
   * Ends the run.
   * @param own ids of the place it stands in: a link to one of them is a permalink, and its text is dropped unless it is all there is
   * @param isHeading its controls, links that lead nowhere ("collapse"), are dropped likewise; a text of nothing but a control is empty
   */
  take(
    own: readonly string[] = [],
    isHeading = false,
  ): { text: string; lines: string | null; permalink: string | null; evidence: Evidence } {
    while (this.codeDepth > 0) this.closeCode();
    let permalinks: Anchor[] = [];
    if (own.length > 0 && this.anchors.length > 0) permalinks = this.permalinksTo(own);
    const controls = this.anchors.length === 0 ? [] : this.anchors.filter(({ target }) => target === null);
    let text = '';
    if (permalinks.length > 0 || (isHeading && controls.length > 0))
      text = tidy(
        this.without(isHeading ? [...permalinks, ...controls] : permalinks).replace(controls.length > 0 ? /\[\s*\|?\s*\]/g : '', ''),
      );
    if (text === '') text = tidy(this.parts.join(''));
    if (!isHeading && controls.length > 0 && text.split(' ').length <= CONTROL_WORDS && tidy(this.without(controls)) === '') text = '';
    // Outside <pre> only no-break spaces indent a line.
    const lines = this.onlyCode?.trim().includes('\n') === true ? this.onlyCode.replaceAll('\u00a0', ' ') : null;
    const result = {
      text,
      lines,
      permalink: permalinks[0] === undefined ? null : fragmentId(permalinks[0].target!),
      evidence: this.evidence,
    };
    const open = this.openAnchor;
    this.parts = [];
    this.space = false;
    this.onlyCode = null;
    this.codeLinks = false;
    this.anchors = [];
    this.evidence = noEvidence();
    if (open !== null) this.openAnchor = { target: null, local: false, isControl: false, from: 0 };
    return result;
  }

  /**
   * Links of this run to its own place: the signs, or, where there is none, words at the end of the text or a number before it. Elsewhere
   * such a link is a word: Sphinx links a module's name to its heading, and a parameter's type to the function of that name.
   */
  private permalinksTo(own: readonly string[]): Anchor[] {
    const ids = new Set(own);
    const found = this.anchors.filter(({ target }) => target !== null && ids.has(fragmentId(target)));
    const signs = found.filter(({ from, to }) => from === to);
    if (signs.length > 0) return signs;
    const isSpace = (part: string): boolean => part === ' ' || part === '\n';
    const first = this.parts.findIndex((part) => !isSpace(part));
    const last = this.parts.findLastIndex((part) => !isSpace(part));
    return found.filter(({ from, to }) => to > last || (from <= first && !this.parts.slice(from, to).some((part) => /\p{L}/u.test(part))));
  }

  private without(anchors: readonly Anchor[]): string {
    const parts = [...this.parts];
    for (const anchor of anchors) parts.fill('', anchor.from, anchor.to);
    return parts.join('');
  }
}

/** A fragment as an id; a broken escape stays as it is. */
const fragmentId = (fragment: string): string => {
  if (!fragment.includes('%')) return fragment;
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
};
