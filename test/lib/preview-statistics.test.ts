import { previewHtml } from '../../lib/preview';
import { type PreviewRow, summarise, summaryMarkup, summaryText } from '../../lib/preview-statistics';
import { example } from '../support/example-builder';

const row = (
  id: number,
  kind: 'heading' | 'option',
  score: number | null,
  prompt: number,
  response: number,
  answer = 'Yes.',
): PreviewRow => ({
  example: { ...example({ instruction: `question ${id}`, response: answer }), id: String(id).padStart(64, '0'), kind },
  tokens: { ids: Array(prompt + response).fill(0), roles: [...Array(prompt).fill(0), ...Array(response).fill(2)] },
  score,
});

const ROWS = [
  row(1, 'heading', 0.5, 20, 40),
  row(2, 'heading', 1, 30, 100),
  row(3, 'heading', 0.9, 10, 20),
  row(4, 'option', null, 12, 15, '<script>\u001b[31m'),
];

test('lengths count what is read apart from what is learnt', () => {
  const { examples, prompts, responses, kinds } = summarise(ROWS, 1);
  expect(examples).toBe(4);
  expect(prompts).toEqual([
    { from: 0, to: 16, count: 2 },
    { from: 16, to: 32, count: 2 },
  ]);
  expect(responses.map(({ from, count }) => [from, count])).toEqual([
    [0, 1],
    [16, 1],
    [32, 1],
    [64, 1],
  ]);
  expect(kinds.map(({ kind, examples: count, prompt, response }) => [kind, count, prompt, response])).toEqual([
    ['heading', 3, 20, 40],
    ['option', 1, 12, 15],
  ]);
});

test('best and worst are by score, and no example is both', () => {
  const [heading, option] = summarise(ROWS, 2).kinds;
  expect(heading?.best.map(({ score }) => score)).toEqual([1, 0.9]);
  expect(heading?.worst.map(({ score }) => score)).toEqual([0.5]);
  expect(option?.best).toHaveLength(1);
  expect(option?.worst).toEqual([]);
  expect(summarise([]).kinds).toEqual([]);
});

test('an empty bin has no bar, and a text that is written from the right is read from there', () => {
  const page = summaryMarkup(summarise([row(1, 'heading', 1, 10, 4, 'مرحبا'), row(2, 'heading', 1, 10, 100, 'x\u202ey')])).html;
  expect(page).toMatch(/<th>16–31 tokens<\/th><td><\/td><td class="n">0<\/td>/);
  expect(page).toContain('<pre dir="auto">مرحبا</pre>');
  expect(page).toContain('x⟨U+202E⟩y');
});

test('texts of pages reach neither the terminal as control sequences nor the browser as markup', () => {
  const summary = summarise(ROWS);
  expect(summaryText(summary).join('\n')).not.toMatch(/[^\P{Cc}\n]/u);
  const page = previewHtml([], undefined, summaryMarkup(summary));
  expect(page).not.toContain('<script');
  expect(page).toContain('best, score 1.00');
  expect(page).toContain('best, score -');
});
