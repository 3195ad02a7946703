import { PipelineInput } from '../../contracts/input';
import { type GateInput, judge } from '../../lib/gate';
import type { HealthRates } from '../../lib/health';
import type { Comparison } from '../../lib/stats';

const comparison = (low: number, high: number, examples = 50): Comparison => ({
  examples,
  groups: 10,
  nll: { reference: 3, tuned: 3 + (low + high) / 2 },
  difference: (low + high) / 2,
  interval: { low, high },
  winRate: 0.8,
  tokenWeighted: { reference: 3, tuned: 2.9 },
  perByte: { reference: 1, tuned: 0.9 },
  format: { reference: 2, tuned: 0.1 },
  byKind: {},
});
const rates = (wish: Partial<HealthRates> = {}): HealthRates => ({
  generations: 30,
  malformed: 0,
  endless: 0.4,
  empty: 0,
  looping: 0.1,
  meanTokens: 50,
  ...wish,
});
const input = (wish: Partial<GateInput> = {}): GateInput => ({
  config: PipelineInput.parse({}).gate,
  base: comparison(-0.5, -0.1),
  last: 'first publication',
  general: { base: 4, tuned: 4.1 },
  health: { base: rates(), tuned: rates() },
  ...wish,
});
const outcomes = (verdict: ReturnType<typeof judge>): Record<string, string> =>
  Object.fromEntries(verdict.rules.map(({ rule, outcome }) => [rule, outcome]));

test('better than base with an interval clear of 0 passes, and says each rule', () => {
  const verdict = judge(input());
  expect(verdict.decision).toBe('pass');
  expect(outcomes(verdict)).toEqual({
    enough_examples: 'pass',
    better_than_base: 'pass',
    not_worse_than_last: 'not_applicable',
    general_text: 'pass',
    format_health: 'pass',
  });
  expect(verdict.rules[1]!.text).toContain('[-0.500, -0.100]');
});

test.each<[string, Partial<GateInput>, string, string]>([
  ['an interval that touches 0', { base: comparison(-0.5, 0) }, 'better_than_base', 'fail'],
  ['an interval just below 0', { base: comparison(-0.5, -1e-6) }, 'better_than_base', 'pass'],
  ['as good as last, within 1 %', { last: comparison(-0.02, 0.029) }, 'not_worse_than_last', 'pass'],
  ['worse than last by 1 %', { last: comparison(-0.02, 0.03) }, 'not_worse_than_last', 'fail'],
  ['general text 5 % worse', { general: { base: 4, tuned: 4.2 } }, 'general_text', 'pass'],
  ['general text more than 5 % worse', { general: { base: 4, tuned: 4.21 } }, 'general_text', 'fail'],
  ['general text not measured', { general: null }, 'general_text', 'not_applicable'],
  ['ten points more endless answers', { health: { base: rates(), tuned: rates({ endless: 0.5 }) } }, 'format_health', 'pass'],
  ['more than ten points more loops', { health: { base: rates(), tuned: rates({ looping: 0.21 }) } }, 'format_health', 'fail'],
  [
    'the same faults on 29 answers',
    { health: { base: rates({ generations: 29 }), tuned: rates({ generations: 29, looping: 0.9 }) } },
    'format_health',
    'shown',
  ],
  ['no answers', { health: null }, 'format_health', 'not_applicable'],
])('%s', (_, wish, rule, outcome) => {
  const verdict = judge(input(wish));
  expect(outcomes(verdict)[rule]).toBe(outcome);
  expect(verdict.decision).toBe(outcome === 'fail' ? 'hold' : 'pass');
});

test('too few examples are insufficient, and the comparison is shown, not judged', () => {
  const verdict = judge(input({ base: comparison(0.1, 0.5, 19) }));
  expect(verdict.decision).toBe('insufficient');
  expect(outcomes(verdict)).toMatchObject({ enough_examples: 'fail', better_than_base: 'shown' });
  expect(judge(input({ base: null })).decision).toBe('insufficient');
});

test('the input may let too few examples pass, which is said; a broken model is held all the same', () => {
  const config = { ...PipelineInput.parse({}).gate, onInsufficient: 'pass' as const };
  const verdict = judge(input({ config, base: comparison(-0.5, 0.5, 3) }));
  expect(verdict.decision).toBe('pass');
  expect(verdict.rules[0]).toMatchObject({ outcome: 'shown', text: expect.stringContaining('gate.onInsufficient') as string });
  expect(judge(input({ config, base: null, general: { base: 4, tuned: 5 } })).decision).toBe('hold');
});
