import { histogram, quantile } from '../../lib/statistics';

test('histogram bins double, and cover every value once', () => {
  expect(histogram([0, 15, 16, 31, 32, 200])).toEqual([
    { from: 0, to: 16, count: 2 },
    { from: 16, to: 32, count: 2 },
    { from: 32, to: 64, count: 1 },
    { from: 64, to: 128, count: 0 },
    { from: 128, to: 256, count: 1 },
  ]);
  expect(histogram([40])).toEqual([{ from: 32, to: 64, count: 1 }]);
  expect(histogram([])).toEqual([]);
});

test('quantiles are values that occur', () => {
  expect([0, 0.5, 0.95, 1].map((share) => quantile([1, 2, 3, 4], share))).toEqual([1, 2, 4, 4]);
  expect(quantile([], 0.5)).toBe(0);
});
