// Which pair is trained on, which is kept back: by page, so that no page is on both sides, and for ever, so that a
// page never moves between nights.
import type { Pair, Split } from '../contracts/records';
import { sha256 } from './hash';

export interface SplitConfig {
  testShare: number;
  validationShare: number;
  salt: string;
}

/** With fewer test pages than this a bootstrap over pages has no width: sections are split instead. */
export const MIN_TEST_PAGES = 5;

export interface SplitResult {
  /** What was kept together: whole pages, or near-duplicate sections inside pages. */
  by: 'page' | 'section';
  kept: { pair: Pair; split: Split }[];
  /** Held-out pairs whose section has a near-duplicate in a split that matters more. */
  crossing: Pair[];
}

/** A number in [0, 1) that depends on the salt and the name alone. */
const lot = (salt: string, name: string): number => Number.parseInt(sha256(`${salt}\n${name}`).slice(0, 12), 16) / 2 ** 48;

const drawn = (name: string, { salt, testShare, validationShare }: SplitConfig): Split => {
  const at = lot(salt, name);
  return at < testShare ? 'test' : at < testShare + validationShare ? 'validation' : 'train';
};

/** A cluster that lies in several splits stays in the one that matters most: train, then test, then validation. */
const PRIORITY: Record<Split, number> = { train: 2, test: 1, validation: 0 };

const byCluster = (pairs: readonly Pair[], config: SplitConfig): SplitResult => {
  const clusters = [...new Set(pairs.map(({ cluster }) => cluster))];
  const splits = new Map(clusters.map((cluster) => [cluster, drawn(cluster, config)]));
  const drawnLowest = clusters.reduce(
    (lowest, cluster) => (lot(config.salt, cluster) < lot(config.salt, lowest) ? cluster : lowest),
    clusters[0] ?? '',
  );
  // Of a handful of sections perhaps none falls under the share; one is held out all the same, so that something is tested.
  if (config.testShare > 0 && clusters.length > 2 && ![...splits.values()].includes('test')) splits.set(drawnLowest, 'test');
  return { by: 'section', kept: pairs.map((pair) => ({ pair, split: splits.get(pair.cluster) ?? 'train' })), crossing: [] };
};

/**
 * Assigns each pair to a split.
 * @param pairs in the order in which they shall come back
 */
export const assignSplits = (pairs: readonly Pair[], config: SplitConfig): SplitResult => {
  const pages = new Map(pairs.map(({ url }) => [url, drawn(url, config)]));
  const testPages = [...pages.values()].filter((split) => split === 'test').length;
  if (testPages < MIN_TEST_PAGES) return byCluster(pairs, config);
  const owner = new Map<string, Split>();
  const splitOf = ({ url }: Pair): Split => pages.get(url) ?? 'train';
  for (const pair of pairs) {
    const split = splitOf(pair);
    const known = owner.get(pair.cluster);
    if (known === undefined || PRIORITY[split] > PRIORITY[known]) owner.set(pair.cluster, split);
  }
  const stays = (pair: Pair): boolean => owner.get(pair.cluster) === splitOf(pair);
  return {
    by: 'page',
    kept: pairs.filter(stays).map((pair) => ({ pair, split: splitOf(pair) })),
    crossing: pairs.filter((pair) => !stays(pair)),
  };
};
