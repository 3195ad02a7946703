import { sha256 } from '../../lib/hash';
import { BINS, UnionFind, jaccard, joinSimilar, shingles, signature } from '../../lib/minhash';

/** Words by hash: the same everywhere. */
const word = (seed: number): string => sha256(String(seed)).slice(0, 6);
const text = (from: number, count: number): string[] => Array.from({ length: count }, (_, index) => word(from * 100_000 + index));

test('Jaccard of word 5-grams is the exact share', () => {
  const a = shingles('a b c d e f g');
  const b = shingles('a b c d e f x');
  expect([a.length, b.length]).toEqual([3, 3]);
  expect(jaccard(a, b)).toBe(2 / 4);
  expect(jaccard(a, a)).toBe(1);
  expect(jaccard(shingles('one two'), shingles('one two'))).toBe(1);
  expect(jaccard(shingles('one two'), shingles('two one'))).toBe(0);
});

test('a repeated 5-gram counts once', () => {
  expect(shingles('a b c d e a b c d e a b c d e').length).toBe(5);
});

test('signatures agree in the share that the sets do, short sets too', () => {
  for (const size of [40, 400]) {
    let error = 0;
    for (let seed = 0; seed < 20; seed++) {
      const words = text(seed, size);
      const other = [...words];
      for (let at = seed; at < size; at += 20) other[at] = word(9_000_000 + seed * 1000 + at);
      const [a, b] = [shingles(words.join(' ')), shingles(other.join(' '))];
      const [x, y] = [signature(a), signature(b)];
      const equal = x.filter((value, bin) => value === y[bin]).length / BINS;
      error += (equal - jaccard(a, b)) ** 2;
    }
    expect(Math.sqrt(error / 20)).toBeLessThan(size === 40 ? 0.15 : 0.06);
  }
});

test('finds all pairs that exact comparison finds, and joins no others', () => {
  const sets: Uint32Array[] = [];
  for (let seed = 0; seed < 60; seed++) {
    const words = text(seed, 80 + seed * 3);
    sets.push(shingles(words.join(' ')));
    for (const edits of [1, 2, 3, 5]) {
      const edited = [...words];
      for (let edit = 0; edit < edits; edit++) edited[(edit * 37 + seed) % edited.length] = word(5_000_000 + seed * 10 + edit);
      sets.push(shingles(edited.join(' ')));
    }
  }
  const exact = new UnionFind(sets.length);
  let pairs = 0;
  for (let a = 0; a < sets.length; a++)
    for (let b = a + 1; b < sets.length; b++)
      if (jaccard(sets[a]!, sets[b]!) >= 0.8) {
        pairs += 1;
        exact.union(a, b);
      }
  expect(pairs).toBeGreaterThan(100);
  const found = new UnionFind(sets.length);
  joinSimilar(sets, 0.8, found);
  expect(sets.map((_, index) => found.find(index))).toEqual(sets.map((_, index) => exact.find(index)));
});

test('the root of joined sets is the smallest, in any order', () => {
  const sets = new UnionFind(5);
  sets.union(4, 3);
  sets.union(3, 1);
  sets.union(2, 4);
  expect([0, 1, 2, 3, 4].map((each) => sets.find(each))).toEqual([0, 1, 1, 1, 1]);
});
