// HTML to blocks in one streaming pass: no tree is kept, only the open elements and the blocks being filled.
import { languageName } from './code-language';
import { CodeText } from './code-text';
import { Containers, isLabel, type Term } from './containers';
import { NO_CLASS, classMeaning, isButton, isHidden, purposeOf, type ClassMeaning } from './elements';
import type { Attributes, HtmlHandler } from './html-events';
import type { RawBlock, Zone } from './raw-block';
import type { Evidence } from './run';
import { Run, noEvidence } from './run';
import type { Tag } from './tags';
import { tokenize } from './tokenizer';
import { composed } from './unicode';

/** Deeper nesting is no page: browsers stop at 512 open elements. */
const MAX_DEPTH = 1024;
export class TooDeep extends Error {}

interface HtmlPage {
  /** Text of <title>. */
  title: string;
  /** The lang attribute of <html>. */
  language: string | null;
  blocks: RawBlock[];
}

interface Frame {
  /** What has to be undone at its end tag. */
  container: boolean;
  zone: boolean;
  dropped: boolean;
  mode: 'heading' | 'term' | 'pre' | null;
  language: string | null;
  /** Start of its text in the open code block, else -1. */
  from: number;
  /** In a code block: a line number, a line, or neither. */
  part: 'number' | 'line' | null;
}

/** Without the line breaks at its end, found from there: a search would look at each run of them anew. */
const withoutFinalLines = (text: string): string => {
  let end = text.length;
  while (end > 0 && text[end - 1] === '\n') end -= text[end - 2] === '\r' ? 2 : 1;
  return text.slice(0, end);
};

/** Anchors before a heading that can be its own. A page that never has a text for them would else be copied and searched in quadratic time. */
const MOST_ANCHORS = 64;
const addAnchor = (ids: string[], id: string): void => {
  if (ids.push(id) > MOST_ANCHORS) ids.shift();
};

class Reader implements HtmlHandler {
  title = '';
  language: string | null = null;
  private readonly containers = new Containers();
  private readonly frames: Frame[] = [];
  private readonly classes = new Map<string, ClassMeaning>();
  private zone: Zone | null = null;
  private dropped = 0;
  private inTitle = false;
  private hasTitle = false;
  private readonly run = new Run();
  private mode: Frame['mode'] = null;
  private ids: string[] = [];
  private place: { level: number; ids: string[]; code: boolean; id: string | null } = { level: 0, ids: [], code: false, id: null };
  private pre: CodeText | null = null;
  /** The last cell of the open row holds a line's number: the next one holds the line. */
  private numbered = false;

  private meaningOf(names: string | null): ClassMeaning {
    if (names === null) return NO_CLASS;
    let meaning = this.classes.get(names);
    if (meaning === undefined) this.classes.set(names, (meaning = classMeaning(names)));
    return meaning;
  }

  open(tag: Tag, attributes: Readonly<Attributes>): void {
    if (this.frames.length >= MAX_DEPTH) throw new TooDeep();
    const frame: Frame = { container: false, zone: false, dropped: false, mode: null, language: null, from: -1, part: null };
    this.frames.push(frame);
    if (this.dropped > 0) return;
    const { name } = tag;
    const meaning = this.meaningOf(attributes.class);
    if (name === 'title') this.inTitle = !this.hasTitle;
    if (tag.isDropped || name === 'title' || meaning.hidden || isHidden(attributes) || (this.pre !== null && isButton(attributes))) {
      frame.dropped = true;
      this.dropped += 1;
      return;
    }
    if (name === 'html') this.language = attributes.lang ?? this.language;
    if (this.pre !== null) {
      this.openInPre(this.pre, frame, tag, attributes, meaning);
      return;
    }
    const id = attributes.id ?? (name === 'a' ? attributes.name : null);
    if (this.mode !== null) {
      if (id !== null && id !== '') addAnchor(this.place.ids, id);
    } else if (tag.isBlock || tag.isPre) {
      this.flush();
      const stated = purposeOf(tag, attributes, meaning);
      if (stated !== null) {
        this.zone = { parent: this.zone, depth: (this.zone?.depth ?? -1) + 1, purpose: stated.purpose, named: stated.named };
        frame.zone = true;
      }
    }
    if (this.mode === null && id !== null && id !== '' && this.run.empty) addAnchor(this.ids, id);
    if (attributes.dataLang !== null) frame.language = languageName(attributes.dataLang);
    else if (meaning.language !== null && name !== 'span' && name !== 'a' && name !== 'p' && name !== 'li')
      frame.language = meaning.language;
    this.openElement(frame, tag, attributes, id, meaning);
  }

