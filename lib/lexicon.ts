// What a site's own prose says about its words: nouns that take an article and nouns that do not, verbs, names. The site is the
// best dictionary of its words, and it is there for every site.

/** How the prose uses a word in lower case. */
interface Uses {
  /** After "a" or "an", the word before it or one earlier, and at the end of its phrase: "a lid", "a glass lid". */
  counted: number;
  /** After a preposition and one other word: "with clear plastic". Alone it may be an idiom: "in order", "for instance". */
  bare: number;
  /** After an article. */
  noun: number;
  /** After "to", "can", "you" and the like. */
  verb: number;
}

const NONE: Uses = { counted: 0, bare: 0, noun: 0, verb: 0 };

/** So many letters of a section are read: enough to know the words of a site, and no more of a long page than of a short one. */
const READ_CHARS = 1500;

const USES =
  /(?<![\w-])(an?|the|of|in|for|with|by|without|via|from|to|can|will|must|should|may|could|would|cannot|you|we) ([a-z]{2,})(?: ([a-z]{2,}))?(?![\w-])(?=([.,;:)]| (?:is|are|was|were|will|can|may|must|has|in|of|for|to|and|or|that|which|from|by|on|at|with|as|when|if) )?)/gi;
const LOWER = /(?<![\w.-])[a-z]{3,}(?:-[a-z]{3,})?(?![\w-])/g;
/** A site of so many words has written every common one. */
const ENOUGH_WORDS = 2500;
const BEFORE_VERB = /^(?:to|can|will|must|should|may|could|would|cannot|you|we)$/i;
const ARTICLE = /^(?:an?|the)$/i;
const NO_MODIFIER = /^(?:an?|the|this|that|its|their|your|any|all|each|no|some|one|and|or|of|in|to|be|not|is|are)$/;

/** "the Lid" says nothing about lids. */
const isLower = (word: string): boolean => word[0]! >= 'a';

/** Verbs, nouns and names as the prose of a site has them; empty, it knows nothing. */
export class Lexicon {
  private readonly words = new Map<string, Uses>();
  private readonly names = new Map<string, number>();
  /** All that the prose writes in lower case. */
  private readonly lower = new Set<string>();

  /** Takes in some prose of the site. The order does not matter. */
  read(prose: string): void {
    for (const [word] of prose.slice(0, READ_CHARS).matchAll(LOWER)) {
      // Halves of a compound too: "multi-file".
      if (word.includes('-')) for (const part of word.split('-')) this.lower.add(part);
      else this.lower.add(word);
    }
    for (const [, before = '', first = '', second = '', end] of prose.slice(0, READ_CHARS).matchAll(USES)) {
      const ends = end !== undefined;
      if (BEFORE_VERB.test(before)) {
        if (!NO_MODIFIER.test(first) && isLower(first)) this.usesOf(first).verb += 1;
        continue;
      }
      const isArticle = ARTICLE.test(before);
      if (isArticle && isLower(first)) this.usesOf(first).noun += 1;
      if (!ends || NO_MODIFIER.test(first) || NO_MODIFIER.test(second)) continue;
      const noun = second === '' ? first : second;
      if (!isLower(noun)) continue;
      const uses = this.usesOf(noun);
      if (!isArticle) uses.bare += second === '' ? 0 : 1;
      else if (!/^the$/i.test(before)) uses.counted += 1;
    }
  }

  /** Takes in names that one page writes with a capital in mid-sentence. */
  readNames(names: Iterable<string>): void {
    for (const name of names) this.names.set(name, (this.names.get(name) ?? 0) + 1);
  }

  /** Whether a noun names no single thing, and so stands without an article; null where the site does not show it. */
  isMass(noun: string): boolean | null {
    const { counted, bare } = this.words.get(noun.toLowerCase()) ?? NONE;
    if (counted + bare < 2) return null;
    return bare > 3 * counted && bare > 2 ? true : counted > 1 && counted > 2 * bare ? false : null;
  }

  /** Whether the site uses a word as a verb rather than as a noun; null where it does not show it. */
  isVerb(word: string): boolean | null {
    const { verb, noun } = this.words.get(word.toLowerCase()) ?? NONE;
    if (verb + noun < 3) return null;
    return verb > 3 * noun ? true : 2 * noun > verb ? false : null;
  }

  /** Whether pages write a word with its capital in mid-sentence, or never without; null where they do not show it. */
  isName(word: string): boolean | null {
    const { noun, verb, counted, bare } = this.words.get(word.toLowerCase()) ?? NONE;
    const quiet = noun + verb + counted + bare;
    const named = this.names.get(word) ?? 0;
    if ((named >= 5 && named > 4 * quiet) || (word.length > 2 && this.lower.size >= ENOUGH_WORDS && !this.lower.has(word.toLowerCase())))
      return true;
    return quiet >= 3 && quiet > 2 * named ? false : null;
  }

  /** Whether many pages write a word with its capital and hardly any without: a name wherever it stands. */
  isKnownName(word: string): boolean {
    const { noun, verb, counted, bare } = this.words.get(word.toLowerCase()) ?? NONE;
    const named = this.names.get(word) ?? 0;
    return named >= 20 && (this.isName(word) === true || named > 2 * (noun + verb + counted + bare));
  }

  /** Whether the site writes a word without a capital. */
  isWord(word: string): boolean {
    return this.lower.has(word.toLowerCase());
  }

  /** Whether a site that is large enough to know hardly writes a word without its capital. */
  isRare(word: string): boolean {
    const { noun, verb, counted, bare } = this.words.get(word.toLowerCase()) ?? NONE;
    return this.lower.size >= ENOUGH_WORDS && noun + verb + counted + bare < 3;
  }

  private usesOf(word: string): Uses {
    const lower = word.toLowerCase();
    let uses = this.words.get(lower);
    if (uses === undefined) this.words.set(lower, (uses = { ...NONE }));
    return uses;
  }
}

/** Of no site. */
export const NO_LEXICON = new Lexicon();
