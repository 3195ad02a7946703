// Paired comparison of two models on the same held-out answers, with an interval: the numbers that the gate reads.
import { createRandom } from './random';

/** What a model lost on one example, in nats, apart for the answer's text and for the format around it. */
export interface Score {
  contentNats: number;
  contentTokens: number;
  formatNats: number;
  formatTokens: number;
}

/** Two models on one example, scored on the same tokens. */
export interface PairedScore {
  /** What is drawn as a whole by the bootstrap: the page, or the section where sections were split. */
  group: string;
  kind: string;
  /** UTF-8 bytes of the answer. */
  bytes: number;
  /** The model to compare with. */
  reference: Score;
  tuned: Score;
}

export interface Interval {
  low: number;
  high: number;
}

/** A figure of both models. */
export interface Both {
  reference: number;
  tuned: number;
}

export interface Comparison {
  examples: number;
  groups: number;
  /** Mean over examples of (nats of content / tokens of content). */
  nll: Both;
  /** Mean over examples of tuned - reference: below 0, the tuned model is better. */
  difference: number;
  /** 95 % percentile interval of `difference`. */
  interval: Interval;
  /** Share of examples on which the tuned model is better. */
  winRate: number;
  /** All nats of content / all tokens of content. */
  tokenWeighted: Both;
  /** All nats of content / all bytes: the only figure that compares tokenizers. */
  perByte: Both;
  /** All nats of format tokens / their number: header and end of the answer, apart from its text. */
  format: Both;
  byKind: Record<string, { examples: number; difference: number }>;
}

export const BOOTSTRAP_DRAWS = 10_000;
const BOOTSTRAP_SEED = 3407;

const sum = <Row>(rows: readonly Row[], of: (row: Row) => number): number => rows.reduce((total, row) => total + of(row), 0);
const ratio = (over: number, under: number): number => (under === 0 ? 0 : over / under);

/**
 * Percentile interval of a mean by the cluster bootstrap (Efron; Davison and Hinkley 1997, 3.8): groups are drawn with
 * replacement, with all their values. The same values give the same interval in any order.
 * @param values at least one
 * @returns 95 % interval; of zero width when there is one group: it says nothing then
 */
export const bootstrap = (
  values: readonly { group: string; value: number }[],
  draws = BOOTSTRAP_DRAWS,
  seed = BOOTSTRAP_SEED,
): Interval => {
  if (values.length === 0) throw new RangeError('an interval needs at least one value');
  const byGroup = new Map<string, number[]>();
  for (const { group, value } of values) byGroup.set(group, [...(byGroup.get(group) ?? []), value]);
  const groups = [...byGroup]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, own]) => ({
      total: sum(
        [...own].sort((a, b) => a - b),
        (value) => value,
      ),
      count: own.length,
    }));
  const random = createRandom(seed);
  const means = new Float64Array(draws);
  for (let draw = 0; draw < draws; draw++) {
    let [total, count] = [0, 0];
    for (let member = 0; member < groups.length; member++) {
      const group = groups[random.below(groups.length)];
      total += group?.total ?? 0;
      count += group?.count ?? 0;
    }
    means[draw] = total / count;
  }
  means.sort();
  const at = (share: number): number => means[Math.min(draws - 1, Math.max(0, Math.round(share * draws) - 1))] ?? 0;
  return { low: at(0.025), high: at(0.975) };
};

const nllOf = ({ contentNats, contentTokens }: Score): number => ratio(contentNats, contentTokens);
const both = (of: (side: 'reference' | 'tuned') => number): Both => ({ reference: of('reference'), tuned: of('tuned') });

/**
 * Compares the tuned model with a reference.
 * @returns null when there is nothing to compare
 */
export const compare = (rows: readonly PairedScore[]): Comparison | null => {
  if (rows.length === 0) return null;
  const values = rows.map((row) => ({ group: row.group, kind: row.kind, value: nllOf(row.tuned) - nllOf(row.reference) }));
  const mean = (list: readonly { value: number }[]): number =>
    ratio(
      sum(list, ({ value }) => value),
      list.length,
    );
  const kinds = [...new Set(rows.map(({ kind }) => kind))].sort();
  return {
    examples: rows.length,
    groups: new Set(rows.map(({ group }) => group)).size,
    nll: both((side) =>
      ratio(
        sum(rows, (row) => nllOf(row[side])),
        rows.length,
      ),
    ),
    difference: mean(values),
    interval: bootstrap(values),
    winRate: ratio(values.filter(({ value }) => value < 0).length, rows.length),
    tokenWeighted: both((side) =>
      ratio(
        sum(rows, (row) => row[side].contentNats),
        sum(rows, (row) => row[side].contentTokens),
      ),
    ),
    perByte: both((side) =>
      ratio(
        sum(rows, (row) => row[side].contentNats),
        sum(rows, ({ bytes }) => bytes),
      ),
    ),
    format: both((side) =>
      ratio(
        sum(rows, (row) => row[side].formatNats),
        sum(rows, (row) => row[side].formatTokens),
      ),
    ),
    byKind: Object.fromEntries(
      kinds.map((kind) => {
        const own = values.filter((value) => value.kind === kind);
        return [kind, { examples: own.length, difference: mean(own) }];
      }),
    ),
  };
};
