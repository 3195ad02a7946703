// How a page writes its words, looked up instead of searched for: a search through the page for every word of every heading
// is most of the time that questions take.

interface PageWords {
  /** How often each word of ASCII letters, digits and underscores stands in prose. */
  all: ReadonlyMap<string, number>;
  /**
   * Those of them with a capital that follow a word without a capital, a number or a comma: in mid-sentence, and in no title.
   * Null until they are asked for: many pages' headings have no word that needs them.
   */
  inner: ReadonlyMap<string, number> | null;
}

/** A word without a capital, or a number. */
const BEFORE_NAME = /(?<![\p{L}\p{N}])[\p{Ll}\p{N}](?:[\p{L}\p{N}'’.-]*[\p{L}\p{N}])?,?$|\p{N},$/u;
const LONGEST_BEFORE = 40;
/** What such a word ends with, half of a character too. Most capitals begin a sentence, after a full stop, and need no further look. */
const MAY_END_BEFORE = /[\p{L}\p{N},\ud800-\udfff]/u;

/** Of prose: no part of a path, an address or code. */
const WORD = /(?<![\w/.@`-])\w+(?![\w/@`]|\.\w)/g;

const count = (words: Iterable<string>): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
};

function* innerWords(page: string): Generator<string, void, undefined> {
  for (const { 0: word, index } of page.matchAll(/(?<= )[A-Z]\w*(?![/\w])/g))
    if (MAY_END_BEFORE.test(page[index - 2] ?? '') && BEFORE_NAME.test(page.slice(Math.max(0, index - LONGEST_BEFORE), index - 1)))
      yield word;
}

let newest: { page: string; words: PageWords } | null = null;

/** The newest page's words are remembered, since its headings come one after the other. */
const pageWords = (page: string): PageWords => {
  if (newest?.page === page) return newest.words;
  newest = { page, words: { all: count(page.match(WORD) ?? []), inner: null } };
  return newest.words;
};

const search = (pattern: string, page: string): boolean => new RegExp(pattern, 'u').test(page);

/**
 * Whether the page writes the word with its capital in mid-sentence, and that more often than without: "Novell" on a page
 * that links to novell.com. A plural
 * that it writes so once or twice, and whose singular it writes without, is no name.
 */
export const keepsCapital = (word: string, page: string): boolean => {
  const lower = word.toLowerCase();
  if (!/^\w+$/.test(word)) return search(`[\\p{Ll}\\p{N},] ${word}\\b`, page) && !search(`\\b${lower}\\b`, page);
  if (!page.includes(` ${word}`)) return false;
  const words = pageWords(page);
  const { all } = words;
  const quiet = all.get(lower) ?? 0;
  words.inner ??= count(innerWords(page));
  const times = words.inner.get(word) ?? 0;
  return times > quiet && !(times <= 2 && /[^s]s$/.test(lower) && all.has(lower.slice(0, -1)));
};

/** Whether the page, sentences' beginnings included, hardly writes the word without its capital: "Cirrus". */
export const isMostlyCapital = (word: string, page: string): boolean => {
  const { all } = pageWords(page);
  const times = all.get(word) ?? 0;
  return times >= 4 && times > 4 * (all.get(word.toLowerCase()) ?? 0);
};

/** Whether a page writes a word that a heading shouts, or its singular, more often quietly; null where it never writes it. */
export const isSaidQuietly = (word: string, page: string): boolean | null => {
  const { all } = pageWords(page);
  const loud = all.get(word) ?? 0;
  const lower = word.toLowerCase();
  const quiet = Math.max(all.get(lower) ?? 0, all.get(lower.replace(/s$/, '')) ?? 0);
  return loud + quiet === 0 ? null : quiet > loud;
};
