import { createCompletionReader, parseCompletion } from '../../lib/completion';
import { CONTROL, encodeText } from '../../lib/tokens';

const message = (channel: string, text: string, end?: number): number[] => [
  CONTROL.channel,
  ...encodeText(channel),
  CONTROL.message,
  ...encodeText(text),
  ...(end === undefined ? [] : [end]),
];
const assistant = [CONTROL.start, ...encodeText('assistant')];

test('an answer on the final channel that ends is read', () => {
  expect(parseCompletion(message('final', 'Yes: 語 🚀.', CONTROL.return))).toEqual({
    channel: 'final',
    text: 'Yes: 語 🚀.',
    thinking: '',
    ended: true,
    valid: true,
  });
});

test('analysis before the answer is told apart', () => {
  const ids = [...message('analysis', 'Hm.', CONTROL.end), ...assistant, ...message('final', 'Four.', CONTROL.return)];
  expect(parseCompletion(ids)).toEqual({ channel: 'final', text: 'Four.', thinking: 'Hm.', ended: true, valid: true });
});

test('an answer cut by the token limit is valid but not ended', () => {
  expect(parseCompletion(message('final', 'And so'))).toMatchObject({ text: 'And so', ended: false, valid: true });
  expect(parseCompletion(message('analysis', 'Hm'))).toMatchObject({ channel: 'analysis', text: '', thinking: 'Hm', ended: false });
});

test.each([
  ['nothing at all', []],
  ['text without a header', encodeText('Just text')],
  ['an unknown channel', message('finale', 'x', CONTROL.return)],
  ['no channel', [CONTROL.message, ...encodeText('x'), CONTROL.return]],
  ['a second start inside the text', [...message('final', 'x'), CONTROL.start, ...encodeText('user')]],
  [
    'another role',
    [...message('analysis', 'x', CONTROL.end), CONTROL.start, ...encodeText('user'), ...message('final', 'x', CONTROL.return)],
  ],
  ['text between messages', [...message('analysis', 'x', CONTROL.end), ...encodeText('y')]],
  ['tokens after the end', [...message('final', 'x', CONTROL.return), ...encodeText('y')]],
  ['end of text instead of return', message('final', 'x', CONTROL.endoftext)],
])('%s is not valid harmony', (_, ids) => {
  expect(parseCompletion(ids).valid).toBe(false);
});

test('a tool call ends the turn validly, though it is no answer', () => {
  const ids = message('commentary to=functions.x', '{}', CONTROL.call);
  expect(parseCompletion(ids)).toEqual({ channel: 'commentary', text: '', thinking: '{}', ended: false, valid: true });
});

test('text streams with its channel as it comes', () => {
  const reader = createCompletionReader();
  const seen = message('final', 'Hi 🚀', CONTROL.return)
    .map((id) => reader.push(id))
    .filter((piece) => piece !== null);
  expect(seen.map(({ text }) => text).join('')).toBe('Hi 🚀');
  expect(new Set(seen.map(({ channel }) => channel))).toEqual(new Set(['final']));
});
