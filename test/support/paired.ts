// Pages as HTML to pairs, through clean, sections and pair.
import type { Page, Section } from '../../contracts/records';
import { cleanText } from '../../lib/clean';
import { sha256 } from '../../lib/hash';
import { pair, type PairOptions, type Paired } from '../../lib/pair';
import { splitSections } from '../../lib/sections';

export const OPTIONS: PairOptions = {
  kinds: ['heading', 'code', 'definition', 'signature', 'option', 'faq'],
  minChars: 50,
  maxChars: 2400,
  minScore: 0.5,
  maxPerPage: 60,
  maxKindShare: 1,
  otherLanguages: 'drop',
  questions: 'page',
};

export const pageOf = (url: string): Page => ({
  schema: 1,
  id: sha256(url),
  url,
  bodySha256: sha256(''),
  bodyBytes: 0,
  format: 'html',
  charset: null,
});

export const sectionsOf = (html: string, url = 'http://site.test/page'): Section[] => {
  const result = cleanText(pageOf(url), html, { minWords: 1 });
  if (!result.keep) throw new Error(result.reason);
  return splitSections(result.document);
};

export const made = (html: string, options: Partial<PairOptions> = {}): Paired => pair(sectionsOf(html), { ...OPTIONS, ...options });
export const asked = (html: string): string[] => made(html).pairs.map((each) => each.instruction);

/** Enough for an answer. */
export const LONG = 'This is a sentence that says enough about the matter to be an answer.';
