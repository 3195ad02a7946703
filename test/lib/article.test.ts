// Articles of noun phrases in questions: what the text bears out, and none for names.
import { lacksArticle, withArticle } from '../../lib/article';
import { Lexicon } from '../../lib/lexicon';

const lexicon = new Lexicon();
lexicon.read('A lid is a lid. A node is a node, a node or a node. This is an input. An input is an input. Use a format.');
const said = (np: string, own = ''): string => withArticle(np, own, lexicon);

describe('a noun phrase has the article of a sentence', () => {
  test.each([
    [
      'a command in capitals has none, though its text writes one before the word for it',
      'ALTER LID',
      'the ALTER LID. The ALTER LID is.',
      'ALTER LID',
    ],
    ['two names in capitals have none', 'LID3 AND LID4', 'the LID3 AND LID4.', 'LID3 AND LID4'],
    ['a driver with its name has one', 'kernel driver lid4', '', 'the kernel driver lid4'],
    ['a request in capitals has one', 'ioctl LID_OPEN', '', 'the ioctl LID_OPEN'],
    ['a word of code with the sort of it has one', '`PATH` environment variable', '', 'the `PATH` environment variable'],
    ['a word of code with what is no single thing has none', '`lid` support', '', '`lid` support'],
    ['input is no single thing, though an input is one', 'invalid input', '', 'invalid input'],
    ['several of many have none', 'older versions of lids', '', 'older versions of lids'],
    ['what belongs to a name has none', 'Lid’s future', '', 'Lid’s future'],
    ['what belongs to a person has one', 'lid maker’s node', 'the lid maker’s node.', 'the lid maker’s node'],
    ['a noun with a hyphen that the text writes has one', 'two-lid walk-through', 'Two walk-through lids.', 'the two-lid walk-through'],
    ['a noun with a hyphen that only code writes has none', 'require lid-node', '`lid-node`', 'require lid-node'],
    ['"no-op" is no "no"', 'no-op lid node', '', 'the no-op lid node'],
    ['a thing that is called by a gerund has one', 'testing interface', '', 'the testing interface'],
  ])('%s', (_, np, own, expected) => {
    expect(said(np, own)).toBe(expected);
  });

  test('an object of prose without its article is noticed, and one that needs none is not', () => {
    expect(lacksArticle('device node', lexicon)).toBe(true);
    expect(lacksArticle('a device node', lexicon)).toBe(false);
    expect(lacksArticle('device nodes', lexicon)).toBe(false);
  });
});
