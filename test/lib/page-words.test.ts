import { keepsCapital } from '../../lib/page-words';

const PAGE = 'We use Git here. The Index is told from an index, and Node runs 2 Workers, Ärger macht nur der Ärger. Worker_1 waits.';
const searched = (word: string, page: string): boolean =>
  new RegExp(`[\\p{Ll}\\p{N},] ${word}\\b`, 'u').test(page) && !new RegExp(`\\b${word.toLowerCase()}\\b`, 'u').test(page);

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

test('looking up gives what searching the page gives, for one page after the other', () => {
  for (const page of [PAGE, PAGE.toLowerCase(), 'Only One, Two and Three', PAGE, ''])
    for (const word of `${PAGE} ${page}`.match(/\p{L}+/gu) ?? []) expect(keepsCapital(word, page)).toBe(searched(word, page));
});
