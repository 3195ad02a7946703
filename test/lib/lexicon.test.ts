import { articleIn, objectWithArticle, withArticle } from '../../lib/article';
import { hasVerb, infinitive, inSentence, isDeedOf } from '../../lib/grammar';
import { Lexicon, NO_LEXICON } from '../../lib/lexicon';

const read = (...prose: string[]): Lexicon => {
  const lexicon = new Lexicon();
  for (const text of prose) lexicon.read(text);
  return lexicon;
};

test('a noun is one of many where the site gives it "a", and of no number where a preposition comes before it alone', () => {
  const lexicon = read(
    'It is a glass gadgetry. He has a limitation, and a hard limitation. In order to, in order.',
    'With clear plastic, of hard plastic, and without soft plastic.',
  );
  expect(lexicon.isMass('plastic')).toBe(true);
  expect(lexicon.isMass('limitation')).toBe(false);
  expect(lexicon.isMass('order')).toBeNull();
  expect(lexicon.isMass('unheard')).toBeNull();
});

test('a word is a verb where it mostly follows "to" or "can", and none where it mostly follows an article', () => {
  const lexicon = read('To remap it, we remap it, who could remap it. The queue waits, a queue is long, and the queue ends.');
  expect(lexicon.isVerb('remap')).toBe(true);
  expect(lexicon.isVerb('queue')).toBe(false);
  expect(infinitive('remapping', lexicon)).toBe('remap');
  expect(infinitive('remapping')).toBeNull();
});

test('the article of a heading is what the text writes, then what the site does with its noun', () => {
  const lexicon = read('There is a limitation, or a known limitation. It is made with clear caching, of hard caching, by fast caching.');
  expect(articleIn('lid limitation', 'Of the lid limitation.')).toBe('the');
  expect(articleIn('box theft', 'A case of box theft, or against box theft.')).toBe('');
  expect(withArticle('lid limitation', '', lexicon)).toBe('the lid limitation');
  expect(withArticle('lid caching', '', lexicon)).toBe('lid caching');
  expect(withArticle('lids used to close boxes', '', lexicon)).toBe('lids used to close boxes');
  expect(withArticle('relationship between lids', '', lexicon)).toBe('the relationship between lids');
  expect(withArticle('Lid Consortium Agreement', '', read('an agreement, or an old agreement.'))).toBe('the Lid Consortium Agreement');
});

test.each([
  ['pull request', 'the pull request'],
  ['lids', 'lids'],
  ['my pull request', 'my pull request'],
  ['started', 'started'],
  ['it all', 'it all'],
  ['database’s lid', 'database’s lid'],
])('the object "%s" of a deed is said as "%s"', (object, expected) => {
  expect(objectWithArticle(object, NO_LEXICON)).toBe(expected);
});

test('verb or noun, the page decides before the site', () => {
  const lexicon = read('To extract it, we extract it, who could extract it.');
  expect(isDeedOf('access control lists', 'The access control of a box.', lexicon)).toBe(false);
  expect(isDeedOf('build boxes with lids', 'You can build boxes, and we build boxes.', lexicon)).toBe(true);
  expect(isDeedOf('extract metadata of a lid', '', lexicon)).toBe(true);
  expect(isDeedOf('process creation', 'It applies to process creation.', lexicon)).toBeNull();
  expect(isDeedOf('lids of boxes', '', lexicon)).toBeNull();
});

test('a sentence is told by a verb that the site uses', () => {
  const lexicon = read('To reverse it, we reverse it, who could reverse it.');
  expect(hasVerb('the context reverses the order', lexicon)).toBe(true);
  expect(hasVerb('lids of the box', lexicon)).toBe(false);
});

test('a name of many pages keeps its capital on a page that has it in the heading only', () => {
  const lexicon = read('The glass lid.');
  for (let page = 0; page < 20; page++) lexicon.readNames(['Java']);
  expect(inSentence('Old Java-based Boxes', 'Nothing of it.', lexicon)).toBe('old Java-based boxes');
  expect(inSentence('The Java Box', 'Nothing of it.', lexicon)).toBe('the Java box');
  expect(inSentence('The Box is old. Can I Use It', 'Nothing of it.', lexicon)).toBe('the box is old. Can I use it');
});

test('the second half of a compound is no name where the site writes it', () => {
  const lexicon = read('The multi-column lid.');
  expect(lexicon.isWord('multi')).toBe(true);
  expect(lexicon.isWord('Column')).toBe(true);
  expect(read('Use --multi-column here.').isWord('multi')).toBe(false);
});

test('an article is that of the whole noun: "an error code", though code has none', () => {
  const page = 'An error code is given. The error code is old.';
  expect(withArticle('low-level error code', '', NO_LEXICON, page)).toBe('the low-level error code');
  expect(withArticle('memory allocation', '', NO_LEXICON)).toBe('memory allocation');
  expect(withArticle('lids due to database shrinkage', '', NO_LEXICON)).toBe('lids due to database shrinkage');
  expect(withArticle('lid mini-language', '', NO_LEXICON)).toBe('the lid mini-language');
  expect(withArticle('Box MPM event', '', NO_LEXICON, 'It is the event MPM that opens it.')).toBe('Box MPM event');
});
