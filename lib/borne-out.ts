// What a page's prose bears out of a guess that only its heading suggests: an article, a deed, a noun. What nothing bears out is
// not asked: a question that may be broken English is dearer than a section without one.
import { articleIn, headNoun, isKnownThing, objectWithArticle } from './article';
import { FUNCTION_WORD, HALF_NAME, infinitive, isHalfName, isPlural, isSort } from './grammar';
import type { Subject } from './subject';
import { isVerb } from './verbs';

const DETERMINED = /(?:^|[\s(])(?:an?|the|this|that|its|their|your|each|every)(?: [\p{L}\d-]+){0,2}$/iu;
/** So much before a noun holds its article and two words between. */
const BEFORE_CHARS = 40;

/** Whether a text has a noun with an article, a word or two between: "a small glass lid". */
const isDetermined = (noun: string, text: string): boolean => {
  for (let at = text.indexOf(` ${noun}`); at >= 0; at = text.indexOf(` ${noun}`, at + 1))
    if (!/^\p{L}/u.test(text.slice(at + noun.length + 1)) && DETERMINED.test(text.slice(Math.max(0, at - BEFORE_CHARS), at))) return true;
  return false;
};

const BEFORE_PREPOSITION = / (?:between|by|for|from|in|of|on|to|using|via|with) /;

/** "Glass and wood lid feature": one thing that two words describe, which no guess gave an article. */
const isBareThing = (np: string, { text, lexicon }: Subject): boolean => {
  const phrase = np.split(BEFORE_PREPOSITION)[0]!;
  const [, first = '', last = ''] =
    /^(?!(?:an?|both|the|your|my|its) |\S+ing )([^`(,]+) (?:and|or|&) (?!(?:an?|the|its|their) )[^`(,]+ (\p{Ll}{2,})$/iu.exec(phrase) ?? [];
  return (
    last !== '' &&
    !isPlural(first.split(' ').at(-1)!) &&
    !isPlural(last) &&
    (lexicon.isMass(last) === false || isKnownThing(last)) &&
    articleIn(phrase, text) !== ''
  );
};

/**
 * Whether anything but the guess says that a noun phrase takes the article that it was given: its own form ("the use of lids",
 * "the Lid directive"), its noun, the site's use of that noun, or the page, which writes it with one.
 * @param np the phrase without it
 * @param named the phrase as it would be asked for; where nothing was added there is nothing to bear out
 * @param own the text that it heads
 */
export const isArticleBorneOut = (np: string, named: string, own: string, subject: Subject): boolean => {
  if (named === np) return !isBareThing(np, subject);
  const { text, lexicon } = subject;
  const head = headNoun(np.replace(/ \([^()]*\)$/, ''));
  return (
    !named.startsWith('the ') ||
    / (?:of|between) |^relation|`|^(?:kernel )?(?:driver|file|ioctl|module) /.test(np) ||
    // "the kernel driver lid4"
    !/^\p{Ll}{2,}(?:-\p{Ll}+)*$/u.test(head) ||
    isPlural(head) ||
    isSort(head) ||
    isKnownThing(head) ||
    lexicon.isMass(head) === false ||
    articleIn(np, own) === 'the' ||
    articleIn(np, text) === 'the' ||
    isDetermined(head, text)
  );
};

/** What a thing follows, and hardly a deed: "implementing streaming protocols", and not "for removing lids". */
const BEFORE_THING = /(?:^|[^\p{L}])(?:an?|the|these|those|all|other|both|two|different|\p{L}+ing)$/iu;

/** "Covering indexes" of a page that has "a covering index" are things. */
export const isDescribed = (said: string, text: string): boolean => {
  const [, first = '', object = ''] = /^(\p{L}+ing) (?!of )([\p{L}/]+)(?: and .*| \p{L}+)?$/u.exec(said) ?? [];
  if (first === '') return false;
  const forms = new Set([object, object.replace(/s$/, ''), object.replace(/es$/, '')]);
  const isThing = (phrase: string): boolean => {
    for (let at = text.indexOf(phrase); at >= 0; at = text.indexOf(phrase, at + 1))
      if (
        BEFORE_THING.test(text.slice(Math.max(0, at - 16), at)) &&
        !/^\p{L}/u.test(text.slice(at + phrase.length, at + phrase.length + 2))
      )
        return true;
    return false;
  };
  return [...forms].some((form) => isThing(` ${first} ${form}`));
};

/**
 * Whether a gerund with one noun may be a deed or a thing, and the page does not say which: "calling parameter" is a deed of a
 * page that speaks of "calling the parameter". Nouns that neither take an article nor are verbs leave no doubt: "deleting data".
 */
export const isDoubtfulDeed = (said: string, { text, lexicon }: Subject): boolean => {
  const [, gerund = '', object = ''] = /^(\p{L}+ing) (\p{Ll}+)$/u.exec(said) ?? [];
  const verb = gerund === '' ? null : infinitive(gerund, lexicon);
  if (verb === null || isPlural(object) || FUNCTION_WORD.test(object) || isDescribed(said, text)) return false;
  if (objectWithArticle(object, lexicon) === object && !isVerb(object)) return false;
  const page = text.toLowerCase();
  const objects = [`the ${object}`, `a ${object}`, `an ${object}`, `${object}s`, `your ${object}`];
  return ![verb, `${verb}s`, `${verb}d`, `${verb}ed`, gerund.toLowerCase()].some((deed) =>
    [...objects, ...(deed === gerund.toLowerCase() ? [] : [object])].some((each) => page.includes(` ${deed} ${each}`)),
  );
};

/** What may follow a noun, and what follows a verb that has an object. */
const AFTER_NOUN = /^(?:[.,;:)]|$| (?:is|are|was|can|will|may|must|has|does|of|in|and|or|that|which|by|on|at|for|from|with)\b)/;
const BEFORE_OBJECT = /^ (?:all|an?|each|its|the|this|your)\b/;

/** Whether a page has a gerund as a noun at least as often as with an object: "for locking.", and not "reading the file". */
export const isNounOfPage = (gerund: string, page: string): boolean => {
  let nouns = 0;
  let verbs = 0;
  for (let at = page.indexOf(` ${gerund}`); at >= 0; at = page.indexOf(` ${gerund}`, at + 1)) {
    const after = page.slice(at + gerund.length + 1, at + gerund.length + 12);
    if (BEFORE_OBJECT.test(after)) verbs += 1;
    else if (AFTER_NOUN.test(after) || / (?:an?|the|this|its)$/.test(page.slice(Math.max(0, at - 5), at))) nouns += 1;
  }
  return nouns > 0 && nouns >= verbs;
};

/**
 * Whether a phrase has one capital of two that stand side by side in its heading, and nothing says that what is left is a name:
 * "memory Sanitizer" of a page that also writes "sanitizer".
 */
export const hasHalfName = (said: string, heading: string, { text, lexicon }: Subject): boolean =>
  (said.match(HALF_NAME) ?? []).some((pair) => {
    const [lower = '', name = ''] = pair.split(' ');
    return (
      isHalfName(pair, heading, text) &&
      infinitive(lower, lexicon) === null &&
      !lexicon.isKnownName(name) &&
      (lexicon.isName(name) === false || (lexicon.isWord(name) && text.includes(` ${name.toLowerCase()} `)))
    );
  });
