// An answer that is too long for an example: cut between its blocks, never inside one.
import { sentences, isWhole } from './sentences';

/** Blocks of Markdown as we write it: parts between blank lines, a fence whole. */
export const partsOf = (markdown: string): string[] => {
  const parts: string[] = [];
  let open: string | null = null;
  let current: string[] = [];
  const close = (): void => {
    if (current.length > 0) parts.push(current.join('\n'));
    current = [];
  };
  for (const line of markdown.split('\n')) {
    const fence = /^\s*(`{3,})/.exec(line)?.[1];
    if (open !== null) {
      current.push(line);
      if (fence !== undefined && fence.length >= open.length && line.trim() === fence) open = null;
    } else if (line.trim() === '') close();
    else {
      if (fence !== undefined) open = fence;
      current.push(line);
    }
  }
  close();
  return parts;
};

/** Whether such a part is a paragraph: no fence, list, table or quotation. */
export const isParagraph = (part: string): boolean => /^(?![ \t]*(?:`{3}|[-*|>]|\d+\.\s))/.test(part);

/**
 * What is left of an answer when whole blocks are taken from its end, longest first. None ends with what announces a block
 * that is left out.
 */
export function* shorterAnswers(response: string): Generator<string, void, undefined> {
  const parts = partsOf(response);
  let last = response;
  for (let count = parts.length - 1; count > 0; count--) {
    const kept = parts.slice(0, count);
    while (kept.length > 0 && /:\s*$/.test(kept.at(-1)!)) {
      const before = sentences(kept.pop()!).slice(0, -1);
      if (before.length > 0 && isWhole(before.at(-1)!)) {
        kept.push(before.join(' '));
        break;
      }
    }
    const text = kept.join('\n\n');
    if (text === '' || text === last) continue;
    last = text;
    yield text;
  }
}
