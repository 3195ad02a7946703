// What a table becomes: a table of data, its rows as entries where cells hold code or tables, or the blocks that it only arranges.
import { noEvidence } from './run';
import { definitionBlocks, sumEvidence, type RawBlock, type Zone } from './raw-block';

export interface Cell {
  header: boolean;
  /** Stands beside the number of a line: its block, if any, is that line of code. */
  isLine: boolean;
  raws: RawBlock[];
}

/** A longer first cell names nothing; a longer heading of a column is not said again in every row. */
const MAX_LABEL = 100;

const inCell = (raws: readonly RawBlock[]): string =>
  raws
    .map(({ block }) => (block.type === 'prose' ? block.text : block.type === 'list' ? block.items.join('; ') : ''))
    .join(' ')
    .replace(/\s*\n\s*/g, ' ')
    .trim();

const isNumbers = ({ block }: RawBlock): boolean => block.type === 'code' && /^\s*\d+(?:\s+\d+)*\s*$/.test(block.text);

const isText = ({ block }: RawBlock): boolean => block.type === 'prose' || block.type === 'list';

/** What a cell says when it is short and nothing but text, else null. */
const labelOf = (cell: Cell | undefined): string | null => {
  const [only] = cell?.raws ?? [];
  if (only === undefined || cell!.raws.length > 1 || only.block.type !== 'prose' || only.block.text.length > MAX_LABEL) return null;
  return only.block.text.replace(/\s*\n\s*/g, ' ');
};

/** The blocks of a table that only arranges them; numbers of lines beside code are none. */
const arrangedBlocks = (rows: readonly Cell[][]): RawBlock[] =>
  rows.flatMap((cells) => {
    const raws = cells.flatMap((cell) => cell.raws);
    const numbered = raws.length > 1 && isNumbers(raws[0]!) && raws.some((raw) => raw.block.type === 'code' && !isNumbers(raw));
    return numbered ? raws.slice(1) : raws;
  });

/** A column's heading before what a row has there: "Default: 60". */
const withHeading = (heading: string | null, raws: readonly RawBlock[], zone: Zone | null): RawBlock[] => {
  const [first, ...rest] = raws;
  if (first === undefined || heading === null) return [...raws];
  const said = heading.replace(/[\s:]+$/, '');
  if (first.block.type === 'prose') return [{ ...first, block: { type: 'prose', text: `${said}: ${first.block.text}` } }, ...rest];
  return [{ block: { type: 'prose', text: `${said}:` }, zone, evidence: noEvidence() }, ...raws];
};

