// Text that stands on both sides of a split: held-out rows that share a long run of tokens with training rows.

/** o200k tokens that must not stand in a training row and a held-out row alike. */
export const MAX_SHARED_TOKENS = 50;
/** The run length usually reported (GPT-3 and later); a share of rows, for information. */
export const REPORTED_TOKENS = 13;
/** A JavaScript Set holds at most 2^24 entries; more shared runs go in several passes over the hashes. */
const FOUND_A_PASS = 8_000_000;
/** Of the filter, for each run of a held-out row: two probes then say yes wrongly once in 300 times. */
const BITS_A_RUN = 32;
/** Rows between two pauses. */
const PAUSE_EVERY = 4096;

type Ids = ArrayLike<number>;

/** The halves of a 53-bit hash as integers: a number for all of it would be made on the heap for every token. */
type Visit = (high: number, low: number) => boolean;
const keyOf = (high: number, low: number): number => high * 2 ** 32 + (low >>> 0);

/**
 * Calls `visit` with the upper 21 and the lower 32 bits of a hash of every run of `size` tokens: two polynomial rolling hashes modulo
 * 2^32 over mixed ids. A collision would drop a clean row, never keep a dirty one.
 */
const eachWindow = (ids: Ids, size: number, visit: Visit): boolean => {
  const bases = [0x01000193, 0x5bd1e995] as const;
  let [powerA, powerB] = [1, 1];
  for (let step = 0; step < size; step++) [powerA, powerB] = [Math.imul(powerA, bases[0]), Math.imul(powerB, bases[1])];
  const mixed = (at: number): number => {
    const id = Math.imul((ids[at] ?? 0) + 0x9e3779b9, 0x85ebca6b);
    return id ^ (id >>> 15);
  };
  let [a, b] = [0, 0];
  for (let at = 0; at < ids.length; at++) {
    a = (Math.imul(a, bases[0]) + mixed(at)) | 0;
    b = (Math.imul(b, bases[1]) + mixed(at)) | 0;
    if (at >= size) {
      a = (a - Math.imul(powerA, mixed(at - size))) | 0;
      b = (b - Math.imul(powerB, mixed(at - size))) | 0;
    }
    if (at >= size - 1 && visit(a >>> 11, b)) return true;
  }
  return false;
};

const probeOne = (low: number, high: number): number => {
  const mixed = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
};
const probeTwo = (low: number, high: number): number => {
  const mixed = Math.imul((low >>> 7) ^ low ^ Math.imul(high + 0x7f4a7c15, 0xc2b2ae35), 0x27d4eb2f);
  return mixed ^ (mixed >>> 13);
};

/** A Bloom filter of two probes: what was added is always found. */
class Filter {
  private readonly words: Uint32Array;
  private readonly mask: number;

  constructor(runs: number) {
    const bits = Math.min(32, Math.max(16, Math.ceil(Math.log2(BITS_A_RUN * runs + 1))));
    this.words = new Uint32Array(2 ** (bits - 5));
    this.mask = this.words.length - 1;
  }

  add(high: number, low: number): void {
    const one = probeOne(low, high);
    const two = probeTwo(low, high);
    this.words[(one >>> 5) & this.mask]! |= 1 << (one & 31);
    this.words[(two >>> 5) & this.mask]! |= 1 << (two & 31);
  }

  has(high: number, low: number): boolean {
    const one = probeOne(low, high);
    if (((this.words[(one >>> 5) & this.mask]! >>> (one & 31)) & 1) === 0) return false;
    const two = probeTwo(low, high);
    return ((this.words[(two >>> 5) & this.mask]! >>> (two & 31)) & 1) === 1;
  }
}

const runOf = (ids: Ids, size: number): number => Math.min(Math.max(ids.length, 1), size);

/** Whole short rows have negative keys, so they meet only each other. */
const someRun = (ids: Ids, size: number, visit: Visit): boolean =>
  ids.length < size ? eachWindow(ids, runOf(ids, size), (high, low) => visit(~high, low)) : eachWindow(ids, size, visit);

/** Rows that can be gone through again. */
export type RowSource = () => Iterable<Ids>;

/**
 * Which held-out rows share a run of `size` tokens with any other row. A row shorter than that is compared whole with
 * rows as short as itself. Linear in the tokens; memory: four bytes a run of the held-out rows, and the runs that are shared.
 * A generator that pauses, since millions of rows take minutes.
 * @returns for each held-out row, in order, 1 where it does
 */
export function* findShared(held: RowSource, others: RowSource, size: number): Generator<void, Uint8Array, undefined> {
  let [rows, runs] = [0, 0];
  for (const ids of held()) {
    rows += 1;
    runs += Math.max(ids.length - size + 1, 1);
  }
  const shared = new Uint8Array(rows);
  if (rows === 0) return shared;
  const wanted = new Filter(runs);
  let seen = 0;
  const pause = (): boolean => ++seen % PAUSE_EVERY === 0;
  for (const ids of held()) {
    someRun(ids, size, (high, low) => (wanted.add(high, low), false));
    if (pause()) yield;
  }
  for (let passes = 1, pass = 0; pass < passes; pass++) {
    const found = new Set<number>();
    for (const ids of others()) {
      someRun(ids, size, (high, low) => {
        if (!wanted.has(high, low)) return false;
        const key = keyOf(high, low);
        if (passes === 1 || Math.abs(key) % passes === pass) found.add(key);
        return false;
      });
      if (found.size > FOUND_A_PASS) break;
      if (pause()) yield;
    }
    if (found.size > FOUND_A_PASS) {
      [passes, pass] = [2 * passes, -1];
      continue;
    }
    let row = 0;
    if (found.size > 0)
      for (const ids of held()) {
        if (shared[row] === 0 && someRun(ids, size, (high, low) => found.has(keyOf(high, low)))) shared[row] = 1;
        row += 1;
        if (pause()) yield;
      }
  }
  return shared;
}

/** The result of steps that nobody waits between. */
export const atOnce = <T>(steps: Generator<void, T, undefined>): T => {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
};

/** findShared of rows in memory, without pauses. */
export const sharesRun = (held: readonly Ids[], others: readonly Ids[], size: number): boolean[] =>
  Array.from(
    atOnce(
      findShared(
        () => held,
        () => others,
        size,
      ),
    ),
    (one) => one === 1,
  );
