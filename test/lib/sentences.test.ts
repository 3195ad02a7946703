import { isWhole, sentences } from '../../lib/sentences';

test.each([
  ['One. Two! Three? Four', ['One.', 'Two!', 'Three?', 'Four']],
  ['Guido v. Rossum said so. Then he left.', ['Guido v. Rossum said so.', 'Then he left.']],
  ['As of Feb. 2023, see Sec. 3.2.1 and Fig. 2. Next.', ['As of Feb. 2023, see Sec. 3.2.1 and Fig. 2.', 'Next.']],
  ['Tools, e.g. Make, i.e. old ones. New.', ['Tools, e.g. Make, i.e. old ones.', 'New.']],
  ['Call foo.bar() or sys.path. It works. See setup.cfg here.', ['Call foo.bar() or sys.path.', 'It works.', 'See setup.cfg here.']],
  ['Run `a. B. c` now. Done.', ['Run `a. B. c` now.', 'Done.']],
  ['Use version 3.11. 2 is old.', ['Use version 3.11.', '2 is old.']],
  ['He asked "Why?" She said no. (Really.) Yes.', ['He asked "Why?"', 'She said no.', '(Really.)', 'Yes.']],
  ['By J. R. Smith in the U.S. today.', ['By J. R. Smith in the U.S. today.']],
  ['Apples, pears, etc. Then more.', ['Apples, pears, etc.', 'Then more.']],
  ['Wait... what? Ok.', ['Wait... what?', 'Ok.']],
  ['First paragraph\n\nSecond one.', ['First paragraph', 'Second one.']],
  ['`npm ci` is fast. `npm install` is not.', ['`npm ci` is fast.', '`npm install` is not.']],
])('splits %s', (text, expected) => {
  expect(sentences(text)).toEqual(expected);
});

test.each([
  ['Done.', true],
  ['Done (at last.)', true],
  ['Say "no."', true],
  ['For example:', false],
  ['cut off in', false],
])('%s is whole: %s', (text, whole) => {
  expect(isWhole(text)).toBe(whole);
});
