// How a page writes its words, looked up instead of searched for: a search through the page for every word of every heading
// is most of the time that questions take.

interface PageWords {
  /** Every word of ASCII letters, digits and underscores. */
  all: ReadonlySet<string>;
  /** Those of them that follow a lower-case letter, a number or a comma and a space: in mid-sentence. */
  inner: ReadonlySet<string>;
}

let newest: { page: string; words: PageWords } | null = null;

/** The newest page's words are remembered, since its headings come one after the other. */
const pageWords = (page: string): PageWords => {
  if (newest?.page === page) return newest.words;
  const all = new Set(page.match(/\w+/g) ?? []);
  const inner = new Set(page.match(/(?<=[\p{Ll}\p{N},] )\w+/gu) ?? []);
  newest = { page, words: { all, inner } };
  return newest.words;
};

const search = (pattern: string, page: string): boolean => new RegExp(pattern, 'u').test(page);

/** Whether the page writes the word with its capital in mid-sentence, and never without. */
export const keepsCapital = (word: string, page: string): boolean => {
  const lower = word.toLowerCase();
  if (!/^\w+$/.test(word)) return search(`[\\p{Ll}\\p{N},] ${word}\\b`, page) && !search(`\\b${lower}\\b`, page);
  const { all, inner } = pageWords(page);
  return inner.has(word) && !all.has(lower);
};
