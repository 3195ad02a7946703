import { PipelineInput } from '../../contracts/input';
import { evaluate, evaluationFile, type EvaluateInput, type ScoreRow } from '../../lib/evaluate';
import { example } from '../support/example-builder';

const examples = Array.from({ length: 40 }, (_, index) =>
  example({ split: 'test', page: `https://example.org/${index % 8}.html`, instruction: `q${index}` }),
);
const scores = (probe: string, model: string, nll: number): ScoreRow[] =>
  examples.map(({ id }, index) => ({
    probe,
    model,
    example: id,
    contentNats: (nll + (index % 5) / 100) * 10,
    contentTokens: 10,
    formatNats: 1,
    formatTokens: 4,
  }));
const answer = (model: string, text: string) => ({ id: 'question-0', model, text, ids: null, newTokens: 5, stopped: true });
const input = (wish: Partial<EvaluateInput> = {}): EvaluateInput => ({
  scores: [
    ...scores('test', 'base', 3),
    ...scores('test', 'tuned', 2.5),
    ...scores('test', 'last', 2.5),
    ...scores('general', 'base', 4),
    ...scores('general', 'tuned', 4),
  ],
  answers: [answer('base', 'No idea.'), answer('tuned', 'Run `npm ci`.')],
  examples,
  splitBy: 'page',
  family: 'chat',
  config: PipelineInput.parse({}).gate,
  last: { trained: [] },
  ...wish,
});

test('scores become comparisons over pages and a verdict', () => {
  const result = evaluate(input());
  expect(result.verdict.decision).toBe('pass');
  expect(result.base).toMatchObject({ examples: 40, groups: 8, winRate: 1 });
  expect(result.base!.difference).toBeCloseTo(-0.5);
  expect(result.last!.difference).toBeCloseTo(0);
  expect(result.general!.tuned).toBeCloseTo(4.02);
  expect(result.answers).toEqual([{ id: 'question-0', base: 'No idea.', tuned: 'Run `npm ci`.' }]);
});

test('last is not compared on pages that it was trained on, and they are counted', () => {
  const seen = [examples[0]!, examples[1]!];
  expect(evaluate(input({ last: { trained: seen } }))).toMatchObject({ skippedForLast: 10, last: { examples: 30 } });
  const all = evaluate(input({ last: { trained: examples } }));
  expect(all.last).toBeNull();
  expect(all.verdict.rules.find(({ rule }) => rule === 'not_worse_than_last')).toMatchObject({ outcome: 'not_applicable' });
});

test('a first publication says so, and sections are the groups where sections were split', () => {
  const result = evaluate(input({ last: 'nothing was published before', splitBy: 'section' }));
  expect(result.verdict.rules[2]!.text).toBe('nothing was published before');
  expect(result.base!.groups).toBe(8);
});

test('files that do not belong together are refused', () => {
  expect(() => evaluate(input({ examples: examples.slice(1) }))).toThrow('no row in the test split');
  expect(() => evaluate(input({ scores: scores('test', 'tuned', 2) }))).toThrow('no score of base');
});

test('nothing scored is insufficient, not an error', () => {
  expect(evaluate(input({ scores: [], answers: [] }))).toMatchObject({
    base: null,
    general: null,
    health: null,
    verdict: { decision: 'insufficient' },
  });
});

test('the file has the figures that people read, and answers to questions only', () => {
  const file = evaluationFile(evaluate(input()), new Map([['question-0', 'How do I install?']]));
  expect(file.nll).toMatchObject({ examples: 40, pages: 8 });
  expect(file.nll!.tuned - file.nll!.base).toBeCloseTo(file.nll!.difference);
  expect(file.nll!.low).toBeLessThanOrEqual(file.nll!.high);
  expect(file.answers).toEqual([{ question: 'How do I install?', base: 'No idea.', tuned: 'Run `npm ci`.' }]);
  expect(evaluationFile(evaluate(input()), new Map()).answers).toEqual([]);
  expect(evaluationFile(evaluate(input({ scores: [] })), new Map()).nll).toBeNull();
});
