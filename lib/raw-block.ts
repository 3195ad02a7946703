// Blocks with the evidence of where they stood, and how lists and definitions are made of the blocks inside them.
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

export const sumEvidence = (raws: readonly RawBlock[]): Evidence =>
  raws.reduce((total, { evidence }) => addEvidence(total, evidence), noEvidence());

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
      evidence: sumEvidence(used),
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
  const evidence = sumEvidence(inside);
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