/** A row that holds more than text, as an entry: its first cell is the term, or, with a colon, what the others begin with. */
const rowBlocks = (cells: readonly Cell[], headings: readonly (string | null)[], zone: Zone | null): RawBlock[] => {
  if (headings.length > 0 && cells.length !== headings.length) return cells.flatMap((cell) => cell.raws);
  const label = labelOf(cells[0]);
  if (label === null) return cells.flatMap((cell, column) => withHeading(headings[column] ?? null, cell.raws, zone));
  const isPair = cells.length === 2;
  const body = cells.slice(1).flatMap((cell, at) => withHeading(isPair ? null : (headings[at + 1] ?? null), cell.raws, zone));
  if (label.endsWith(':')) return withHeading(label, body, zone);
  // A bare number names nothing without its column: "Step 1".
  const [heading] = headings;
  const name = /^\d+$/.test(label) && heading !== undefined && heading !== null ? `${heading} ${label}` : label;
  const term = { text: name.replaceAll('`', ''), anchor: null, code: /^`[^`]+`$/.test(name), evidence: cells[0]!.raws[0]!.evidence };
  return definitionBlocks([term], body, zone);
};

/** Whether the first cells of rows of equal length name the rows, though no heading says so. */
const hasLabels = (rows: readonly Cell[][]): boolean => {
  if (rows.length < 2 || rows.some((cells) => cells.length !== rows[0]!.length)) return false;
  const labels = rows.flatMap((cells) => labelOf(cells[0]) ?? []);
  return labels.length === rows.length && labels.some((label) => !/^[\d\s.:]*$/.test(label));
};

const isSimple = (cells: readonly Cell[]): boolean => cells.every((cell) => cell.raws.every(isText));

const tableOf = (header: readonly Cell[], rows: readonly Cell[][], zone: Zone | null): RawBlock => ({
  block: {
    type: 'table',
    header: header.map((cell) => inCell(cell.raws)),
    rows: rows.map((cells) => cells.map((cell) => inCell(cell.raws))),
  },
  zone,
  evidence: sumEvidence([header, ...rows].flat().flatMap((cell) => cell.raws)),
});

/** Rows of text as tables, each other row as an entry between them. */
const mixedBlocks = (header: readonly Cell[], rows: readonly Cell[][], zone: Zone | null): RawBlock[] => {
  // Said again over every part and in every entry, so only where each heads a column and none is long; others stand before all rows.
  const heads = header.length > 1 && header.every((cell) => labelOf(cell) !== null) ? header : [];
  const headings = heads.map(labelOf);
  const out = heads.length > 0 ? [] : header.flatMap((cell) => cell.raws);
  let simple: Cell[][] = [];
  const flush = (): void => {
    if (simple.length > 0) out.push(tableOf(heads, simple, zone));
    simple = [];
  };
  for (const cells of rows) {
    if (isSimple(cells)) simple.push(cells);
    else {
      flush();
      for (const raw of rowBlocks(cells, headings, zone)) out.push(raw);
    }
  }
  flush();
  return out;
};

/** The code of a table with a row for each line (GitHub's and Gitea's files), empty lines too; null for any other table. */
const listingOf = (rows: readonly Cell[][], zone: Zone | null): RawBlock | null => {
  const isNumber = ({ block }: RawBlock): boolean => block.type === 'prose' && /^\d+$/.test(block.text);
  if (!rows.every((cells) => cells.at(-1)?.isLine === true && cells.slice(0, -1).every(({ raws }) => raws.every(isNumber)))) return null;
  const lines = rows.map((cells) => cells.at(-1)!.raws);
  const text = lines.map(([raw]) => (raw?.block.type === 'code' ? raw.block.text : '')).join('\n');
  const first = lines.flat()[0];
  if (first?.block.type !== 'code') return null;
  return { block: { ...first.block, text }, zone, evidence: { ...noEvidence(), chars: text.length } };
};

/** A table of data; one whose rows partly hold more than text; the blocks of a table that only arranges them. */
export const tableBlocks = (rows: readonly Cell[][], presentation: boolean, zone: Zone | null): RawBlock[] => {
  const filled = rows.filter((cells) => cells.some((cell) => cell.raws.length > 0));
  if (filled.length === 0) return [];
  const listing = listingOf(rows, zone);
  if (listing !== null) return [listing];
  const width = filled.reduce((most, cells) => Math.max(most, cells.length), 0);
  const all = filled.flat();
  if (presentation || width === 1 || (filled.length === 1 && !all.some((cell) => cell.header))) return arrangedBlocks(filled);
  const header = filled[0]!.every((cell) => cell.header) ? filled[0]! : [];
  const body = header.length > 0 ? filled.slice(1) : filled;
  if (filled.every(isSimple)) return [tableOf(header, body, zone)];
  // Headings in cells are a page in columns. One row of headings over code is data: "Before" and "After".
  const isPage = all.some((cell) => cell.raws.some(({ block }) => block.type === 'heading'));
  const isData = !isPage && header.every((cell) => cell.raws.every(isText)) && (header.length > 1 ? body.length > 0 : hasLabels(body));
  return isData ? mixedBlocks(header, body, zone) : arrangedBlocks(filled);
};
