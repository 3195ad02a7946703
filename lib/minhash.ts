// Near-duplicate candidates: word 5-grams, one-permutation MinHash (Li, Owen and Zhang, NIPS 2012) made dense by rotation
// (Shrivastava and Li, ICML 2014), banded LSH. Candidates are then compared exactly (lib/cluster), so banding decides
// recall only, never what is removed.
import { sortHashes } from './radix-sort';
import { isUnspaced } from './unicode';

export const BINS = 128;
/** A pair of similarity J shares a band with 1 - (1 - J^ROWS)^BANDS (Leskovec et al., Mining of Massive Datasets, 3.4.2). */
export const BANDS = 32;
const ROWS = BINS / BANDS;
const EMPTY = 0xffffffff;
/** Words in a gram, as datatrove and text-dedup have them. */
const GRAM = 5;
const BASE = 0x9e3779b1;
/** BASE to the power of GRAM: what the word that leaves the window was multiplied by. */
const LEAVING = Array.from({ length: GRAM }).reduce<number>((power) => Math.imul(power, BASE), 1);

/** MurmurHash3's finaliser: every input bit reaches every output bit. */
const mix = (value: number): number => {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

const hashed = (hash: number, unit: number): number => (Math.imul(hash ^ unit, 0x01000193) + 0x3c6ef35f) | 0;

let scratch = new Uint32Array(1 << 13);

/**
 * Hashes of all runs of five words, in order and with repeats; of all words together when there are fewer.
 * @param text words are what stands between characters up to U+0020; in scripts without spaces each character is one
 */
export const wordGrams = (text: string): Uint32Array => {
  if (scratch.length < text.length + 1) scratch = new Uint32Array(text.length + 1);
  const found = scratch;
  const window = new Int32Array(GRAM);
  let words = 0;
  let place = 0;
  let count = 0;
  let rolling = 0;
  const add = (hash: number): void => {
    const word = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
    // The polynomial of the last five words, modulo 2^32.
    rolling = (Math.imul(rolling, BASE) + word - Math.imul(LEAVING, window[place]!)) | 0;
    window[place] = word;
    place = place === GRAM - 1 ? 0 : place + 1;
    words += 1;
    if (words >= GRAM) found[count++] = mix(rolling);
  };
  let hash = 0;
  for (let index = 0, end = text.length; index <= end; index++) {
    const unit = index === end ? 32 : text.charCodeAt(index);
    const isWord = unit > 0x0dff && isUnspaced(unit);
    if (unit > 32 && !isWord) hash = hashed(hash, unit);
    else {
      if (hash !== 0) add(hash);
      if (isWord) add(hashed(0, unit));
      hash = 0;
    }
  }
  if (count === 0 && words > 0) found[count++] = mix(rolling ^ words);
  return found.slice(0, count);
};

/** The same hashes as a set: ascending, without repeats. The array given is sorted in place. */
export const asSet = (grams: Uint32Array): Uint32Array => {
  sortHashes(grams);
  let kept = 0;
  for (let index = 0; index < grams.length; index++) if (index === 0 || grams[index] !== grams[index - 1]) grams[kept++] = grams[index]!;
  return grams.subarray(0, kept);
};

/**
 * The least hash in each of 128 bins; an empty bin borrows from the next full one.
 * @param grams in any order, with or without repeats
 */
export const signature = (grams: Uint32Array): Uint32Array => {
  const bins = new Uint32Array(BINS).fill(EMPTY);
  // The hashes are mixed already: their upper bits choose the bin, the others are compared in it.
  for (let at = 0; at < grams.length; at++) {
    const gram = grams[at]!;
    const bin = gram >>> 25;
    if (gram < bins[bin]!) bins[bin] = gram;
  }
  if (grams.length === 0) return bins;
  let next = 0;
  while (bins[next] === EMPTY) next += 1;
  let value = bins[next]!;
  let distance = next;
  for (let bin = BINS - 1; bin >= 0; bin--) {
    distance += 1;
    if (bins[bin] === EMPTY) {
      // The distance keeps a borrowed value from equalling the lender's own.
      bins[bin] = (value + Math.imul(distance, 0x27d4eb2f)) >>> 0;
    } else {
      value = bins[bin]!;
      distance = 0;
    }
  }
  return bins;
};

/** One hash a band of a signature, BANDS of them. */
export const bandKeys = (bins: Uint32Array): Uint32Array => {
  const keys = new Uint32Array(BANDS);
  for (let band = 0; band < BANDS; band++) {
    let key = band;
    for (let row = band * ROWS; row < (band + 1) * ROWS; row++) key = mix(Math.imul(key, 31) ^ bins[row]!);
    keys[band] = key;
  }
  return keys;
};

/** |A and B| / |A or B| of sets as asSet gives them. */
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

/** Whether the Jaccard similarity of two sets is at least `least`; ends as soon as it cannot be. */
export const isSimilar = (a: Uint32Array, b: Uint32Array, least: number): boolean => {
  const [few, many] = a.length < b.length ? [a, b] : [b, a];
  // J is at most |few| / |many|; beyond that many members of `few` without a fellow it cannot be reached.
  if (few.length < least * many.length) return false;
  const total = few.length + many.length;
  const spare = few.length - (least / (1 + least)) * total + 1e-6;
  let alone = 0;
  for (let index = 0, at = 0; index < few.length; index++) {
    const value = few[index]!;
    while (at < many.length && many[at]! < value) at += 1;
    if (many[at] !== value && ++alone > spare) return false;
  }
  const both = few.length - alone;
  return both === total - both || both / (total - both) >= least;
};
