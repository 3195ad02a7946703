// What a dataset is made of, in numbers: for the card, the report and the preview.
import type { Example, Split } from '../contracts/records';
import { withoutFences } from './blocks';
import { NumberColumn } from './columns';
import { languageOf } from './language';
import type { Contamination } from './split-pairs';

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
  /** Pages by the language (BCP 47) of their first answer that tells one, most frequent first; code tells none. */
  languages: Record<string, number>;
  /** Examples whose answer has a code block. */
  withCode: number;
  /** Examples by tokens, and by characters of the answer. */
  histograms: { tokens: Bin[]; answerChars: Bin[] };
  splitBy: 'page' | 'section';
  contamination: Contamination;
}

/** Counts in bins whose bounds double: 16, 32, 64 and so on; the lowest starts at 0. Empty bins between others stay. */
export const histogram = (values: Iterable<number>, least = 16): Bin[] => {
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
export const quantile = (sorted: ArrayLike<number>, share: number): number =>
  sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;

const byCount = (counts: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries([...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)));

/** Examples between two pauses. */
const PAUSE_EVERY = 1000;

/** An example with its tokens, and those of them that are learnt. */
export interface CountedExample {
  example: Pick<Example, 'messages' | 'kind' | 'url' | 'pageId'>;
  tokens: number;
  supervised: number;
}

/** Of each example two numbers are kept, of each page its id. */
export class StatisticsCounter {
  private readonly pages = new Set<string>();
  private readonly kinds = new Map<string, number>();
  private readonly languages = new Map<string, number>();
  private readonly told = new Set<string>();
  private readonly hosts = new Map<string, number>();
  private readonly tokens = new NumberColumn();
  private readonly answerChars = new NumberColumn();
  private readonly splits: Partial<Record<Split, SplitStatistics>> = {};
  private withCode = 0;

  /** All examples of a split, once. Pauses now and then. */
  *addSplit(split: Split, examples: Iterable<CountedExample>): Generator<void, void, undefined> {
    const first = this.tokens.size;
    const pages = new Set<string>();
    let supervisedTokens = 0;
    for (const { example, tokens, supervised } of examples) {
      pages.add(example.pageId);
      this.pages.add(example.pageId);
      this.kinds.set(example.kind, (this.kinds.get(example.kind) ?? 0) + 1);
      const host = new URL(example.url).host || 'files';
      this.hosts.set(host, (this.hosts.get(host) ?? 0) + 1);
      const answer = example.messages.at(-1)?.content ?? '';
      if (answer.includes('```')) this.withCode += 1;
      if (!this.told.has(example.pageId)) this.tellLanguage(example.pageId, answer);
      this.answerChars.push(answer.length);
      this.tokens.push(tokens);
      supervisedTokens += supervised;
      if (this.tokens.size % PAUSE_EVERY === 0) yield;
    }
    const lengths = this.tokens.values(first).sort();
    const tokens = lengths.reduce((sum, value) => sum + value, 0);
    this.splits[split] = {
      examples: lengths.length,
      pages: pages.size,
      tokens,
      supervisedTokens,
      meanTokens: lengths.length === 0 ? 0 : Math.round(tokens / lengths.length),
      medianTokens: quantile(lengths, 0.5),
      p95Tokens: quantile(lengths, 0.95),
      maxTokens: lengths.at(-1) ?? 0,
    };
  }

  private tellLanguage(pageId: string, answer: string): void {
    const language = languageOf(withoutFences(answer));
    if (language === null) return;
    this.told.add(pageId);
    this.languages.set(language, (this.languages.get(language) ?? 0) + 1);
  }

  /** @throws RangeError before all splits are there */
  result(splitBy: Statistics['splitBy'], contamination: Contamination): Statistics {
    const { train, validation, test } = this.splits;
    if (train === undefined || validation === undefined || test === undefined) throw new RangeError('a split was not counted');
    return {
      splits: { train, validation, test },
      examples: this.tokens.size,
      pages: this.pages.size,
      kinds: byCount(this.kinds),
      hosts: byCount(this.hosts),
      languages: byCount(this.languages),
      withCode: this.withCode,
      histograms: { tokens: histogram(this.tokens.values()), answerChars: histogram(this.answerChars.values()) },
      splitBy,
      contamination,
    };
  }
}
