// Times of a schedule that a person should be warned about, before the night they fail.
import { clockChangeWarning, parseSpan } from '../../cli/schedule';

test.each([
  ['30 2 * * *', 'Europe/Berlin', true],
  ['0 1 * * *', 'America/New_York', true],
  ['0 4 * * *', 'Europe/Berlin', false],
  ['30 2 * * *', 'UTC', false],
  ['30 2 * * *', 'Asia/Tokyo', false],
  ['0 12 * * *', 'Europe/Berlin', false],
])('%s in %s: warned %s', (cron, zone, warned) => {
  expect(clockChangeWarning(cron, zone, 2027) !== null).toBe(warned);
});

test('a zone that does not exist is refused by name', () => {
  expect(() => clockChangeWarning('0 4 * * *', 'Mars/Base', 2027)).toThrow('Mars/Base');
});

test('spans are numbers with a unit', () => {
  expect(parseSpan('jitter', '10m')).toBe(600_000);
  expect(parseSpan('catchup', '6h')).toBe(21_600_000);
  expect(() => parseSpan('jitter', '10')).toThrow('--jitter 10');
});
