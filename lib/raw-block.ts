// Blocks with the evidence of where they stood, and how lists, definitions and tables are made of the blocks inside them.
import { CODE_PLACE, renderList } from './blocks';
import type { Block } from '../contracts/records';
import type { Evidence } from './run';
import { addEvidence, noEvidence } from './run';
import type { Purpose } from './elements';

/** A region of the page with a purpose. */
export interface Zone {
  parent: Zone | null;
  /** Number of zones around it. */
  depth: number;
  purpose: Purpose;
  /** Only a class or id says so. */
  named: boolean;
}

export interface RawBlock {
  block: Block;
  zone: Zone | null;
  evidence: Evidence;
}

const sum = (raws: readonly RawBlock[]): Evidence => raws.reduce((total, { evidence }) => addEvidence(total, evidence), noEvidence());

const listText = (block: Extract<Block, { type: 'list' }>): string => renderList(block.items, block.ordered, block.start);

/** Items as one list; where an item holds code, a table or a heading, that stands between two parts of the list. */
export const listBlocks = (items: readonly RawBlock[][], ordered: boolean, start: number, zone: Zone | null): RawBlock[] => {
  const out: RawBlock[] = [];
  let texts: string[] = [];
  let used: RawBlock[] = [];
  let number = start;
  const flush = (): void => {
    if (texts.length === 0) return;
    const first = number - texts.length;
    out.push({
      block: { type: 'list', ordered, ...(ordered && first !== 1 ? { start: first } : {}), items: texts },
      zone,
      evidence: sum(used),
    });
    texts = [];
    used = [];
  };
  for (const item of items) {
    let text: string | null = null;
    let broken = false;
    const end = (): void => {
      if (text === null) return;
      texts.push(text);
      number += 1;
      text = null;
    };
    for (const raw of item) {
      const { block } = raw;
      if (!broken && (block.type === 'prose' || block.type === 'list')) {
        const more: string = block.type === 'prose' ? block.text : listText(block);
        text = text === null ? more : text + (block.type === 'prose' ? '\n\n' : '\n') + more;
        used.push(raw);
      } else {
        end();
        flush();
        broken = true;
        out.push(raw);
      }
    }
    end();
  }
  flush();
  return out;
};

const CODELIKE = /^(?:--?[\w-]+|[\w$]+(?:[.:]{1,2}[\w$]+)+|[\w$.:]+\(.*\).*|[a-z]+[A-Z_]\w*|\w+=.*)/;

/** Terms and what is said under them: the text and code up to the first heading, table or further definition. */
export const definitionBlocks = (
  terms: readonly { text: string; anchor: string | null; code: boolean; evidence: Evidence }[],
  body: readonly RawBlock[],
  zone: Zone | null,
): RawBlock[] => {
  const first = terms[0];
  if (first === undefined) return [...body];
  const parts: string[] = [];
  const code: { text: string; language: string | null }[] = [];
  let index = 0;
  for (; index < body.length; index++) {
    const block = body[index]!.block;
    if (block.type === 'prose') parts.push(block.text);
    else if (block.type === 'list') parts.push(listText(block));
    else if (block.type === 'code') {
      parts.push(CODE_PLACE);
      code.push({ text: block.text, language: block.language });
    } else break;
  }
  const inside = body.slice(0, index);
  const evidence = sum(inside);
  for (const term of terms) {
    evidence.chars += term.evidence.chars;
    evidence.linked += term.evidence.linked;
    evidence.links += term.evidence.links;
    evidence.local += term.evidence.local;
  }
  const term = terms.map((each) => each.text).join(', ');
  const signature = terms.some((each) => each.code) || CODELIKE.test(first.text);
  const anchor = terms.find((each) => each.anchor !== null)?.anchor ?? null;
  return [{ block: { type: 'definition', term, anchor, signature, text: parts.join('\n\n'), code }, zone, evidence }, ...body.slice(index)];
};

export interface Cell {
  header: boolean;
  raws: RawBlock[];
}

const inCell = (raws: readonly RawBlock[]): string =>
  raws
    .map(({ block }) => (block.type === 'prose' ? block.text : block.type === 'list' ? block.items.join('; ') : ''))
    .join(' ')
    .replace(/\s*\n\s*/g, ' ')
    .trim();

const isNumbers = ({ block }: RawBlock): boolean => block.type === 'code' && /^\s*\d+(?:\s+\d+)*\s*$/.test(block.text);

/** A table of data, or, where cells hold blocks or there is one column, the blocks of a table that only arranges them. */
export const tableBlocks = (rows: readonly Cell[][], presentation: boolean, zone: Zone | null): RawBlock[] => {
  const filled = rows.filter((cells) => cells.some((cell) => cell.raws.length > 0));
  if (filled.length === 0) return [];
  const width = Math.max(...filled.map((cells) => cells.length));
  const all = filled.flat();
  const arranged =
    presentation ||
    width === 1 ||
    all.some((cell) => cell.raws.some(({ block }) => block.type !== 'prose' && block.type !== 'list')) ||
    (filled.length === 1 && !all.some((cell) => cell.header));
  if (arranged) {
    return filled.flatMap((cells) => {
      const raws = cells.flatMap((cell) => cell.raws);
      const numbered = raws.length > 1 && isNumbers(raws[0]!) && raws.some((raw) => raw.block.type === 'code' && !isNumbers(raw));
      return numbered ? raws.slice(1) : raws;
    });
  }
  const header = filled[0]!.every((cell) => cell.header) ? filled[0]! : [];
  const body = header.length > 0 ? filled.slice(1) : filled;
  const raws = all.flatMap((cell) => cell.raws);
  return [
    {
      block: {
        type: 'table',
        header: header.map((cell) => inCell(cell.raws)),
        rows: body.map((cells) => cells.map((cell) => inCell(cell.raws))),
      },
      zone,
      evidence: sum(raws),
    },
  ];
};
