// HTML to blocks in one streaming pass: no tree is kept, only the open elements and the blocks being filled.
import { Parser } from 'htmlparser2';
import { languageOf, languageName } from './code-language';
import { BLOCK_ELEMENTS, CODE_ELEMENTS, DROPPED_ELEMENTS, PRE_ELEMENTS, isHidden, isLineNumbers, purposeOf } from './elements';
import type { Cell, RawBlock, Zone } from './raw-block';
import { definitionBlocks, listBlocks, tableBlocks } from './raw-block';
import type { Evidence } from './run';
import { Run, noEvidence } from './run';

/** Deeper nesting is no page: browsers stop at 512 open elements. */
const MAX_DEPTH = 1024;
const MAX_BLOCKS = 500_000;

export class TooDeep extends Error {}
export class TooLarge extends Error {}

interface HtmlPage {
  /** Text of <title>. */
  title: string;
  /** The lang attribute of <html>. */
  language: string | null;
  blocks: RawBlock[];
}

type Attributes = Record<string, string>;
interface Term {
  text: string;
  anchor: string | null;
  code: boolean;
  evidence: Evidence;
}
type Sink =
  | { kind: 'flow'; blocks: RawBlock[] }
  | { kind: 'list'; items: RawBlock[][]; ordered: boolean; start: number }
  | { kind: 'terms'; terms: Term[]; body: RawBlock[]; out: RawBlock[] }
  | { kind: 'table'; rows: Cell[][]; extra: RawBlock[]; presentation: boolean };

interface Frame {
  name: string;
  /** What has to be undone at its end tag. */
  sink: boolean;
  zone: boolean;
  dropped: boolean;
  mode: 'heading' | 'term' | 'pre' | null;
  language: string | null;
  /** Start of its text in the open code block when it may be a line number. */
  numbersFrom: number;
}

class Reader {
  title = '';
  language: string | null = null;
  private readonly root: Extract<Sink, { kind: 'flow' }> = { kind: 'flow', blocks: [] };
  private readonly sinks: Sink[] = [this.root];
  private readonly frames: Frame[] = [];
  private zone: Zone | null = null;
  private dropped = 0;
  private inTitle = false;
  private hasTitle = false;
  private readonly run = new Run();
  private mode: Frame['mode'] = null;
  private ids: string[] = [];
  private place: { level: number; ids: string[]; code: boolean; id: string | null } = { level: 0, ids: [], code: false, id: null };
  private pre: { parts: string[]; language: string | null; breakBefore: boolean; fresh: boolean } | null = null;
  private count = 0;

  open(name: string, attributes: Attributes): void {
    if (this.frames.length >= MAX_DEPTH) throw new TooDeep();
    const frame: Frame = { name, sink: false, zone: false, dropped: false, mode: null, language: null, numbersFrom: -1 };
    this.frames.push(frame);
    if (this.dropped > 0) return;
    if (name === 'title') {
      this.inTitle = !this.hasTitle;
      frame.dropped = true;
      this.dropped += 1;
      return;
    }
    if (name === 'html') this.language = attributes['lang'] ?? attributes['xml:lang'] ?? this.language;
    if (DROPPED_ELEMENTS.has(name) || isHidden(attributes)) {
      frame.dropped = true;
      this.dropped += 1;
      return;
    }
    if (this.pre !== null) {
      this.openInPre(frame, name, attributes);
      return;
    }
    const id = attributes['id'] ?? (name === 'a' ? attributes['name'] : undefined);
    if (this.mode !== null) {
      if (id !== undefined && id !== '') this.place.ids.push(id);
    } else if (BLOCK_ELEMENTS.has(name) || PRE_ELEMENTS.has(name)) {
      this.flush();
      const stated = purposeOf(name, attributes);
      if (stated !== null) {
        this.zone = { parent: this.zone, purpose: stated.purpose, named: stated.named };
        frame.zone = true;
      }
    }
    if (this.mode === null && id !== undefined && id !== '' && this.run.empty) this.ids.push(id);
    if (name !== 'span' && name !== 'a' && name !== 'p' && name !== 'li') frame.language = languageOf(attributes);
    this.openElement(frame, name, attributes, id ?? null);
  }

