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
  expect(isGrounded(answer, section)).toBe(expected);
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
