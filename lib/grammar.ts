// The little English that questions need: base verbs, gerunds, the asker's side of "you", and headings as running text.
import { type Lexicon, NO_LEXICON } from './lexicon';
import { ALSO_NOUNS, GERUND_VERBS, isBaseVerb, isVerb, isVerbOnly } from './verbs';
import { isMostlyCapital, isSaidQuietly, keepsCapital } from './page-words';

/** What a name may be called: "the ProxyPass directive". */
export const isSort = (word: string): boolean =>
  /^(?:attribute|class|clause|command|directive|element|event|field|flag|function|interface|keyword|macro|method|module|object|operator|option|parameter|pragma|property|selector|setting|statement|structure|type|variable)$/i.test(
    word,
  );
/** Before "your" or "the" every other word is what to do: "Certify your work". */
export const FUNCTION_WORD =
  /^(?:about|above|across|after|against|all|along|among|and|are|around|as|at|because|before|behind|below|beneath|beside|between|beyond|both|but|by|despite|down|during|except|for|from|half|how|if|in|inside|into|is|like|more|near|not|of|off|on|once|only|or|out|outside|over|per|quite|rather|since|such|than|that|then|through|throughout|to|toward|towards|under|until|unto|up|upon|using|via|was|were|what|when|where|whether|which|while|who|whose|why|with|within|without)$/i;
/** Verbs that headings use as nouns too, but hardly before a plural: "Write programs", not "Merge conflicts". */
export const VERB_BEFORE_PLURAL = /^(?:define|delete|edit|extract|flush|get|write)$/i;
const DETERMINER = /^(?:an?|the|your|my|all|any|each|multiple|several|`.*)$/i;
const PARTICLE = /^(?:up|out|off|down|away|back)$/i;

/** A heading that tells what to do: "Create a user", "Removing" not. */
export const isInstruction = (heading: string): boolean => {
  const [first = '', second = '', ...rest] = heading.split(/\s+/);
  if (/^\p{Lu}{2}/u.test(first)) return false; // CREATE TABLE is a name
  if (isSort(second) && rest.length === 0) return false; // the Require directive
  if (/^(?:and|or)$/i.test(second))
    return (isVerbOnly(rest[0] ?? '') || (isBaseVerb(first) && isBaseVerb(rest[0] ?? ''))) && rest.length > 1;
  if (!isBaseVerb(first))
    return (
      /^(?:your|an?|the)$/i.test(second) &&
      rest.length > 0 &&
      /^\p{L}+$/u.test(first) &&
      !FUNCTION_WORD.test(first) &&
      !/(?:ing|ed|s|ly)$/i.test(first)
    );
  if (second === '' || /^(?:vs\.?|&)$/i.test(second)) return false;
  if (!ALSO_NOUNS.has(first.toLowerCase()) || DETERMINER.test(second)) return true;
  return (PARTICLE.test(second) && rest.length > 0) || (VERB_BEFORE_PLURAL.test(first) && isPlural(second) && rest.length > 0);
};

/**
 * Whether a heading that begins with what may be a verb or a noun tells what to do, by how its page writes its first two words
 * and its site the first: "Extract metadata", and not "Access control". Null for what begins with no verb.
 */
export const isDeedOf = (said: string, page: string, lexicon: Lexicon): boolean | null => {
  const [first = '', second = '', ...rest] = said.split(' ');
  if (!isBaseVerb(first) || isSort(second) || !/^[\p{Ll}\d`]/u.test(first)) return null;
  // "Check and increment the index"
  if (/^(?:and|or)$/.test(second)) return rest.length > 1 && lexicon.isVerb(rest[0]!) === true ? true : null;
  const start = `${first} ${second}`;
  let verbs = 0;
  let nouns = 0;
  for (let at = page.indexOf(start); at >= 0; at = page.indexOf(start, at + 1))
    if (/(?:\. ?|\b(?:to|can|will|must|may|should|you|we|not) )$/.test(page.slice(Math.max(0, at - 8), at))) verbs += 1;
    else if (/\s$/.test(page.slice(Math.max(0, at - 1), at))) nouns += 1;
  // Once may be "to process creation", where "to" begins no verb.
  if (nouns > 0 || verbs > 1 || (verbs === 1 && rest.length > 1)) return verbs > nouns;
  if (DETERMINER.test(second)) return null;
  const isVerb = lexicon.isVerb(first);
  return isVerb === true && (FUNCTION_WORD.test(second) || rest.length === 0) ? null : isVerb;
};

