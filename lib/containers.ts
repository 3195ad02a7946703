// Where blocks go while a page is read: into the page, or into the open list, definition or table, which becomes blocks at its end.
import type { Attributes } from './html-events';
import { definitionBlocks, listBlocks, type RawBlock, type Zone } from './raw-block';
import { addEvidence, type Evidence } from './run';
import { tableBlocks, type Cell } from './table-blocks';

/** Of a page, those in its lists, tables and definitions too. */
export const MAX_BLOCKS = 500_000;
/** Characters of lists, counted again in each list around them: every one is indented by each. */
const MAX_LISTED = 100_000_000;
/** Lists, tables and definitions inside each other; what is deeper is filled into the last, so that no text is indented without end. */
const MAX_OPEN = 48;
/** Titles of admonitions: said before their first sentence and not as headings or paragraphs of their own. */
const LABEL = /^(?:note|tip|hint|important|warning|caution|attention|danger):?$/i;

export class TooLarge extends Error {}

export interface Term {
  text: string;
  anchor: string | null;
  /** Its markup says that it is code. */
  code: boolean;
  evidence: Evidence;
}
type Terms = { kind: 'terms'; terms: Term[]; body: RawBlock[]; out: RawBlock[] };
type Container =
  | { kind: 'flow'; blocks: RawBlock[] }
  | { kind: 'list'; items: RawBlock[][]; ordered: boolean; start: number }
  | Terms
  | { kind: 'table'; rows: Cell[][]; extra: RawBlock[]; presentation: boolean };

export const isLabel = (text: string): boolean => LABEL.test(text);

export class Containers {
  /** The page's own blocks. */
  readonly blocks: RawBlock[] = [];
  private readonly open: Container[] = [{ kind: 'flow', blocks: this.blocks }];
  private count = 0;
  private listed = 0;

  private get top(): Container {
    return this.open[this.open.length - 1]!;
  }

  /**
   * @param isLine of a cell: it holds a line of code
   * @returns whether the element opened a container, which `close` has to end
   */
  start(name: string, attributes: Readonly<Attributes>, isLine = false): boolean {
    const container = this.open.length > MAX_OPEN ? null : this.containerOf(name, attributes, isLine);
    if (container !== null) this.open.push(container);
    return container !== null;
  }

  private containerOf(name: string, attributes: Readonly<Attributes>, isLine: boolean): Container | null {
    const { top } = this;
    switch (name) {
      case 'ul':
      case 'ol':
      case 'menu': {
        const number = Number.parseInt(attributes.start ?? '1', 10);
        const start = Number.isSafeInteger(number) && number >= 0 && number < 1e9 ? number : 1;
        return { kind: 'list', items: [], ordered: name === 'ol', start };
      }
      case 'li': {
        if (top.kind !== 'list') return null;
        const blocks: RawBlock[] = [];
        top.items.push(blocks);
        return { kind: 'flow', blocks };
      }
      case 'dl':
        return { kind: 'terms', terms: [], body: [], out: [] };
      case 'dd':
        return top.kind === 'terms' ? { kind: 'flow', blocks: top.body } : null;
      case 'table':
        return { kind: 'table', rows: [], extra: [], presentation: /^(?:presentation|none)$/.test(attributes.role ?? '') };
      case 'tr':
        if (top.kind === 'table') top.rows.push([]);
        return null;
      case 'td':
      case 'th': {
        if (top.kind !== 'table') return null;
        const cell: Cell = { header: name === 'th', isLine, raws: [] };
        if (top.rows.length === 0) top.rows.push([]);
        top.rows[top.rows.length - 1]!.push(cell);
        return { kind: 'flow', blocks: cell.raws };
      }
      default:
        return null;
    }
  }

  /**
   * Ends the innermost container: its blocks go into the one around it.
   * @throws TooLarge
   */
  close(zone: Zone | null): void {
    const container = this.open.pop()!;
    let made: RawBlock[];
    if (container.kind === 'list') {
      made = listBlocks(container.items, container.ordered, container.start, zone);
      for (const { block } of made) if (block.type === 'list') for (const item of block.items) this.listed += item.length;
      if (this.listed > MAX_LISTED) throw new TooLarge();
    } else if (container.kind === 'terms') {
      endDefinition(container, zone);
      made = container.out;
    } else if (container.kind === 'table') made = [...container.extra, ...tableBlocks(container.rows, container.presentation, zone)];
    else return;
    for (const raw of made) this.put(raw);
  }

  /** @returns false where no definition list is open */
  addTerm(term: Term, zone: Zone | null): boolean {
    const { top } = this;
    if (top.kind !== 'terms') return false;
    if (top.body.length > 0) endDefinition(top, zone);
    top.terms.push(term);
    return true;
  }

  /** @throws TooLarge */
  add(raw: RawBlock): void {
    this.count += 1;
    if (this.count > MAX_BLOCKS) throw new TooLarge();
    if (raw.block.type !== 'prose' || !this.joinLabel(raw, raw.block.text)) this.put(raw);
  }

  /** "Note" and the paragraph after it are one: "Note: ...". */
  private joinLabel(raw: RawBlock, text: string): boolean {
    const { top } = this;
    const filled = top.kind === 'flow' ? top.blocks : top.kind === 'terms' ? top.body : [];
    const before = filled[filled.length - 1];
    if (before === undefined || before.block.type !== 'prose' || before.zone !== raw.zone || !isLabel(before.block.text)) return false;
    before.block = { type: 'prose', text: `${before.block.text.replace(/:$/, '')}: ${text}` };
    before.evidence = addEvidence(before.evidence, raw.evidence);
    return true;
  }

  private put(raw: RawBlock): void {
    const { top } = this;
    if (top.kind === 'flow') top.blocks.push(raw);
    else if (top.kind === 'terms') top.body.push(raw);
    else if (top.kind === 'table') top.extra.push(raw);
    else {
      if (top.items.length === 0) top.items.push([]);
      top.items[top.items.length - 1]!.push(raw);
    }
  }
}

const endDefinition = (list: Terms, zone: Zone | null): void => {
  for (const raw of definitionBlocks(list.terms, list.body, zone)) list.out.push(raw);
  list.terms = [];
  list.body = [];
};
