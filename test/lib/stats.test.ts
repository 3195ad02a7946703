import { createRandom } from '../../lib/random';
import { bootstrap, compare, type PairedScore, type Score } from '../../lib/stats';

const score = (nll: number, tokens = 10): Score => ({ contentNats: nll * tokens, contentTokens: tokens, formatNats: 0.3, formatTokens: 4 });
const row = (group: string, reference: number, tuned: number, tokens = 10): PairedScore => ({
  group,
  kind: 'heading',
  bytes: 4 * tokens,
  reference: score(reference, tokens),
  tuned: score(tuned, tokens),
});

test('random numbers are those of xoshiro128** from a splitmix32 seed', () => {
  // Computed by an implementation in Python with whole numbers of any size.
  expect(Array.from({ length: 4 }, createRandom(3407).next)).toEqual([377061442, 1194979209, 3416740201, 3675836706]);
  expect(Array.from({ length: 2 }, createRandom(0).next)).toEqual([1789933344, 44971166]);
  const { below } = createRandom(1);
  const counts = new Array<number>(6).fill(0);
  for (let draw = 0; draw < 60_000; draw++) counts[below(6)]!++;
  expect(counts.every((count) => Math.abs(count - 10_000) < 400)).toBe(true);
});

test('the interval of independent values is that of the normal approximation', () => {
  const { next } = createRandom(9);
  const uniform = (): number => next() / 2 ** 32;
  const values = Array.from({ length: 400 }, (_, index) => ({ group: `${index}`, value: uniform() + uniform() + uniform() - 1.5 }));
  const mean = values.reduce((total, { value }) => total + value, 0) / 400;
  const deviation = Math.sqrt(values.reduce((total, { value }) => total + (value - mean) ** 2, 0) / 400 / 400);
  const { low, high } = bootstrap(values);
  expect(low).toBeCloseTo(mean - 1.96 * deviation, 2);
  expect(high).toBeCloseTo(mean + 1.96 * deviation, 2);
});

test('values of one page count as one draw: the interval is as wide as the pages differ', () => {
  const copies = (times: number): { group: string; value: number }[] =>
    Array.from({ length: 40 }, (_, page) =>
      Array.from({ length: times }, () => ({ group: `${page}`, value: page % 2 === 0 ? 1 : -1 })),
    ).flat();
  expect(bootstrap(copies(25))).toEqual(bootstrap(copies(1)));
  expect(bootstrap(copies(1)).high).toBeGreaterThan(0.25);
});

test('the interval does not depend on the order of rows', () => {
  const values = Array.from({ length: 50 }, (_, index) => ({ group: `${index % 7}`, value: Math.sin(index) }));
  expect(bootstrap([...values].reverse())).toEqual(bootstrap(values));
  expect(() => bootstrap([])).toThrow('at least one');
});

test('a constant gain has a point interval below 0', () => {
  const result = compare(['a', 'b', 'c'].map((page) => row(page, 3, 2.5)))!;
  expect(result).toMatchObject({ examples: 3, groups: 3, difference: -0.5, winRate: 1, interval: { low: -0.5, high: -0.5 } });
  expect(result.nll).toEqual({ reference: 3, tuned: 2.5 });
  expect(result.perByte.tuned).toBeCloseTo(2.5 / 4);
  expect(result.format.tuned).toBeCloseTo(0.075);
  expect(compare([])).toBeNull();
});

test('the mean of examples and the token-weighted mean are told apart', () => {
  const result = compare([row('a', 2, 1, 90), row('b', 2, 3, 10)])!;
  expect(result.difference).toBeCloseTo(0);
  expect(result.tokenWeighted.tuned).toBeCloseTo(1.2);
  expect(result.winRate).toBe(0.5);
});

test('kinds are reported apart', () => {
  const { byKind } = compare([row('a', 2, 1), { ...row('b', 2, 3), kind: 'code' }])!;
  expect(byKind).toEqual({ code: { examples: 1, difference: 1 }, heading: { examples: 1, difference: -1 } });
});