  private openElement(frame: Frame, name: string, attributes: Attributes, id: string | null): void {
    if (this.mode !== null) {
      if (name === 'br' || BLOCK_ELEMENTS.has(name)) this.run.add(' ');
    } else if (PRE_ELEMENTS.has(name)) {
      frame.mode = 'pre';
      this.mode = 'pre';
      this.pre = {
        parts: [],
        language: frame.language ?? this.languageAround() ?? languageName(attributes['lang'] ?? ''),
        breakBefore: false,
        fresh: true,
      };
      return;
    } else if (/^h[1-6]$/.test(name) || name === 'dt') {
      frame.mode = name === 'dt' ? 'term' : 'heading';
      this.mode = frame.mode;
      const code = name === 'dt' && /(?:^|\s)(?:sig|signature|function|method|option)(?:\s|$)/.test(attributes['class'] ?? '');
      this.place = { level: name === 'dt' ? 0 : Number(name[1]), ids: [...this.ids], code, id };
      return;
    } else this.openContainer(frame, name, attributes);
    if (name === 'br') this.run.lineBreak();
    else if (name === 'a' && attributes['href'] !== undefined) this.run.openLink(attributes['href']);
    else if (CODE_ELEMENTS.has(name)) this.run.openCode();
  }

  private openContainer(frame: Frame, name: string, attributes: Attributes): void {
    const top = this.sinks.at(-1)!;
    const push = (sink: Sink): void => {
      this.sinks.push(sink);
      frame.sink = true;
    };
    if (name === 'ul' || name === 'ol' || name === 'menu') {
      const start = Number.parseInt(attributes['start'] ?? '1', 10);
      push({
        kind: 'list',
        items: [],
        ordered: name === 'ol',
        start: Number.isSafeInteger(start) && start >= 0 && start < 1e9 ? start : 1,
      });
    } else if (name === 'li' && top.kind === 'list') {
      top.items.push([]);
      push({ kind: 'flow', blocks: top.items.at(-1)! });
    } else if (name === 'dl') push({ kind: 'terms', terms: [], body: [], out: [] });
    else if (name === 'dd' && top.kind === 'terms') push({ kind: 'flow', blocks: top.body });
    else if (name === 'table')
      push({ kind: 'table', rows: [], extra: [], presentation: /^(?:presentation|none)$/.test(attributes['role'] ?? '') });
    else if (name === 'tr' && top.kind === 'table') top.rows.push([]);
    else if ((name === 'td' || name === 'th') && top.kind === 'table') {
      const cell: Cell = { header: name === 'th', raws: [] };
      if (top.rows.length === 0) top.rows.push([]);
      top.rows.at(-1)!.push(cell);
      push({ kind: 'flow', blocks: cell.raws });
    }
  }

