import { shorterAnswers } from '../../lib/shorten';

const CODE = '```js\na\n\nb\n```';

test('an answer is cut between its blocks, longest first, and code is whole or absent', () => {
  const text = `One.\n\nTwo.\n\n${CODE}\n\nThree.`;
  expect([...shorterAnswers(text)]).toEqual([`One.\n\nTwo.\n\n${CODE}`, 'One.\n\nTwo.', 'One.']);
});

test('what announces a block that is left out goes with it', () => {
  expect([...shorterAnswers(`One. It is done so:\n\n${CODE}`)]).toEqual(['One.']);
  expect([...shorterAnswers(`It is done so:\n\n${CODE}`)]).toEqual([]);
  expect([...shorterAnswers(`One.\n\nIt is done so:\n\n${CODE}`)]).toEqual(['One.']);
});

test('one block that is too long cannot be cut', () => {
  expect([...shorterAnswers(CODE)]).toEqual([]);
});