/** A sentence whose verb only the site knows: "the context reverses the order", and not "lists of lids". */
export const hasVerb = (said: string, lexicon: Lexicon): boolean =>
  /^(?:[\w-]+ )?\p{L}+[^su\P{L}]s (?:the|an?|its) /u.test(said) ||
  [...said.matchAll(/\p{Ll} (\p{Ll}{3,})s (?:the|an?|its|all|no|your|each) /gu)].some(([, verb]) => lexicon.isVerb(verb!) ?? isVerb(verb!));

/** "removing" to "remove", for verbs that are known; null otherwise. */
export const infinitive = (gerund: string, lexicon = NO_LEXICON): string | null => {
  const lower = gerund.toLowerCase();
  if (!lower.endsWith('ing') || /^(?:versioning|packaging|warning|meaning|logging)$/.test(lower)) return null;
  const stem = lower.slice(0, -3);
  if (GERUND_VERBS.has(`${stem}e`) && !GERUND_VERBS.has(stem)) return `${stem}e`;
  if (GERUND_VERBS.has(stem)) return stem;
  const undoubled = stem.replace(/([b-df-hj-np-tv-z])\1$/, '$1');
  if (GERUND_VERBS.has(undoubled)) return undoubled;
  return lexicon.isVerb(lower) === false ? null : ([stem, `${stem}e`, undoubled].find((verb) => lexicon.isVerb(verb) === true) ?? null);
};

/** "packing and unpacking it" to "pack and unpack it", of what follows the first verb of a heading. */
export const gerundsToInfinitives = (rest: string, lexicon = NO_LEXICON): string =>
  rest.replace(/\b(and|or) (\p{L}+ing)\b/gu, (all, join: string, gerund: string) => {
    const verb = infinitive(gerund, lexicon);
    return verb === null ? all : `${join} ${verb}`;
  });

const TURNED: ReadonlyMap<string, string> = new Map([
  ['you', 'I'],
  ['your', 'my'],
  ['yours', 'mine'],
  ['yourself', 'myself'],
  ["you're", "I'm"],
  ['you’re', 'I’m'],
  ["you've", "I've"],
  ["you'll", "I'll"],
  ["you'd", "I'd"],
]);

