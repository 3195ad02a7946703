// Headings that nobody asks for: sentences, shouts, and names of what stands elsewhere. They are dropped, not guessed at.
import { FUNCTION_WORD, hasVerb, isPlural, VERB_BEFORE_PLURAL } from './grammar';
import type { Lexicon } from './lexicon';
import type { Subject } from './subject';
import { isVerbOnly } from './verbs';

/** Names a file, an address, a book, two things with a dash between, or something that stands elsewhere on the page. */
export const UNSAID =
  /^\/|@|^(?!.*\?$).*www\.|^\p{L}+, \p{L}+$|^(?!.*\?$).*; | - .*\bexamples?$| (?:--|—|–) |\b\d{4}\)$|\b(?:this|these|those|our|etc)\b|^related |\bthan\b|^do(?:es)?(?: not|n['’]t) |^todo$|^information$|=$|^per |\s.*\p{L}!$|-(?:like|based|style)$|^(?:\d+(?:st|nd|rd|th)|first|second|third|fourth) \p{L}+$|^(?:(?:unsigned|const|int|char|long|u?int\d+_t|__u\d+) )+\*?\w+_\w+$|^please |->|→| \/ |^[^`]*(?:\w=\S|\|)|^\p{L}+ \d+\)|(?:…|\.\.\.)$|^\p{L}+ #?\d{1,2}$|^use (?:in|by|with) |^(?:edits|tips)$|^\p{L}+ (?:state|problem|case)$|^\S+ \S.*(?<!-)\b\p{Ll}{3,}ed$|\b(?:the (?:following )?formats?|the following(?: \w+)?|as follows)$|^(?:further|other|more|additional|next|final|various|miscellaneous)(?: [\w-]+){1,3}$|^some useful |^(?:the )?(?:problem|solution|big picture|basics?|rest|explanations?)$|^(?:is|are|does|do|can|will|should) (?:it|they) (?!possible|necessary|safe|legal)/iu;

/** In letters that no English question has. */
export const isForeign = (leaf: string): boolean => (leaf.match(/(?!\p{Script=Latin}|\p{Script=Greek})\p{L}/gu) ?? []).length > 1;

/** "FUNCTION": a word that a page only shouts, and no name. */
export const isLoudWord = (leaf: string, { text, lexicon }: Subject): boolean =>
  /^\p{Lu}{4,}$/u.test(leaf) && lexicon.isWord(leaf) && !new RegExp(`[\\p{Ll},] ${leaf}(?![\\p{L}_-])`, 'u').test(text);

/** Begins with what the site does and never has: "reproduce issue with the lid". */
export const isOnlyDone = (said: string, { text, lexicon }: Subject): boolean => {
  const [verb = '', object = ''] = said.split(' ');
  if (object === '' || !/^\p{Ll}+$/u.test(verb) || verb.endsWith('ing') || lexicon.isVerb(verb) !== true || FUNCTION_WORD.test(object))
    return false;
  if (!isVerbOnly(verb) && !VERB_BEFORE_PLURAL.test(verb) && !/ (?:the|an?|your|if|whether|which) /.test(said)) return false;
  return !['a', 'an', 'the', 'of', 'for', 'in'].some((before) => text.includes(`${before} ${verb} ${object}`));
};

/** "Lids respect their owners": what several do. */
const hasPluralDoing = (said: string, lexicon: Lexicon): boolean => {
  const words = said.split(' ');
  return words.some(
    (word, at) =>
      at > 0 &&
      at < words.length - 1 &&
      isPlural(words[at - 1]!) &&
      /^\p{Ll}+$/u.test(word) &&
      !FUNCTION_WORD.test(word) &&
      !word.endsWith('ing') &&
      (isVerbOnly(word) || lexicon.isVerb(word) === true),
  );
};

/** "Compiling and running are separate steps": a sentence about deeds, and not "finding what is open". */
export const isSaidOfDeeds = (said: string): boolean =>
  /^[^ ]+ing /.test(said) &&
  / (?:is|are|was|were) | \p{Ll}+[^su\P{L}]s its /u.test(said) &&
  !/ (?:that|which|who|whose|what|when|where|how|why|if|because|whether|while|there|as) /.test(said);

/** No noun phrase, and no deed or question either, so nobody asks for it: "Brag about it", "Lids are off by default". */
export const isSentence = (np: string, said: string, { text, lexicon }: Subject): boolean =>
  hasVerb(said, lexicon) ||
  / (?:now|no longer|already) \p{Ll}| \p{Ll}+[^su\P{L}]s its /u.test(said) ||
  hasPluralDoing(said, lexicon) ||
  // "Serve more lids": said of a verb, which ones we do not know
  (/^\p{Ll}+(?<!ing) (?:all|an?|any|each|every|its|more|my|the|your) /u.test(said) && !FUNCTION_WORD.test(said.split(' ')[0]!)) ||
  /^\S+ uses (?!of |for |and )|` and `[^`]*` (?!of |for |in )\p{Ll}+ \p{Ll}+s$/u.test(said) ||
  // "Ensures that", "ensures direction"
  (/^\p{Ll}+s \S/u.test(np) && isVerbOnly(np.split(' ')[0]!.slice(0, -1)) && !/^\S+ (?:and|for|in|of|to) /.test(np)) ||
  (isVerbOnly(np.split(' ')[0]!) &&
    !/(?<!\p{L})(?:an?|the) $/iu.test(text.slice(0, Math.max(0, text.indexOf(`${np.split(' ')[0]!} `))).slice(-4)) &&
    !/^\S+ of |^\p{Lu}{2}/u.test(np)) ||
  (!/^\p{Lu}{2}/u.test(np) && /^(?:no|not|never|only|sometimes|requires|returns) /i.test(np)) ||
  /(?<![\w-])(?:is|are|was|must|may|might|could|would|should|it|you|we|I(?![/])|can|do|does|doesn['’]t|don['’]t|have|has|will|always|never|not|fails?|helps|prevents|allows|makes|requires|leads|gives|takes|becomes|depends|happens)(?![\w-])/.test(
    said,
  );