  private openElement(frame: Frame, tag: Tag, attributes: Readonly<Attributes>, id: string | null, meaning: ClassMeaning): void {
    const { name } = tag;
    if (this.mode !== null) {
      if (name === 'br' || tag.isBlock) this.run.add(' ');
    } else if (tag.isPre || (meaning.listing && name === 'div')) {
      // A column of numbers beside a column of lines, each one block.
      this.numbered = false;
      frame.mode = this.mode = 'pre';
      this.pre = this.codeText(frame, attributes);
      return;
    } else if (tag.level > 0 || name === 'dt') {
      frame.mode = this.mode = name === 'dt' ? 'term' : 'heading';
      this.place = { level: tag.level, ids: [...this.ids], code: name === 'dt' && meaning.signature, id };
      return;
    } else if (name === 'td') this.openCell(frame, attributes, meaning);
    else if (tag.isBlock) {
      if (name === 'tr') this.numbered = false;
      frame.container = this.containers.start(name, attributes);
    }
    if (name === 'br') this.run.lineBreak();
    else if (name === 'a') {
      if (attributes.href !== null) this.run.openLink(attributes.href);
    } else if (name === 'sup') this.run.openRaised();
    else if (tag.isCode) this.run.openCode();
  }

  /** A line of code in a row of its own is read as it stands, like a <pre>. */
  private openCell(frame: Frame, attributes: Readonly<Attributes>, meaning: ClassMeaning): void {
    const isLine = this.numbered && !meaning.lineNumbers;
    this.numbered = meaning.lineNumbers;
    frame.container = this.containers.start('td', attributes, isLine);
    if (!isLine || !frame.container) return;
    frame.mode = this.mode = 'pre';
    this.pre = this.codeText(frame, attributes);
  }

  private codeText({ language }: Frame, { lang }: Readonly<Attributes>): CodeText {
    return new CodeText(language ?? this.languageAround() ?? languageName(lang ?? ''));
  }

  private openInPre(pre: CodeText, frame: Frame, tag: Tag, attributes: Readonly<Attributes>, meaning: ClassMeaning): void {
    frame.from = pre.position;
    if (meaning.lineNumbers) frame.part = 'number';
    else if (meaning.line || tag.name === 'li') frame.part = 'line';
    if (tag.name === 'br') pre.lineBreak();
    else pre.open(tag.isBlock, tag.isPre);
    if (tag.name === 'code')
      pre.language = (attributes.dataLang === null ? meaning.language : languageName(attributes.dataLang)) ?? pre.language;
  }

  private languageAround(): string | null {
    const from = Math.max(0, this.frames.length - 4);
    for (let index = this.frames.length - 1; index >= from; index--) {
      const language = this.frames[index]!.language;
      if (language !== null) return language;
    }
    return null;
  }

  text(data: string): void {
    if (this.dropped > 0) {
      if (this.inTitle && this.title.length < 1000) this.title += data;
    } else if (this.pre === null) this.run.add(data);
    else this.pre.add(data);
  }