  private openInPre(frame: Frame, name: string, attributes: Attributes): void {
    const pre = this.pre!;
    if (isLineNumbers(attributes)) frame.numbersFrom = pre.parts.length;
    if (name === 'br') pre.parts.push('\n');
    else if (BLOCK_ELEMENTS.has(name) && pre.parts.length > 0) pre.breakBefore = true;
    pre.fresh = PRE_ELEMENTS.has(name) && pre.parts.length === 0;
    if (name === 'code') pre.language = languageOf(attributes) ?? pre.language;
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
      return;
    }
    if (this.pre === null) {
      this.run.add(data);
      return;
    }
    const pre = this.pre;
    // The newline straight after <pre> is not text (HTML, "pre" in the tree construction stage).
    let text = pre.fresh ? data.replace(/^\r?\n/, '') : data;
    pre.fresh = false;
    if (text === '') return;
    if (pre.breakBefore) {
      const before = pre.parts.at(-1);
      if (before !== undefined && !before.endsWith('\n') && !text.startsWith('\n')) pre.parts.push('\n');
      pre.breakBefore = false;
    }
    if (text.includes('\0')) text = text.replaceAll('\0', '');
    pre.parts.push(text);
  }

  close(name: string): void {
    const frame = this.frames.pop();
    if (frame === undefined) return;
    if (frame.dropped) {
      this.dropped -= 1;
      if (name === 'title') {
        this.hasTitle ||= this.inTitle;
        this.inTitle = false;
      }
      return;
    }
    if (this.dropped > 0) return;
    if (this.pre !== null && frame.mode !== 'pre') {
      this.closeInPre(frame, name);
      return;
    }
    if (frame.mode === 'pre') this.closePre();
    else if (frame.mode === 'heading') this.closeHeading();
    else if (frame.mode === 'term') this.closeTerm();
    else if (name === 'a') this.run.closeLink();
    else if (CODE_ELEMENTS.has(name)) this.run.closeCode();
    else if (this.mode === null && BLOCK_ELEMENTS.has(name)) this.flush();
    else if (this.mode !== null && BLOCK_ELEMENTS.has(name)) this.run.add(' ');
    if (frame.mode !== null) this.mode = null;
    if (frame.sink) this.closeSink();
    if (frame.zone) this.zone = this.zone?.parent ?? null;
  }

  private closeInPre(frame: Frame, name: string): void {
    const pre = this.pre!;
    if (frame.numbersFrom >= 0) {
      const numbers = pre.parts.slice(frame.numbersFrom).join('');
      if (/^[\s\d.:|]*$/.test(numbers)) pre.parts.length = frame.numbersFrom;
    } else if (BLOCK_ELEMENTS.has(name)) pre.breakBefore = true;
  }

  private closePre(): void {
    const { parts, language } = this.pre!;
    this.pre = null;
    this.emitCode(parts.join(''), language, noEvidence());
  }

  private emitCode(raw: string, language: string | null, evidence: Evidence): void {
    const text = raw.replace(/\r\n?/g, '\n').replace(/\n$/, '');
    if (text.trim() !== '')
      this.emit({ block: { type: 'code', text, language }, zone: this.zone, evidence: { ...evidence, chars: text.length } });
  }

  private closeHeading(): void {
    const own = this.place.ids;
    const { text, permalink, evidence } = this.run.take(own);
    if (text === '') return;
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
    const top = this.sinks.at(-1)!;
    this.ids = [];
    if (top.kind !== 'terms') {
      this.emit({ block: { type: 'prose', text }, zone: this.zone, evidence });
      return;
    }
    if (top.body.length > 0) this.endDefinition(top);
    top.terms.push(term);
  }

  private endDefinition(sink: Extract<Sink, { kind: 'terms' }>): void {
    for (const raw of definitionBlocks(sink.terms, sink.body, this.zone)) sink.out.push(raw);
    sink.terms = [];
    sink.body = [];
  }

  /** Ends the open text: a paragraph of its own in whatever is being filled. */
  private flush(): void {
    if (this.run.empty) return;
    const { text, lines, evidence } = this.run.take();
    if (text === '') return;
    if (lines !== null) this.emitCode(lines.replace(/^[ \t]*\r?\n/, ''), this.languageAround(), evidence);
    else this.emit({ block: { type: 'prose', text }, zone: this.zone, evidence });
  }

  private closeSink(): void {
    const sink = this.sinks.pop()!;
    let made: RawBlock[];
    if (sink.kind === 'list') made = listBlocks(sink.items, sink.ordered, sink.start, this.zone);
    else if (sink.kind === 'terms') {
      this.endDefinition(sink);
      made = sink.out;
    } else if (sink.kind === 'table') made = [...sink.extra, ...tableBlocks(sink.rows, sink.presentation, this.zone)];
    else return;
    for (const raw of made) this.put(raw);
  }

  private emit(raw: RawBlock): void {
    this.count += 1;
    if (this.count > MAX_BLOCKS) throw new TooLarge();
    this.ids = [];
    this.put(raw);
  }

  private put(raw: RawBlock): void {
    const top = this.sinks.at(-1)!;
    if (top.kind === 'flow') top.blocks.push(raw);
    else if (top.kind === 'terms') top.body.push(raw);
    else if (top.kind === 'table') top.extra.push(raw);
    else {
      if (top.items.length === 0) top.items.push([]);
      top.items.at(-1)!.push(raw);
    }
  }

  end(): HtmlPage {
    this.flush();
    return { title: this.title.replace(/\s+/g, ' ').trim().normalize('NFC'), language: this.language, blocks: this.root.blocks };
  }
}

/**
 * All blocks of a page, chrome included, with their evidence.
 * @throws TooDeep | TooLarge
 */
export const parseHtml = (html: string): HtmlPage => {
  const reader = new Reader();
  const parser = new Parser(
    {
      onopentag: (name, attributes) => {
        reader.open(name, attributes);
      },
      ontext: (data) => {
        reader.text(data);
      },
      onclosetag: (name) => {
        reader.close(name);
      },
    },
    { decodeEntities: true },
  );
  parser.end(html);
  return reader.end();
};
