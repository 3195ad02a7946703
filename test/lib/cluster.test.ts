import { buckets, joinSimilar, UnionFind } from '../../lib/cluster';
import { sha256 } from '../../lib/hash';
import { asSet, bandKeys, jaccard, signature, wordGrams } from '../../lib/minhash';

const shingles = (text: string): Uint32Array => asSet(wordGrams(text));
/** Words by hash: the same everywhere. */
const word = (seed: number): string => sha256(String(seed)).slice(0, 6);
const text = (from: number, count: number): string[] => Array.from({ length: count }, (_, index) => word(from * 100_000 + index));

const join = (sets: readonly Uint32Array[], clusters: UnionFind): void => {
  const keys = sets.map((set) => bandKeys(signature(set)));
  const signed = {
    size: sets.length,
    band: (band: number) => Uint32Array.from(keys, (each) => each[band]!),
    grams: (index: number) => sets[index]!,
  };
  for (const share of joinSimilar(signed, Uint32Array.from(sets.keys()), 0.8, clusters)) expect(share).toBeLessThanOrEqual(1);
};

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
  join(sets, found);
  expect(sets.map((_, index) => found.find(index))).toEqual(sets.map((_, index) => exact.find(index)));
});

test('the root of joined sets is the smallest, in any order', () => {
  const sets = new UnionFind(5);
  sets.union(4, 3);
  sets.union(3, 1);
  sets.union(2, 4);
  expect([0, 1, 2, 3, 4].map((each) => sets.find(each))).toEqual([0, 1, 1, 1, 1]);
});

test('buckets hold all members with equal keys, and no lone one', () => {
  const keys = Uint32Array.from([7, 0xffffffff, 7, 3, 0xffffffff, 0, 7]);
  const found = [...buckets(Uint32Array.from([0, 1, 2, 3, 4, 5]), keys)].map((bucket) => [...bucket]);
  expect(found).toEqual([
    [0, 2],
    [1, 4],
  ]);
  expect([...buckets(new Uint32Array(), keys)]).toEqual([]);
});
