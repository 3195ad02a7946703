// What a dataset is made of, in numbers: for the card, the report and the preview.
import { type Example, type Split, SPLITS } from '../contracts/records';
import type { Contamination, Dataset } from './format';

/** Tokens of one example. */
export interface TokenCount {
  tokens: number;
  supervised: number;
}

export interface Bin {
  /** Inclusive. */
  from: number;
  /** Exclusive. */
  to: number;
  count: number;
}

export interface SplitStatistics {
  examples: number;
  pages: number;
  tokens: number;
  supervisedTokens: number;
  meanTokens: number;
  medianTokens: number;
  p95Tokens: number;
  maxTokens: number;
}

export interface Statistics {
  splits: Record<Split, SplitStatistics>;
  examples: number;
  pages: number;
  /** Examples by kind of pair, most frequent first. */
  kinds: Record<string, number>;
  /** Examples by host of the source, most frequent first. */
  hosts: Record<string, number>;
  /** Examples whose answer has a code block. */
  withCode: number;
  /** Examples by tokens, and by characters of the answer. */
  histograms: { tokens: Bin[]; answerChars: Bin[] };
  splitBy: 'page' | 'section';
  contamination: Contamination;
}

/** Counts in bins whose bounds double: 16, 32, 64 and so on; the lowest starts at 0. Empty bins between others stay. */
export const histogram = (values: readonly number[], least = 16): Bin[] => {
  const counts: number[] = [];
  for (const value of values) {
    const bin = value < least ? 0 : Math.floor(Math.log2(value / least)) + 1;
    while (counts.length <= bin) counts.push(0);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const bins = counts.map((count, bin) => ({ from: bin === 0 ? 0 : least * 2 ** (bin - 1), to: least * 2 ** bin, count }));
  return bins.slice(bins.findIndex(({ count }) => count > 0));
};

/** The smallest value that at least a share of the values do not exceed; 0 of nothing. `sorted` ascends. */
export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;

const tally = (names: readonly string[]): Record<string, number> => {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)));
};

const answerOf = ({ messages }: Example): string => messages.at(-1)?.content ?? '';
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const pagesOf = (examples: readonly Example[]): number => new Set(examples.map(({ pageId }) => pageId)).size;

/**
 * @param counts tokens of each example by its id, from the token files
 * @throws RangeError for an example without a count: the token file belongs to another dataset
 */
export const statistics = ({ parts, splitBy, contamination }: Dataset, counts: ReadonlyMap<string, TokenCount>): Statistics => {
  const countOf = ({ id }: Example): TokenCount => {
    const count = counts.get(id);
    if (count === undefined) throw new RangeError(`example ${id} has no tokens`);
    return count;
  };
  const ofSplit = (examples: readonly Example[]): SplitStatistics => {
    const rows = examples.map(countOf);
    const lengths = rows.map(({ tokens }) => tokens).sort((a, b) => a - b);
    const tokens = sum(lengths);
    return {
      examples: examples.length,
      pages: pagesOf(examples),
      tokens,
      supervisedTokens: sum(rows.map(({ supervised }) => supervised)),
      meanTokens: examples.length === 0 ? 0 : Math.round(tokens / examples.length),
      medianTokens: quantile(lengths, 0.5),
      p95Tokens: quantile(lengths, 0.95),
      maxTokens: lengths.at(-1) ?? 0,
    };
  };
  const all = SPLITS.flatMap((split) => parts[split].examples);
  return {
    splits: { train: ofSplit(parts.train.examples), validation: ofSplit(parts.validation.examples), test: ofSplit(parts.test.examples) },
    examples: all.length,
    pages: pagesOf(all),
    kinds: tally(all.map(({ kind }) => kind)),
    hosts: tally(all.map(({ url }) => new URL(url).host || 'files')),
    withCode: all.filter((example) => answerOf(example).includes('```')).length,
    histograms: {
      tokens: histogram(all.map((example) => countOf(example).tokens)),
      answerChars: histogram(all.map((example) => answerOf(example).length)),
    },
    splitBy,
    contamination,
  };
};