/** What a page says to its reader, said by the reader. Code spans stay. */
export const asReader = (text: string): string =>
  // Who says "I" asks already, and "you" are those who answer: "Why are you ignoring my patch?"
  /(?<![\w-])(?:I|me|my|we|our|us)(?![\w'’/-])/.test(text)
    ? text
    : text
        .split(/(`[^`]*`)/)
        .map((part, index) =>
          index % 2 === 1
            ? part
            : part
                .replace(/(?<!-)\b[yY]ou(?:rself|rs|r|['’](?:re|ve|ll|d))?\b/g, (word) => TURNED.get(word.toLowerCase()) ?? word)
                .replace(/\b(about|allows?|at|by|for|from|gives?|helps?|lets?|of|tells?|to|with) I\b/g, '$1 me')
                .replace(/\bare I\b/g, 'am I')
                .replace(/\bI are\b/g, 'I am'),
        )
        .join('');

/** Man pages shout their headings; what the page's prose writes so too (DROP TRIGGER, SQLITE_OK) is no shout. */
const isShouted = (heading: string, page: string): boolean => {
  const words = heading.replace(/`[^`]*`/g, '');
  const loud = words.match(/\p{Lu}{4,}/gu) ?? [];
  if (loud.length === 0 || /\p{Ll}|_/u.test(words)) return false;
  // A page without a capital says nothing about capitals.
  if (page.toLowerCase() === page || isLoudName(heading, page)) return false;
  return 2 * loud.filter((word) => isSaidQuietly(word, page) ?? words.trim().includes(' ')).length >= loud.length;
};

/** The page writes it, or what it begins with, in capitals where it does not point to the section: "a CREATE TABLE statement". */
const isLoudName = (heading: string, page: string): boolean => {
  const name = /^\S+ \S+(?= )/.exec(heading)?.[0] ?? heading;
  for (let at = page.indexOf(name); at >= 0 && name.includes(' '); at = page.indexOf(name, at + 1)) {
    const points = /\b(?:see|see also|in|section)(?: the)? ["“]?$/i.test(page.slice(Math.max(0, at - 24), at));
    if (!points && !/^[^.\n]{0,60}["”]? (?:sections?|below|above)\b/.test(page.slice(at + name.length))) return true;
  }
  return false;
};

/** A gerund whose verb, if not itself, the site writes in small letters: "Porting", and not "Boeing". */
const isGerundOfSite = (word: string, lexicon: Lexicon): boolean =>
  /\p{Ll}ing$/u.test(word) && [word, word.slice(0, -3), word.replace(/ing$/, 'e')].some((form) => lexicon.isWord(form));

/** Adjectives, participles, gerunds and what is numbered are no names on another page's word. */
const NO_NAME =
  /^the$|(?:ing|[st]ions?|ments?|able|ible|ive|ous|less|ful|[tx]ual|[ct]ional|ical|ary|ed|ly)$|^(?:appendix|chapter|draft|example|release|version|figure|item|listing|note|page|part|section|step|table)$/i;
const PREFIX = /^(?:Anti|Auto|Co|Cross|De|High|Inter|Intra|Low|Multi|Non|Over|Post|Pre|Real|Run|Self|Semi|Single|Sub|Super|Un|Under|Well)$/;

/**
 * A heading as part of a sentence: "Pre & Post Scripts" to "pre & post scripts".
 * A word keeps its capital when the page writes it so in mid-sentence, and when it has more than one.
 * @param page prose of the page
 * @param lexicon of its site, for words that the page writes nowhere else
 */
export const inSentence = (heading: string, page: string, lexicon = NO_LEXICON): string => {
  const shouted = isShouted(heading, page);
  const keeps = (word: string): boolean => {
    const mayBeName = !FUNCTION_WORD.test(word) && !NO_NAME.test(word);
    const known = lexicon.isName(word);
    const isName = mayBeName || known === false ? known : null;
    return (
      isName !== false &&
      !FUNCTION_WORD.test(word) &&
      !/^the$/i.test(word) &&
      (keepsCapital(word, page) ||
        (!/(?:ing|ity|ment|ness|[st]ion|s)$/.test(word) && lexicon.isRare(word) && isMostlyCapital(word, page)) ||
        (mayBeName && !word.endsWith('s') && lexicon.isKnownName(word)) ||
        (isName === true && (lexicon.isKnownName(word) || page.includes(word)) && !page.includes(` ${word.toLowerCase()} `)))
    );
  };
  let before = '';
  let previous = '';
  let begins = false;
  const said = heading
    .split(/(`[^`]*`|\s+|[-/](?=\p{Lu}\p{Ll}))/u)
    .map((word, at, parts) => {
      if (shouted && !word.startsWith('`')) {
        // "URLS" of a page that writes "URLs"
        if (/^\p{Lu}{2,}S$/u.test(word) && page.includes(`${word.slice(0, -1)}s`)) return `${word.slice(0, -1)}s`;
        const name = word.slice(0, 1) + word.slice(1).toLowerCase();
        return /^\p{Lu}\p{Ll}{2,}$/u.test(name) && keeps(name) ? name : word.toLowerCase();
      }
      // "Open()" and "Lid4" where the page writes open() and lid4.
      if (/^\p{Lu}(?:\w*\(\)|\p{Ll}+\d\w*)$/u.test(word) && page.includes(` ${word.toLowerCase()}`)) return word.toLowerCase();
      const isFirst = begins;
      if (word.trim() !== '') begins = /[\p{Ll})][.?!]$/u.test(word) && word !== 'vs.';
      if (isFirst || !/^[("'“]?\p{Lu}[\p{Ll}'’-]*[):,"'”]?$/u.test(word)) return word;
      // "Java-based", of a site that writes of Java.
      const compound = /^(\p{L}+)-\p{Ll}/u.exec(word)?.[1];
      if (compound !== undefined && !FUNCTION_WORD.test(compound) && lexicon.isName(compound) === true) return word;
      const bare = word.replace(/['’]s(?=\P{L}|$)|[^\p{L}]/gu, '');
      // "Porting lids" of a site that writes "porting", "Multi-Lid"
      if ((at === 0 && isGerundOfSite(bare, lexicon)) || (PREFIX.test(bare) && parts[at + 1] === '-')) return word.toLowerCase();
      // "Foobox 3.2", "System V"
      if (at === 0 && /^v?\d+(?:\.\d+)+/.test(parts[at + 2] ?? '') && !NO_NAME.test(bare) && !lexicon.isWord(bare)) return word;
      if (/^[A-Z]$/.test(parts[at + 2] ?? '') && !FUNCTION_WORD.test(bare) && followsWord(`${bare} ${parts[at + 2]}`, page)) return word;
      if (/^[B-Z]$/.test(bare) || /^[B-Z]-/.test(word)) return word; // C, I, R, C-language
      // "Red Hat": the second half of a name has no place of its own.
      // "File Format" of a page that also writes "file format".
      const isSaid = before === '' && previous !== '' && page.includes(`${previous} ${bare.toLowerCase()}`);
      const kept = (keeps(bare) && !isSaid) || (before !== '' && page.includes(`${before} ${bare}`));
      before = kept ? bare : '';
      previous = kept || FUNCTION_WORD.test(bare) || /^the$|ing$/i.test(bare) ? '' : bare.toLowerCase();
      return kept ? word : word.toLowerCase();
    })
    .join('');
  // "code of Ethics": half a name, where the page writes all of it.
  const isHalf = / \p{Lu}\p{Ll}/u.test(said) && said !== heading && !said.startsWith(heading[0]!);
  if (isHalf && followsWord(heading.replace(/ \(.*$/, ''), page)) return heading;
  // "goals of lid Clinic": the half that the page writes, and only with the other.
  return !/\p{Ll} \p{Lu}\p{Ll}/u.test(said)
    ? said
    : said.replace(HALF_NAME, (pair: string) =>
        isHalfName(pair, heading, page) && followsWord(capital(pair), page) ? capital(pair) : pair,
      );
};

/** "lid Clinic" of a heading "Lid Clinic": what may have lost one of its two capitals. */
export const HALF_NAME = /(?<![\p{L}-])\p{Ll}{2,} \p{Lu}\p{Ll}+(?!\p{L})/gu;

const capital = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}`;

/** Whether it has, and its page does not write it so. */
export const isHalfName = (pair: string, heading: string, page: string): boolean => {
  const [lower = ''] = pair.split(' ');
  return heading.includes(capital(pair)) && !FUNCTION_WORD.test(lower) && !isVerb(lower) && !page.includes(pair);
};

/** In mid-sentence. */
const followsWord = (phrase: string, page: string): boolean => {
  for (let at = page.indexOf(` ${phrase}`); at >= 0; at = page.indexOf(` ${phrase}`, at + 1))
    if (/[\p{Ll},]/u.test(page[at - 1] ?? '')) return true;
  return false;
};

/** "Why lid needed?" is no sentence. */
export const isWholeQuestion = (question: string): boolean =>
  !/^(?:how|when|where|why) /i.test(question) ||
  /\b(?:am|are|can|could|did|do|does|has|have|is|may|might|must|not|should|to|was|were|will|would)\b|n['’]t\b/i.test(question);

export const isPlural = (noun: string): boolean =>
  /..[^s]s$/i.test(noun) &&
  !/[_\d]/.test(noun) &&
  !/(?:us|is|ss|ics|news|lens|js|access|alias|atlas|bias|canvas)$/i.test(noun) &&
  !/^\p{Lu}+$/u.test(noun);
