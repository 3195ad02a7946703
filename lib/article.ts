// The article that a heading leaves out: "report status" is "the report status" in a sentence, "query planning" stays bare.
import { FUNCTION_WORD, infinitive, isPlural, isSort } from './grammar';

const DETERMINED =
  /^(?:an?|the|your|my|our|all|any|both|each|every|no|some|more|most|other|this|that|these|those|its|their|how|why|what|when|where|which|who)\b/i;

/** Endings of nouns that mostly name no single thing. */
const MASS_ENDING = /(?:ing|[ts]ion|ity|ness|ment|[ae]nce|[ae]ncy|ism|ware|age|ship|graphy|acy|ics|sis|ery)$/;
/** Nouns with such an ending that name one thing. */
const COUNTED =
  /(?:string|setting|mapping|binding|heading|warning|listing|ring|option|action|section|function|connection|extension|condition|expression|exception|application|collection|position|partition|version|session|definition|declaration|instruction|operation|question|location|permission|dimension|entity|facility|utility|identity|statement|argument|element|segment|document|environment|attachment|comment|page|message|package|image|language|instance|sequence|sentence|preference|difference|reference|dependency|query|directory|library|repository|battery|dictionary|analysis|basis)$/;
/** Nouns without such an ending that name no single thing. */
const MASS =
  /^(?:access|advice|arithmetic|behaviou?r|code|colou?r|compliance|content|control|data|delivery|discovery|documentation|equality|fuzz|garbage|generality|hardware|help|history|info|inheritance|input|i\/o|io|latency|logic|maintenance|memory|mode|news|output|overhead|performance|progress|recovery|research|security|software|space|storage|support|syntax|text|time|traffic|trust|undo|usage|use|validity|work)$/;
/** Abbreviations of things. */
const THING = /^(?:API|CLI|GUI|UI|SDK|DSL|URL|URI|ABI|VFS|VM|IDE|DOM|C\/C\+\+ interface)$/;

/** Names no single thing: "pooling", "recovery", "syntax". */
export const isMass = (noun: string): boolean => MASS.test(noun) || (MASS_ENDING.test(noun) && !COUNTED.test(noun));

const AFTER_HEAD =
  / (?:of|in|for|from|to|with|without|on|by|and|or|&|as|between|among|at|using|within|under|about|via|during|after|before|when|that|which|into|over|per|versus|vs|against|through|upon|(?:correspond|belong|relat|contain|includ|hav|accord|us)ing)(?: |$)/;

/** The noun that a noun phrase is about: the last word before a preposition. */
export const headNoun = (np: string): string => np.split(AFTER_HEAD)[0]!.split(' ').at(-1) ?? '';

/** One thing, which a sentence gives an article: "free page list", and not "query planning", "mod_dbd", "a list", "lists and trees". */
const isOneThing = (np: string): boolean => {
  const head = headNoun(np.replace(/ \([^()]*\)$/, '')).replace(/["'’”)]+$/, '');
  const [first = '', second = ''] = np.split(' ');
  const isGerund = infinitive(first) !== null || (first.endsWith('ing') && /^(?:an?|the|your)$/.test(second));
  if (
    isGerund ||
    /^\d|^`|^\p{Lu}+\d+ \(/u.test(np) ||
    FUNCTION_WORD.test(first) ||
    / (?:and|or|&|versus|vs\.?) |, /i.test(np.split(/ (?:of|in|for|from|to|with|on|by) /)[0]!)
  )
    return false;
  if (THING.test(head)) return true;
  return /^\p{Ll}+$/u.test(head) && !isPlural(head) && !isMass(head) && !/ly$|^(?:non|up|down|off|out)$/.test(head);
};

/** What follows a whole noun phrase: "the file change counter is", and not "the ALTER TABLE command". */
const ENDS_PHRASE =
  /^s?(?:[^\p{L}\d\s-]|$|\s+(?:is|are|was|were|will|can|may|must|has|have|does|in|of|for|to|and|or|that|which|from|by|on|at|with|as)\b)/u;

/**
 * A noun phrase with the article that it has in a sentence: "the file change counter", "the use of funds".
 * @param own the text that it heads, which says whether the phrase has one
 */
export const withArticle = (np: string, own: string): string => {
  if (DETERMINED.test(np)) return np;
  const [, first = ''] = /^([\p{L}-]+)(?: (?!(?:out|in|instead|because)\p{L}* )[\p{L}-]+)? of \p{L}/u.exec(np) ?? [];
  const named = /^\S+ (\p{L}+)$/u.exec(np)?.[1];
  const follows = (start: string): boolean => {
    const at = own.indexOf(start);
    return at >= 0 && ENDS_PHRASE.test(own.slice(at + start.length));
  };
  const definite =
    (first !== '' && !/^(?:out|because|instead|ahead|regardless|none|one|lots?)$/i.test(first)) ||
    (named !== undefined && isSort(named)) ||
    (np.includes(' ') && (follows(`the ${np}`) || follows(`The ${np}`) || isOneThing(np)));
  return definite ? `the ${np}` : np;
};
