import { atOnce } from '../../lib/contamination';
import { histogram, quantile, StatisticsCounter } from '../../lib/statistics';

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

test('pages are counted by the language of their first answer that tells one; code tells none', () => {
  const counter = new StatisticsCounter();
  const english = 'The value of the option is not read when the file that it names is not there, and this is no error.';
  const german = 'Der Wert der Option wird nicht gelesen, wenn die Datei nicht da ist, und das ist auch kein Fehler für den Dienst.';
  const row = (pageId: string, answer: string) => ({
    example: { messages: [{ role: 'assistant' as const, content: answer }], kind: 'heading' as const, url: 'https://a.test/x', pageId },
    tokens: 1,
    supervised: 1,
  });
  const rows = [
    row('a', 'Yes.'),
    row('a', english),
    row('a', german),
    row('b', german),
    row('c', `\`\`\`\n${english}\n\`\`\``),
    row('d', english),
  ];
  atOnce(counter.addSplit('train', rows));
  atOnce(counter.addSplit('validation', []));
  atOnce(counter.addSplit('test', []));
  const none = { dropped: 0, remaining: 0, shared13: 0, held: 0 };
  expect(counter.result('page', none).languages).toEqual({ en: 2, de: 1 });
});
