// Clusters of near-duplicates: sets that share a band are compared exactly and joined. Band after band over sorted keys,
// so that only one band's keys are in memory, and nothing depends on where the sets came from.
import { BANDS, isSimilar } from './minhash';
import { orderByKey } from './radix-sort';

/** In a bucket a set is compared with this many before it: bounds the work when thousands are alike but not alike enough. */
const MAX_PROBES = 64;
/** Pairs remembered as not alike, so that the next band does not read them again. */
const MAX_REFUSED = 1 << 20;
/** Comparisons between two pauses. */
const PAUSE_EVERY = 4096;

/** Disjoint sets with path halving; the root is the smallest member, so it does not depend on the order of unions. */
export class UnionFind {
  private readonly parent: Int32Array;

  constructor(size: number) {
    this.parent = new Int32Array(size);
    for (let index = 0; index < size; index++) this.parent[index] = index;
  }

  find(member: number): number {
    let at = member;
    while (this.parent[at] !== at) {
      this.parent[at] = this.parent[this.parent[at]!]!;
      at = this.parent[at]!;
    }
    return at;
  }

  union(a: number, b: number): void {
    const one = this.find(a);
    const other = this.find(b);
    if (one < other) this.parent[other] = one;
    else this.parent[one] = other;
  }
}

/** Each group of two or more members that share a key, its members in the order given. */
export function* buckets(members: Uint32Array, keys: Uint32Array): Generator<Uint32Array, void, undefined> {
  const ordered = orderByKey(members, keys);
  for (let from = 0; from < ordered.length;) {
    const key = keys[ordered[from]!];
    let to = from + 1;
    while (to < ordered.length && keys[ordered[to]!] === key) to += 1;
    if (to - from > 1) yield ordered.subarray(from, to);
    from = to;
  }
}

export interface SignedSets {
  /** How many; numbered from 0. */
  readonly size: number;
  /** The key of every set in one band. */
  band: (band: number) => Uint32Array;
  /** A set's grams as minhash.asSet gives them; asked for candidates only. */
  grams: (index: number) => Uint32Array;
}

/**
 * Joins all sets whose Jaccard similarity with a candidate is at least `similarity`. A generator: each step is a pause in
 * which the caller may let others run; it yields the share of the bands done.
 * @param members ascending: the sets that take part
 */
export function* joinSimilar(
  sets: SignedSets,
  members: Uint32Array,
  similarity: number,
  clusters: UnionFind,
): Generator<number, void, undefined> {
  const refused = new Set<number>();
  for (let band = 0; band < BANDS; band++) {
    let compared = 0;
    for (const bucket of buckets(members, sets.band(band))) {
      for (let at = 1; at < bucket.length; at++) {
        const index = bucket[at]!;
        let root = clusters.find(index);
        for (let before = at - 1; before >= Math.max(0, at - MAX_PROBES); before--) {
          const other = bucket[before]!;
          if (root === clusters.find(other)) continue;
          const pair = other * sets.size + index;
          if (refused.has(pair)) continue;
          if (isSimilar(sets.grams(index), sets.grams(other), similarity)) {
            clusters.union(index, other);
            root = clusters.find(index);
          } else {
            if (refused.size >= MAX_REFUSED) refused.clear();
            refused.add(pair);
          }
          if (++compared % PAUSE_EVERY === 0) yield band / BANDS;
        }
      }
    }
    yield (band + 1) / BANDS;
  }
}
