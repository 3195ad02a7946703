import type { Pair, Split } from '../../contracts/records';
import { MIN_TEST_PAGES, type SplitConfig, SplitTable } from '../../lib/split';
import { pair } from '../support/example-builder';

const assignSplits = (
  pairs: readonly Pair[],
  asked: SplitConfig,
): { by: 'page' | 'section'; kept: { pair: Pair; split: Split }[]; crossing: Pair[] } => {
  const table = new SplitTable(asked);
  for (const one of pairs) table.add(one);
  const { by, placeOf } = table.assign();
  const placed = pairs.map((one, row) => ({ pair: one, split: placeOf(row) }));
  return {
    by,
    kept: placed.flatMap(({ pair: own, split }) => (split === 'crossing' ? [] : [{ pair: own, split }])),
    crossing: placed.filter(({ split }) => split === 'crossing').map(({ pair: own }) => own),
  };
};

const config = { testShare: 0.2, validationShare: 0.1, salt: 'retune' };
const site = (pages: number, sections = 3): ReturnType<typeof pair>[] =>
  Array.from({ length: pages * sections }, (_, index) =>
    pair({
      page: `https://example.org/${Math.floor(index / sections)}.html`,
      section: `s${index % sections}`,
      instruction: `question ${index}`,
    }),
  );

test('all pairs of a page land in one split, and shares are about those asked for', () => {
  const { by, kept } = assignSplits(site(400), config);
  expect(by).toBe('page');
  const splitsOf = new Map<string, Set<string>>();
  for (const row of kept) splitsOf.set(row.pair.url, (splitsOf.get(row.pair.url) ?? new Set()).add(row.split));
  expect([...splitsOf.values()].every((splits) => splits.size === 1)).toBe(true);
  const share = (split: string): number => kept.filter((row) => row.split === split).length / kept.length;
  expect(share('test')).toBeCloseTo(0.2, 1);
  expect(share('validation')).toBeCloseTo(0.1, 1);
});

test('a page never moves when others come or go, and moves with the salt', () => {
  const splits = (pages: number, salt = 'retune'): Map<string, string> =>
    new Map(assignSplits(site(pages), { ...config, salt }).kept.map((row) => [row.pair.url, row.split]));
  const [few, many, salted] = [splits(100), splits(300), splits(100, 'pepper')];
  for (const [url, split] of few) expect(many.get(url)).toBe(split);
  expect([...few].some(([url, split]) => salted.get(url) !== split)).toBe(true);
});

test('with too few test pages sections are split, near-duplicates together', () => {
  const pairs = site(4, 20);
  const twin = { ...pairs[1]!, cluster: pairs[70]!.cluster };
  const { by, kept } = assignSplits([...pairs, twin], config);
  expect(by).toBe('section');
  expect(kept.at(-1)!.split).toBe(kept[70]!.split);
  expect(new Set(kept.map(({ split }) => split))).toEqual(new Set(['train', 'validation', 'test']));
  expect(MIN_TEST_PAGES).toBe(5);
});

test('a handful of sections still has one to test on, unless none is wanted', () => {
  const three = site(1, 3);
  const splits = (testShare: number): string[] =>
    assignSplits(three, { ...config, testShare, validationShare: 0 }).kept.map(({ split }) => split);
  expect(splits(0.0001).filter((split) => split === 'test')).toHaveLength(1);
  expect(splits(0)).not.toContain('test');
  expect(assignSplits([], config).kept).toEqual([]);
});

test('of a cluster that crosses splits the held-out member is dropped, never moved', () => {
  const pairs = site(200, 1);
  const { kept } = assignSplits(pairs, config);
  const of = (split: string): ReturnType<typeof pair>[] => kept.filter((row) => row.split === split).map((row) => row.pair);
  const [train, test, validation] = [of('train')[0]!, of('test')[0]!, of('validation')[0]!];
  const twins = pairs.map((row) =>
    [test.id].includes(row.id)
      ? { ...row, cluster: train.cluster }
      : row.id === validation.id
        ? { ...row, cluster: of('test')[1]!.cluster }
        : row,
  );
  const result = assignSplits(twins, config);
  expect(result.crossing.map(({ id }) => id).sort()).toEqual([test.id, validation.id].sort());
  expect(result.kept.find((row) => row.pair.id === train.id)!.split).toBe('train');
  expect(result.kept.length + result.crossing.length).toBe(pairs.length);
});
