// Headings as running text: capitals, and the asker's side of "you".
import { asReader, inSentence } from '../../lib/grammar';
import { Lexicon } from '../../lib/lexicon';

describe('a heading in a sentence', () => {
  test.each([
    ['keeps a word that a single letter makes a name', 'Lid System V', 'It has the old System V of lids.', 'lid System V'],
    ['has no capital after "vs."', 'Present vs. Past Lids', '', 'present vs. past lids'],
    [
      'has the plural of an abbreviation as its page writes it',
      'LID URLS OF BOXES',
      'The URLs of lids, the boxes and the lids of it.',
      'lid URLs of boxes',
    ],
    ['has a prefix as a word', 'Multi-Lid Boxes', '', 'multi-lid boxes'],
    [
      'has a small word in small letters, though a title is quoted on its page',
      'How Lids Work',
      'See there, in How Lids Work.',
      'how lids work',
    ],
    ['has a name with its capital, where its paths are without', 'Fooco Lids', 'The lids of Fooco are in drivers/fooco/lid.', 'Fooco lids'],
    ['has a call in the letters of its page', 'Lid4', 'It is a lid4 of glass.', 'lid4'],
  ])('%s', (_, heading, page, expected) => {
    expect(inSentence(heading, page)).toBe(expected);
  });

  test('a name that many pages write is one on a page that does not', () => {
    const lexicon = new Lexicon();
    for (let page = 0; page < 25; page++) lexicon.readNames(['Foobox']);
    lexicon.read('The Foobox is old. It is a Foobox. It runs in the Foobox.');
    expect(lexicon.isKnownName('Foobox')).toBe(true);
    expect(inSentence('Lids for Foobox', 'A page of its own.', lexicon)).toBe('lids for Foobox');
  });

  test('a word that a site writes with and without its capital is no name', () => {
    const lexicon = new Lexicon();
    lexicon.readNames(['Shared']);
    lexicon.read('A shared lid, the shared lid and the shared box. It is a shared one.');
    expect(lexicon.isName('Shared')).toBe(false);
  });
});

test('who says "I" asks already, and "you" are those who answer', () => {
  expect(asReader('Why are you ignoring my lid')).toBe('Why are you ignoring my lid');
  expect(asReader('How do you open your lid')).toBe('How do I open my lid');
});
