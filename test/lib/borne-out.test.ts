// What only a heading suggests is asked where the page bears it out, and else not.
import { asked, LONG } from '../support/paired';

const page = (heading: string, text: string): string[] => asked(`<h1>Boxes of glass</h1><h2>${heading}</h2><p>${text} ${LONG}</p>`);

describe('an article that only a heading suggests', () => {
  test('is asked with where the page has the noun with one', () => {
    expect(page('Wooden box hatch', 'It opens the small hatch.')).toEqual([expect.stringContaining('the wooden box hatch')]);
  });

  test('is asked with where the noun names one thing everywhere', () => {
    expect(page('Wooden box driver', '')).toEqual([expect.stringContaining('the wooden box driver')]);
  });

  test.each(['Double metaphone', 'Wooden box hatch', 'General purpose'])('is not asked with where nothing says so: "%s"', (heading) => {
    expect(page(heading, '')).toEqual([]);
  });
  test('is not left out before what two words describe', () => {
    expect(page('Glass and wood box driver', '')).toEqual([]);
    expect(page('Glass boxes and drivers', '')).toEqual([expect.stringContaining('glass boxes and drivers')]);
  });
});

test('what a text begins to define is asked for as the text has it', () => {
  expect(page('Associated hatch', 'An associated hatch is one that a box has.')).toEqual([
    expect.stringMatching(/^What is an associated hatch /),
  ]);
});

describe('a gerund with one noun', () => {
  test.each(['Blocking read', 'Scaling control'])('that may be a deed or a thing is not asked for: "%s"', (heading) => {
    expect(page(heading, '')).toEqual([]);
  });

  test.each([
    ['is a deed where the page says so', 'Scaling control', 'Here one may scale the control.', /^How do I scale /],
    ['is a deed where its noun leaves no doubt', 'Deleting data', '', /^How do I delete data/],
  ])('%s', (_, heading, text, question) => {
    expect(page(heading, text)).toEqual([expect.stringMatching(question)]);
  });
});

test('a gerund alone is asked for where the page has it as a noun', () => {
  expect(page('Locking', 'Without locking, lids would be lost.')).toEqual([expect.stringContaining('locking')]);
  expect(page('Reading', 'By reading the lid, and reading a box, one knows.')).toEqual([]);
});

test('a verb that we do not know is not asked for as a thing: "Service more lids"', () => {
  expect(page('Service more lids at the same time', '')).toEqual([]);
});

test('half a name is not asked for', () => {
  expect(page('Glass Hatch Keeper rules', 'With a Keeper and one Keeper, by a Keeper or other keeper , a hatch is glass.')).toEqual([]);
});

test('a name of two words keeps both of its capitals where the page writes them so', () => {
  expect(
    page('The goals of Hatch Clinic', 'A hatch, a small hatch and one more hatch came with Hatch Clinic, by Clinic and with Clinic work.'),
  ).toEqual([expect.stringContaining('Hatch Clinic')]);
});

test('what is done for "you" is done for me', () => {
  expect(page('What glass can do for you', '')).toEqual([expect.stringContaining('can do for me')]);
});
