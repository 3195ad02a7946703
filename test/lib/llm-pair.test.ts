import type { Section } from '../../contracts/records';
import { sha256 } from '../../lib/hash';
import { generatePrompt, isGrounded, isWorthAsking, readGenerated, readVerdict } from '../../lib/llm-pair';

const section: Section = {
  schema: 1,
  id: sha256('s'),
  pageId: sha256('p'),
  url: 'http://s.test/',
  documentSha256: sha256('d'),
  title: 'zap',
  anchor: null,
  path: ['zap', 'Options'],
  position: 0,
  blocks: [
    { type: 'prose', text: 'The option `--dry-run` shows what zap would remove, and waits 30 seconds before it asks again.' },
    { type: 'code', text: 'zap --dry-run box', language: null },
  ],
  cluster: sha256('s'),
};

test.each([
  ['The option `--dry-run` shows what zap would remove.', true],
  ['Run `zap --dry-run box` and it shows what would be removed.', true],
  ['It waits 45 seconds before it asks again.', false],
  ['Use `--force` to show what zap would remove.', false],
  ['Elephants migrate southwards during hot summers.', false],
  ['', false],
])('%j stands in its section: %s', (answer, expected) => {
  expect(isGrounded({ question: 'What does zap do?', answer }, section)).toBe(expected);
});

test.each([
  ['What does `zap --dry-run box` do?', true],
  ['How long does zap wait, 30 seconds?', true],
  ['What does `zap --force` do?', false],
  ['What is new in zap 4.2?', false],
  ['What does jane.doe@acme.dev say of zap?', false],
])('a question asks for nothing that the section does not name: %j %s', (question, expected) => {
  expect(isGrounded({ question, answer: 'The option `--dry-run` shows what zap would remove.' }, section)).toBe(expected);
});

test.each(['It waits 3 seconds before it asks again.', 'It waits 0 seconds before it asks again.'])(
  'a number inside another is not in the section: %j',
  (answer) => {
    expect(isGrounded({ question: 'Q?', answer }, section)).toBe(false);
  },
);

test('an address or a key that the model made up is not believed, one that the section holds is', () => {
  const answer = 'Ask jane.doe@acme.dev what zap would remove before it asks again.';
  expect(isGrounded({ question: 'Q?', answer }, section)).toBe(false);
  const unmasked = { ...section, blocks: [...section.blocks, { type: 'prose' as const, text: 'Ask jane.doe@acme.dev.' }] };
  expect(isGrounded({ question: 'Q?', answer }, unmasked)).toBe(true);
});

test('numbers of a list in the answer need not stand in the section', () => {
  const answer = '1. The option `--dry-run` shows what zap would remove.\n2. It waits 30 seconds.';
  expect(isGrounded({ question: 'Q?', answer }, section)).toBe(true);
});

test('what a model thought before it answered, and brackets of its prose, are passed over', () => {
  const pairs = [{ question: 'Q?', answer: 'A.' }];
  expect(readGenerated(`<think>A list [a, b] of [1] pairs, [{"question":"X?","answer":"Y"}]</think>\n${JSON.stringify(pairs)}`, 2)).toEqual(
    pairs,
  );
  expect(readGenerated(`As asked [1]: ${JSON.stringify(pairs)}`, 2)).toEqual(pairs);
  expect(readGenerated('['.repeat(1_000_000), 2)).toBeNull();
  expect(readVerdict('<think>[3] of [10]</think>[9]', 1)).toEqual([true]);
});

test('a pair that is written twice is one pair', () => {
  const pair = { question: 'Q?', answer: 'A.' };
  expect(readGenerated(JSON.stringify([pair, pair]), 3)).toEqual([pair]);
});

test('an answer is read out of whatever stands around it, and at most as many pairs as were asked for', () => {
  const pairs = [1, 2, 3].map((number) => ({ question: `Q${number}?`, answer: `A${number}.` }));
  expect(readGenerated(`Sure!\n\`\`\`json\n${JSON.stringify(pairs)}\n\`\`\``, 2)).toEqual(pairs.slice(0, 2));
  expect(readGenerated('I cannot.', 2)).toBeNull();
  expect(readGenerated('[{"question": "Q?"}]', 2)).toBeNull();
  expect(readGenerated('[]', 2)).toEqual([]);
});

test('the judge accepts from 7 of 10 on, and nothing by an answer of another length', () => {
  expect(readVerdict('[10, 7, 6.9]', 3)).toEqual([true, true, false]);
  expect(readVerdict('[10]', 2)).toEqual([false, false]);
  expect(readVerdict('fine', 1)).toEqual([false]);
});

test('a section of few words is not asked about, and the prompt holds all of one that is', () => {
  expect(isWorthAsking(section, 10)).toBe(true);
  expect(isWorthAsking(section, 60)).toBe(false);
  expect(generatePrompt(section, 3).user).toContain('zap > Options\n\nThe option `--dry-run`');
});
