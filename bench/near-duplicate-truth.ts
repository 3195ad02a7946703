// Sections with planted edits, and the truth about them: Jaccard of word 5-grams over all pairs, on strings, nothing hashed.
import { createRandom } from '../lib/random';

/** Shares of words that are replaced; at 2 % two versions have a Jaccard similarity of about 0.8. */
const EDITS = [0.005, 0.01, 0.02, 0.04];

/** Each text and four edited versions of it; the words put in are drawn from the texts themselves. */
export const withEdits = (texts: readonly string[], seed: number): string[] => {
  const random = createRandom(seed);
  const drawWord = (): string => {
    const words = texts[random.below(texts.length)]!.split(' ');
    return words[random.below(words.length)]!;
  };
  return texts.flatMap((text) => [
    text,
    ...EDITS.map((share) => {
      const parts = text.split(/(\s+)/);
      const words = Math.ceil(parts.length / 2);
      const edits = Math.max(1, Math.round(words * share));
      for (let edit = 0; edit < edits; edit++) parts[2 * random.below(words)] = drawWord();
      return parts.join('');
    }),
  ]);
};

const gramsOf = (text: string): string[] => {
  const words = text.split(/[\0-\x20]+/).filter((word) => word !== '');
  if (words.length < 5) return [words.join(' ')];
  return [...new Set(Array.from({ length: words.length - 4 }, (_, at) => words.slice(at, at + 5).join(' ')))];
};

export interface Truth {
  /** Pairs [a, b], a < b, of similarity `least` and more. */
  pairs: [number, number][];
  similarity: (a: number, b: number) => number;
}

/**
 * All pairs that are alike, by prefix filtering (Chaudhuri, Ganti and Kaushik, ICDE 2006): two sets of similarity t share a
 * gram among the rarest |A| - ceil(t |A|) + 1 of each.
 */
export const exactPairs = (texts: readonly string[], least: number): Truth => {
  const numbers = new Map<string, number>();
  const frequency: number[] = [];
  const sets = texts.map((text) =>
    gramsOf(text).map((gram) => {
      let number = numbers.get(gram);
      if (number === undefined) {
        number = numbers.size;
        numbers.set(gram, number);
        frequency.push(0);
      }
      frequency[number]! += 1;
      return number;
    }),
  );
  for (const set of sets) set.sort((a, b) => frequency[a]! - frequency[b]! || a - b);
  const members = sets.map((set) => new Set(set));
  const similarity = (a: number, b: number): number => {
    let both = 0;
    for (const gram of sets[a]!) if (members[b]!.has(gram)) both += 1;
    return both / (sets[a]!.length + sets[b]!.length - both);
  };
  const pairs: [number, number][] = [];
  const index = new Map<number, number[]>();
  sets.forEach((set, b) => {
    const candidates = new Set<number>();
    const prefix = set.slice(0, set.length - Math.ceil(least * set.length) + 1);
    for (const gram of prefix) {
      const posting = index.get(gram);
      if (posting === undefined) index.set(gram, [b]);
      else {
        for (const a of posting) candidates.add(a);
        posting.push(b);
      }
    }
    for (const a of candidates) if (similarity(a, b) >= least) pairs.push([a, b]);
  });
  return { pairs, similarity };
};

/**
 * Quality of a clustering against the truth.
 * @param clusters by text, the smallest number of a text in its cluster: that one is kept
 */
export const qualityOf = (
  clusters: ArrayLike<number>,
  { pairs, similarity }: Truth,
  least: number,
): { recall: number; removedRight: number; removed: number; kept: number; precision: number } => {
  const truly = new Set(pairs.flat());
  const members = new Map<number, number[]>();
  for (let text = 0; text < clusters.length; text++) members.set(clusters[text]!, [...(members.get(clusters[text]!) ?? []), text]);
  let [joined, right] = [0, 0];
  for (const cluster of members.values())
    for (let a = 0; a < cluster.length; a++)
      for (let b = a + 1; b < cluster.length; b++) {
        joined += 1;
        if (similarity(cluster[a]!, cluster[b]!) >= least) right += 1;
      }
  let [removed, removedRight] = [0, 0];
  for (let text = 0; text < clusters.length; text++) {
    if (clusters[text] === text) continue;
    removed += 1;
    if (truly.has(text)) removedRight += 1;
  }
  return {
    recall: pairs.filter(([a, b]) => clusters[a] === clusters[b]).length / Math.max(1, pairs.length),
    removedRight: removedRight / Math.max(1, removed),
    removed,
    kept: clusters.length - removed,
    precision: right / Math.max(1, joined),
  };
};
