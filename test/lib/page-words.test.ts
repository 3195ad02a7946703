import { keepsCapital } from '../../lib/page-words';

const PAGE = 'We use Git here. The Index is told from an index, and Node runs 2 Workers, Ärger macht nur der Ärger. Worker_1 waits.';

test('a word keeps the capital that its page gives it in mid-sentence, unless it is written without one too', () => {
  expect(['Git', 'Node', 'Workers', 'Index', 'The', 'Worker', 'Gone'].map((word) => keepsCapital(word, PAGE))).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

test.each([
  ['alone after a word without a capital', 'It runs on Windows here.', 'Windows', true],
  ['more often than without one', 'See novell.com. It is on Novell and for Novell too.', 'Novell', true],
  ['after a letter that takes two places', 'See \u{1d51e} Novell now.', 'Novell', true],
  ['in a title only', 'For more see Server Side Includes.', 'Side', false],
  ['at the beginning of a sentence only', 'It ends. Additional lids are here.', 'Additional', false],
  ['in a path only', 'It is in Documentation/lid.txt', 'Documentation', false],
  ['once, as the plural of a word without one', 'Put it in Queues. A queue is a list.', 'Queues', false],
])('a capital that stands %s', (_, page, word, expected) => {
  expect(keepsCapital(word, page)).toBe(expected);
});
