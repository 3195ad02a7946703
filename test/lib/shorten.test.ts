import { shorten } from '../../lib/shorten';

const within = (most: number) => (text: string) => text.length <= most;
const CODE = '```js\na\n\nb\n```';

test('an answer is cut between its blocks, and code is whole or absent', () => {
  const text = `One.\n\nTwo.\n\n${CODE}\n\nThree.`;
  expect(shorten(text, within(text.length - 1))).toBe(`One.\n\nTwo.\n\n${CODE}`);
  expect(shorten(text, within(20))).toBe('One.\n\nTwo.');
});

test('what announces a block that is left out goes with it', () => {
  expect(shorten(`One. It is done so:\n\n${CODE}`, within(20))).toBe('One.');
  expect(shorten(`It is done so:\n\n${CODE}`, within(20))).toBeNull();
});

test('one block that is too long cannot be cut', () => {
  expect(shorten(CODE, within(3))).toBeNull();
});
