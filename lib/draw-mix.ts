// How much general data goes into training, and which of it.
import type { Dropped, Example, Pair } from '../contracts/records';
import { findShared, MAX_SHARED_TOKENS } from './contamination';
import { sha256 } from './hash';
import { type GeneralRows, mixCount, mixDropped } from './mix';
import { LONE_SURROGATE, type SplitPairs } from './split-pairs';
import { encodeText } from './tokens';

/** General data for training, and how much of it. */
export interface Mix {
  rows: GeneralRows;
  share: number;
  /** Where it comes from, as an address. */
  url: string;
  /** sha256 of all of it. */
  sha256: string;
}

/** Rows whose texts and tokens are in memory at once. */
const BATCH = 10_000;

/**
 * Draws general rows, in their order, until their share is reached; one that shares a long run with a held-out answer is
 * dropped.
 * @param own training examples of the pages
 * @param take a row under the same provenance columns as a page's; false: it does not fit, and another is drawn
 */
export function* drawMix(
  { rows, share, url, sha256: documentSha256 }: Mix,
  own: number,
  split: SplitPairs,
  drop: (dropped: Dropped) => void,
  take: (
    turn: Pick<Pair, 'instruction' | 'response'>,
    provenance: Pick<Example, 'kind' | 'url' | 'anchor' | 'path' | 'pageId' | 'pairId' | 'documentSha256'>,
  ) => boolean,
): Generator<void, void, undefined> {
  const from = { kind: 'general' as const, url, anchor: null, path: [], pageId: sha256(url), documentSha256 };
  let wanted = mixCount(own, share);
  for (let at = 0; wanted > 0 && at < rows.size;) {
    const batch = rows.slice(at, at + Math.min(wanted, BATCH));
    at += batch.length;
    const answers = batch.map(({ response }) => Int32Array.from(encodeText(response)));
    const shared = yield* findShared(
      () => answers,
      () => split.heldAnswers(),
      MAX_SHARED_TOKENS,
    );
    for (const [index, row] of batch.entries()) {
      if (LONE_SURROGATE.test(row.instruction + row.response)) drop(mixDropped(row, 'malformed_text'));
      else if (shared[index] === 1) drop(mixDropped(row, 'contaminated'));
      else if (take(row, { ...from, pairId: row.id })) wanted -= 1;
      else drop(mixDropped(row, 'too_long'));
    }
  }
}
