import { healthOf, healthRates, repetition } from '../../lib/health';
import { CONTROL, encodeText } from '../../lib/tokens';

const answer = (text: string, end: number[] = [CONTROL.return], channel = 'final'): number[] => [
  CONTROL.channel,
  ...encodeText(channel),
  CONTROL.message,
  ...encodeText(text),
  ...end,
];
const harmony = (ids: number[]): ReturnType<typeof healthOf> =>
  healthOf({ text: '', ids, newTokens: ids.length, stopped: false }, 'gpt-oss');

test('a good answer has no fault, in both families', () => {
  const good = { malformed: false, endless: false, empty: false, looping: false };
  expect(harmony(answer('Run `npm ci`.'))).toMatchObject({ ...good, text: 'Run `npm ci`.' });
  expect(healthOf({ text: 'Run it.', ids: null, newTokens: 3, stopped: true }, 'chat')).toMatchObject({ ...good, tokens: 3 });
});

test.each([
  ['endless', harmony(answer('And then', []))],
  ['empty', harmony(answer('  '))],
  ['malformed', harmony(encodeText('no header'))],
  ['malformed', harmony(answer('{}', [CONTROL.return], 'commentary'))],
  ['looping', harmony(answer('the same thing again and '.repeat(20)))],
  ['empty', healthOf({ text: '', ids: null, newTokens: 0, stopped: true }, 'chat')],
] as const)('%s is seen', (fault, health) => {
  expect(health[fault]).toBe(true);
});

test('lists and code are not loops, a phrase said over and over is', () => {
  const list = Array.from({ length: 20 }, (_, index) => `- \`--option-${index}\`: sets what number ${index} does`).join('\n');
  expect(repetition(list)).toBeLessThan(0.5);
  expect(repetition('I am not sure. '.repeat(30))).toBeGreaterThan(0.8);
  expect(repetition('no no no')).toBe(0);
});

test('rates are shares of the answers', () => {
  expect(healthRates([harmony(answer('Yes.')), harmony(answer('And', []))])).toMatchObject({
    generations: 2,
    endless: 0.5,
    empty: 0,
    malformed: 0,
  });
  expect(healthRates([])).toMatchObject({ generations: 0, endless: 0, meanTokens: 0 });
});
