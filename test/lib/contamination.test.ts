import { sharesRun } from '../../lib/contamination';
import { createRandom } from '../../lib/random';

const random = createRandom(1);
const words = (length: number): number[] => Array.from({ length }, () => random.below(200_000));

test('a shared run of exactly the size is found anywhere, one shorter is not', () => {
  const shared = words(50);
  const train = [[...words(30), ...shared, ...words(10)], words(300)];
  const row = (run: number[]): number[] => [...words(7), ...run, ...words(9)];
  expect(sharesRun([row(shared), row(shared.slice(1)), row(shared.slice(0, 49)), shared, words(80)], train, 50)).toEqual([
    true,
    false,
    false,
    true,
    false,
  ]);
});

test('a short row is compared whole, with whole rows alone', () => {
  const short = words(12);
  expect(sharesRun([short, short.slice(1), [], [...short, 1]], [short, [...words(60), ...short]], 50)).toEqual([true, false, false, false]);
  expect(sharesRun([short], [[...words(60), ...short]], 50)).toEqual([false]);
});

test('order of tokens counts, and repeated tokens do not match by chance', () => {
  expect(sharesRun([[...words(50)].fill(7)], [[...words(49)].fill(7)], 50)).toEqual([false]);
  const run = words(60);
  expect(sharesRun([[...run].reverse()], [run], 50)).toEqual([false]);
});

test('the answer equals a plain comparison of all runs on small alphabets', () => {
  const small = (length: number): number[] => Array.from({ length }, () => random.below(3));
  const [held, train] = [Array.from({ length: 40 }, () => small(30)), Array.from({ length: 40 }, () => small(30))];
  const runs = (ids: number[]): string[] => Array.from({ length: ids.length - 7 }, (_, at) => ids.slice(at, at + 8).join());
  const all = new Set(train.flatMap(runs));
  expect(sharesRun(held, train, 8)).toEqual(held.map((ids) => runs(ids).some((run) => all.has(run))));
});
