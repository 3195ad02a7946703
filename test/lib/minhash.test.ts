import { sha256 } from '../../lib/hash';
import { asSet, BINS, isSimilar, jaccard, signature, wordGrams } from '../../lib/minhash';

const shingles = (text: string): Uint32Array => asSet(wordGrams(text));
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

test('words are told apart by space of any kind and width', () => {
  expect([...wordGrams('a b  c\n\td e f')]).toEqual([...wordGrams('a b c d e f ')]);
  expect(wordGrams(' \n')).toHaveLength(0);
  expect(wordGrams('ab c d e f')).not.toEqual(wordGrams('a bc d e f'));
});

test('a gram depends on its own five words only, wherever it stands', () => {
  const words = text(1, 40);
  const all = wordGrams(words.join(' '));
  expect(all).toHaveLength(36);
  for (let at = 0; at < 36; at++) expect(wordGrams(words.slice(at, at + 5).join(' '))[0]).toBe(all[at]);
});

test('the quick comparison agrees with the Jaccard similarity at every threshold, also exactly at it', () => {
  for (let seed = 0; seed < 30; seed++) {
    const words = text(seed, 30);
    const edited = words.map((each, index) => (index % 11 === seed % 11 ? word(7_000_000 + seed * 50 + index) : each)).slice(seed % 5);
    const [a, b] = [shingles(words.join(' ')), shingles(edited.join(' '))];
    const similarity = jaccard(a, b);
    for (const least of [0.2, 0.5, 0.8, similarity, similarity + 1e-9]) {
      expect(isSimilar(a, b, least)).toBe(similarity >= least);
      expect(isSimilar(b, a, least)).toBe(similarity >= least);
    }
  }
  expect(isSimilar(shingles(''), shingles(''), 0.8)).toBe(true);
});

test('near-duplicates are found in scripts without spaces: each character is a word', () => {
  const chinese = '模型的权重保存在检查点中，训练中断后可以从最近的检查点继续，不会丢失已经完成的步骤，也不会重复计算。';
  const edited = chinese.replace('最近', '最后');
  expect(jaccard(shingles(chinese), shingles(edited))).toBeGreaterThan(0.75);
  expect(
    jaccard(shingles(chinese), shingles('系统会先检查每个页面的许可证，然后把正文、代码和表格分别保存，最后删除重复的段落。')),
  ).toBeLessThan(0.1);
  expect(wordGrams('日本語 です')).toEqual(wordGrams('日本語です'));
  expect(wordGrams('値はfoo barです')).toEqual(wordGrams('値は foo bar です'));
});
