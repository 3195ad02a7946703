// Near-duplicate candidates: word 5-grams, one-permutation MinHash with rotation (Shrivastava and Li, ICML 2014), banded LSH.
// Candidates are then checked by exact Jaccard, so banding decides recall only, never what is removed.

export const BINS = 128;
const BANDS = 32;
const ROWS = BINS / BANDS;
const EMPTY = 0xffffffff;
/** In a bucket a set is compared with this many before it: bounds the work when thousands are alike but not alike enough. */
const MAX_PROBES = 64;

/** MurmurHash3's finaliser: every input bit reaches every output bit. */
const mix = (value: number): number => {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/**
 * Hashes of all runs of `size` words, ascending and without repeats; of all words together when there are fewer.
 * @param text words with single spaces between
 */
export const shingles = (text: string, size = 5): Uint32Array => {
  const hashes: number[] = [];
  let hash = 0x811c9dc5;
  for (let index = 0; index <= text.length; index++) {
    const unit = index === text.length ? 32 : text.charCodeAt(index);
    if (unit === 32 || unit === 10) {
      hashes.push(hash >>> 0);
      hash = 0x811c9dc5;
    } else hash = Math.imul(hash ^ unit, 0x01000193);
  }
  const count = Math.max(1, hashes.length - size + 1);
  const grams = new Uint32Array(count);
  for (let index = 0; index < count; index++) {
    let gram = 0;
    for (let word = index; word < Math.min(hashes.length, index + size); word++) gram = (Math.imul(gram, 0x9e3779b1) + hashes[word]!) | 0;
    grams[index] = mix(gram);
  }
  grams.sort();
  let kept = 0;
  for (let index = 0; index < count; index++) if (index === 0 || grams[index] !== grams[index - 1]) grams[kept++] = grams[index]!;
  return grams.slice(0, kept);
};

/** The least hash in each of 128 bins; an empty bin borrows from the next full one. */
export const signature = (grams: Uint32Array): Uint32Array => {
  const bins = new Uint32Array(BINS).fill(EMPTY);
  for (const gram of grams) {
    const bin = gram >>> 25;
    const value = mix(gram ^ 0x5bd1e995);
    if (value < bins[bin]!) bins[bin] = value;
  }
  if (grams.length === 0) return bins;
  const full = bins.slice();
  for (let bin = 0; bin < BINS; bin++) {
    let distance = 0;
    while (full[(bin + distance) % BINS] === EMPTY) distance += 1;
    // The distance keeps a borrowed value from equalling the lender's own.
    if (distance > 0) bins[bin] = (full[(bin + distance) % BINS]! + Math.imul(distance, 0x27d4eb2f)) >>> 0;
  }
  return bins;
};

/** |A and B| / |A or B| of ascending arrays without repeats. */
export const jaccard = (a: Uint32Array, b: Uint32Array): number => {
  let left = 0;
  let right = 0;
  let both = 0;
  while (left < a.length && right < b.length) {
    const one = a[left]!;
    const other = b[right]!;
    if (one === other) both += 1;
    if (one <= other) left += 1;
    if (other <= one) right += 1;
  }
  const either = a.length + b.length - both;
  return either === 0 ? 1 : both / either;
};

/** Disjoint sets with path halving; the root is the smallest member, so it does not depend on the order of unions. */
export class UnionFind {
  private readonly parent: Int32Array;

  constructor(size: number) {
    this.parent = Int32Array.from({ length: size }, (_, index) => index);
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

/** Joins all sets whose Jaccard similarity with a candidate is at least `similarity`. */
export const joinSimilar = (sets: readonly Uint32Array[], similarity: number, clusters: UnionFind): void => {
  const signatures = sets.map(signature);
  for (let band = 0; band < BANDS; band++) {
    const buckets = new Map<number, number[]>();
    signatures.forEach((bins, index) => {
      let key = band;
      for (let row = band * ROWS; row < (band + 1) * ROWS; row++) key = mix(Math.imul(key, 31) ^ bins[row]!);
      const bucket = buckets.get(key);
      if (bucket === undefined) {
        buckets.set(key, [index]);
        return;
      }
      for (let at = bucket.length - 1; at >= Math.max(0, bucket.length - MAX_PROBES); at--) {
        const other = bucket[at]!;
        if (clusters.find(index) !== clusters.find(other) && jaccard(sets[index]!, sets[other]!) >= similarity)
          clusters.union(index, other);
      }
      bucket.push(index);
    });
  }
};