  close(tag: Tag): void {
    const frame = this.frames.pop();
    if (frame === undefined) return;
    if (frame.dropped) {
      this.dropped -= 1;
      if (tag.name === 'title') {
        this.hasTitle ||= this.inTitle;
        this.inTitle = false;
      }
      return;
    }
    if (this.dropped > 0) return;
    if (this.pre !== null && frame.mode !== 'pre') {
      if (frame.part === 'number') this.pre.dropNumbers(frame.from);
      else if (tag.isBlock) this.pre.closeBlock(frame.from, frame.part === 'line');
      return;
    }
    if (frame.mode === 'pre') this.closePre(tag.isPre);
    else if (frame.mode === 'heading') this.closeHeading();
    else if (frame.mode === 'term') this.closeTerm();
    else if (tag.name === 'a') this.run.closeLink();
    else if (tag.name === 'sup') this.run.closeRaised();
    else if (tag.isCode) this.run.closeCode();
    else if (tag.isBlock) {
      if (this.mode === null) this.flush();
      else this.run.add(' ');
    }
    if (frame.mode !== null) this.mode = null;
    if (frame.container) this.containers.close(this.zone);
    if (frame.zone) this.zone = this.zone?.parent ?? null;
  }

  /** @param exact false for a listing of elements: what stands behind its last line is the page's source, not code */
  private closePre(exact: boolean): void {
    const pre = this.pre!;
    this.pre = null;
    this.emitCode(exact ? pre.toString() : withoutFinalLines(pre.toString()), pre.language, noEvidence());
  }

  private emitCode(raw: string, language: string | null, evidence: Evidence): void {
    const text = raw.replace(/\r\n?/g, '\n').replace(/\n$/, '');
    if (text.trim() !== '')
      this.emit({ block: { type: 'code', text, language }, zone: this.zone, evidence: { ...evidence, chars: text.length } });
  }

  private closeHeading(): void {
    const own = this.place.ids;
    const { text, permalink, evidence } = this.run.take(own, true);
    if (text === '') return;
    if (this.place.level > 2 && isLabel(text)) {
      this.emit({ block: { type: 'prose', text }, zone: this.zone, evidence });
      return;
    }
    const block = {
      type: 'heading' as const,
      level: this.place.level,
      text: text.replace(/\s+/g, ' '),
      anchor: permalink ?? this.place.id ?? own.at(-1) ?? null,
    };
    this.emit({ block, zone: this.zone, evidence });
  }

  private closeTerm(): void {
    const own = this.place.ids;
    const { text: marked, permalink, evidence } = this.run.take(own);
    const text = marked.replace(/\s+/g, ' ');
    if (text === '') return;
    const code = this.place.code || /^`[^`]+`$/.test(text);
    const term: Term = { text: text.replaceAll('`', ''), anchor: permalink ?? this.place.id ?? own.at(-1) ?? null, code, evidence };
    this.ids = [];
    if (!this.containers.addTerm(term, this.zone)) this.emit({ block: { type: 'prose', text }, zone: this.zone, evidence });
  }

  /** Ends the open text: a paragraph of its own in whatever is being filled. */
  private flush(): void {
    if (this.run.empty) return;
    const { text, lines, evidence } = this.run.take();
    if (text === '') return;
    if (lines !== null) this.emitCode(lines.replace(/^[ \t]*\r?\n/, ''), this.languageAround(), evidence);
    else this.emit({ block: { type: 'prose', text }, zone: this.zone, evidence });
  }

  private emit(raw: RawBlock): void {
    this.ids = [];
    this.containers.add(raw);
  }

  end(): HtmlPage {
    this.flush();
    return { title: composed(this.title.replace(/\s+/g, ' ').trim()), language: this.language, blocks: this.containers.blocks };
  }
}

/**
 * All blocks of a page, chrome included, with their evidence.
 * @throws TooDeep | TooLarge
 */
export const parseHtml = (html: string): HtmlPage => {
  const reader = new Reader();
  tokenize(html, reader);
  return reader.end();
};
