// The article that a heading leaves out: "report status" is "the report status" in a sentence, "query planning" stays bare.
import { FUNCTION_WORD, infinitive, isPlural, isSort } from './grammar';
import { type Lexicon, NO_LEXICON } from './lexicon';

const DETERMINED =
  /^(?:an?|the|your|my|our|all|any|both|each|every|no|some|more|most|other|this|that|these|those|its|their|how|why|what|when|where|which|who)\b(?!-)/i;

/** Endings of nouns that mostly name no single thing. */
const MASS_ENDING = /(?:ing|[ts]ion|ity|ness|ment|[ae]nce|[ae]ncy|ism|ware|age|ship|graphy|acy|ics|sis|ery)$/;
/** Nouns with such an ending that name one thing. */
const COUNTED =
  /(?:^|-)(?:inter|meta|sub|super|trans)?(?:string|setting|mapping|binding|heading|warning|listing|ring|option|action|section|function|connection|extension|condition|expression|exception|application|collection|position|partition|version|session|definition|declaration|instruction|operation|question|location|permission|dimension|entity|facility|utility|identity|statement|argument|element|segment|document|environment|attachment|comment|page|message|package|image|language|instance|sequence|sentence|preference|difference|reference|dependency|query|directory|library|repository|battery|dictionary|basis)$/;
/** Nouns without such an ending that name no single thing. */
const MASS =
  /^(?:access|advice|arithmetic|behaviou?r|code|colou?r|compliance|content|control|data|delivery|discovery|documentation|equality|fuzz|garbage|generality|hardware|help|history|info|inheritance|input|i\/o|io|latency|logic|maintenance|memory|mode|news|output|overhead|performance|progress|recovery|research|security|software|space|storage|support|syntax|text|time|traffic|trust|undo|usage|use|validity|work)$/;
/** Names no single thing, even where a site speaks of "an input" too. */
const UNCOUNTED =
  /^(?:access|advice|arithmetic|behaviou?r|compliance|data|documentation|equality|hardware|inheritance|input|i\/o|io|latency|logic|maintenance|memory|metadata|output|overflow|overhead|performance|reproducibility|research|security|software|storage|support|syntax|traffic|underflow|usage|validity)$/i;
/** What is made, and there is one of. */
const MADE =
  /^(?:architecture|callback|checklist|decoder|device|dispatcher|driver|encoder|filesystem|format|framework|generator|guide|handler|index|layer|list|manager|manual|protocol|server|subsystem)$/;
/** Abbreviations of things. */
const THING = /^(?:API|CLI|GUI|UI|SDK|DSL|URL|URI|ABI|VFS|VM|IDE|DOM|C\/C\+\+ interface)$/;

/** Names no single thing: "pooling", "recovery", "syntax". The site knows best. */
export const isMass = (noun: string, lexicon: Lexicon = NO_LEXICON): boolean =>
  UNCOUNTED.test(noun) || (lexicon.isMass(noun) ?? (MASS.test(noun) || (MASS_ENDING.test(noun) && !COUNTED.test(noun))));

/** A noun that names one thing, whatever a site says of it. */
export const isKnownThing = (noun: string): boolean => THING.test(noun) || COUNTED.test(noun) || MADE.test(noun);

const AFTER_HEAD =
  / (?:of|in|for|from|to|with|without|on|by|and|or|&|as|between|among|at|using|within|under|about|via|during|after|before|when|that|which|into|over|per|versus|vs|against|through|throughout|upon|only|across|along|around|inside|outside|like|until|where|instead of|due to|(?:correspond|belong|relat|contain|includ|hav|accord|us)ing|\p{Ll}{2,}ed (?:as|at|by|for|from|in|on|to|with))(?: |$)/u;

/** The noun that a noun phrase is about: the last word before a preposition. */
export const headNoun = (np: string): string => np.split(AFTER_HEAD)[0]!.split(' ').at(-1) ?? '';

const PREFIX = /^(?:micro|mini|multi|sub|super)-/;

/** "testing interface": a thing, and nothing that is tested. */
const CALLED_BY_DEED =
  /^\S+ing (?:algorithm|framework|function|interface|mechanism|method|policy|protocol|scheme|style|system|technique|tool)$/;

/** One thing, which a sentence gives an article: "free page list", and not "query planning", "mod_dbd", "a list", "lists and trees". */
const isOneThing = (np: string, lexicon: Lexicon): boolean => {
  const head = headNoun(np.replace(/ \([^()]*\)$/, ''))
    .replace(/["'’”)]+$/gu, '')
    .replace(PREFIX, '');
  const [first = '', second = ''] = np.split(' ');
  const isGerund =
    !CALLED_BY_DEED.test(np) && (infinitive(first, lexicon) !== null || (first.endsWith('ing') && /^(?:an?|the|your)$/.test(second)));
  if (
    isGerund ||
    /^\d(?!\S*-\p{Ll})|^`|^\p{Lu}+\d+ \(/u.test(np) ||
    FUNCTION_WORD.test(first) ||
    / (?:and|or|&|versus|vs\.?) |, /i.test(np.split(/ (?:of|in|for|from|to|with|on|by) /)[0]!)
  )
    return false;
  if (THING.test(head)) return true;
  // A name that ends in the noun for what it names: "the Lid Consortium Agreement".
  if (/^\p{Lu}\p{Ll}+$/u.test(head)) return np.split(AFTER_HEAD)[0]!.includes(' ') && lexicon.isMass(head) === false && !isPlural(head);
  return /^\p{Ll}+(?:-\p{Ll}+)*$/u.test(head) && !isPlural(head) && !isMass(head, lexicon) && !/ly$|^(?:non|up|down|off|out)$/.test(head);
};

/** An object of prose that names one thing without an article: "create device node", and not "create a node", "get help". */
export const lacksArticle = (object: string, lexicon: Lexicon): boolean => {
  const phrase = object.split(AFTER_HEAD)[0]!;
  return (
    /^\p{Ll}{2,}(?: \p{Ll}{2,}){1,2}$/u.test(phrase) &&
    lexicon.isMass(headNoun(object)) === false &&
    objectWithArticle(object, lexicon) !== object
  );
};

/** The object of a deed with the article that its heading leaves out: "submit the pull request", and not "manage lids". */
export const objectWithArticle = (object: string, lexicon: Lexicon): string => {
  const phrase = object.split(AFTER_HEAD)[0]!;
  const isMassNoun = lexicon.isMass(headNoun(object));
  // A word alone may be anything: a particle, an adjective, a name.
  const isKnown =
    (phrase.includes(' ') ? isMassNoun !== true : isMassNoun === false) &&
    !/^(?:it|them|me|my|one)\b|^[^\p{L}]|^\S+(?:ed|['’]s)(?: |$)/u.test(object);
  return isKnown && !DETERMINED.test(object) && isOneThing(object, lexicon) ? `the ${object}` : object;
};

/** What follows a whole noun phrase: "the file change counter is", and not "the ALTER TABLE command". */
const ENDS_PHRASE =
  /^s?(?:[^\p{L}\d\s-]|$|\s+\(|\s+(?:is|are|was|were|will|can|may|must|has|have|does|in|of|for|to|and|or|that|which|from|by|on|at|with|as)\b)/u;

const BEFORE_BARE = /[\s(](?:about|against|by|for|from|in|of|on|through|to|uses?|using|via|with|without)\s$/;

/** So much of a page is searched: a phrase that its beginning does not write is not what it is about. */
const SEARCHED_CHARS = 60_000;

/** How a text writes a noun phrase: with an article, bare, or, null, not at all. */
export const articleIn = (np: string, whole: string): 'the' | '' | null => {
  const text = whole.slice(0, SEARCHED_CHARS);
  let articles = 0;
  let bare = 0;
  for (let at = text.indexOf(np); at >= 0; at = text.indexOf(np, at + 1)) {
    if (!ENDS_PHRASE.test(text.slice(at + np.length, at + np.length + 12))) continue;
    const before = text.slice(Math.max(0, at - 12), at);
    if (/(?:^|[\s(])(?:an?|the|this|that|each|every|its|their|your)\s$/i.test(before)) articles += 1;
    else if (BEFORE_BARE.test(before)) bare += 1;
  }
  return articles > 0 && articles >= bare ? 'the' : bare > 1 ? '' : null;
};

/** "Lid maker bender" on a page about the bender lid maker's: called by its last word, as by a name. */
const isCalledLast = (np: string, page: string, lexicon: Lexicon): boolean => {
  const [name = '', sort = ''] = np.split(' ').reverse();
  return (
    /^\p{Lu}/u.test(sort) &&
    np.split(' ').length > 2 &&
    (page.includes(`the ${name} ${sort}`) || (/^\p{Lu}\p{Ll}+ \p{Lu}{2,} /u.test(np) && lexicon.isRare(name)))
  );
};

/** "kernel driver lid4": a sort of thing with the name of one. */
const IS_CALLED =
  /^(?:[\p{L}\d/-]+ ){0,2}(?:(?:device |kernel )?driver|socket option|system call|ioctl|file) (?=[^ ,]*[\d_/]|\p{Ll}*\d|\p{Lu}+)[^ ,]+$/u;

/** "`PATH` environment variable", and not "`lid` support". */
const isCodeOfSort = (np: string, lexicon: Lexicon): boolean => {
  const phrase = np.split(AFTER_HEAD)[0]!;
  const head = headNoun(np);
  return /^`[^`]+`(?: [\p{L}-]+){0,4} \p{Ll}+$/u.test(phrase) && !isPlural(head) && !isMass(head, lexicon);
};

/** What there are several of, and not all: "older versions of lids". */
const SOME_OF = /^(?:older|newer|other|various|different|common|multiple|several|further|typical|additional|known) /;

/**
 * A noun phrase with the article that it has in a sentence: "the file change counter", "the use of funds".
 * @param own the text that it heads, which says whether the phrase has one
 * @param page the text around it, for what its own does not say
 */
export const withArticle = (np: string, own: string, lexicon: Lexicon, page = own): string => {
  // "ALTER LID": a name, whatever "the ALTER LID command" has before it.
  if ((/^[\p{Lu}\d_]{2,}(?: (?:and|or|[\p{Lu}\d_]{2,}))+$/u.test(np) && !THING.test(headNoun(np))) || np.includes(': ')) return np;
  // "Lid's future"
  if (/^(?:\p{Lu}\S*|to(?:day|morrow))['’]s /u.test(np)) return np;
  if (IS_CALLED.test(np) || isCodeOfSort(np, lexicon)) return `the ${np}`;
  if (DETERMINED.test(np) || (infinitive(np.split(' ')[0]!, lexicon) !== null && !/^\S+ of /.test(np) && !CALLED_BY_DEED.test(np)))
    return np;
  const [, first = ''] =
    /^([\p{L}/-]+)(?: (?!(?:out|in|outside|inside|instead|because)\p{L}* )[\p{L}-]+)? of [\p{L}\d"“‘`.]/u.exec(np) ?? [];
  const head = headNoun(np);
  // Of a page a noun that mostly has no article may have one once.
  const phrase = np.split(AFTER_HEAD)[0]!;
  const isWritten = (words: string, how: 'the' | ''): boolean => words.includes(' ') && articleIn(words, page) === how;
  const around = (): 'the' | '' | null => {
    if (!isMass(head, lexicon) || / of /.test(np)) return articleIn(np, page);
    // "Code" has none, an "error code" has one.
    const isThing =
      /\S \S+ \S/.test(phrase) && !/^\S+ing | (?:and|or|&) /.test(np) && isWritten(phrase.split(' ').slice(-2).join(' '), 'the');
    return isThing && !isWritten(phrase, '') ? 'the' : null;
  };
  const written = np.includes(' ') && !isPlural(head) ? (articleIn(np, own) ?? around()) : null;
  if (written === 'the' || (written === '' && isMass(head, lexicon) && first === '')) return `${written} ${np}`.trim();
  const named = /^\S+ (\p{L}+)$/u.exec(np)?.[1];
  const follows = (start: string): boolean => {
    const at = own.indexOf(start);
    return at >= 0 && ENDS_PHRASE.test(own.slice(at + start.length));
  };
  const definite =
    (/^[\p{L} -]+ between \p{L}|^relation(?:ship)? to /u.test(np) && !isPlural(head)) ||
    (first !== '' && !(SOME_OF.test(np) && isPlural(head)) && !/^(?:out|because|instead|ahead|regardless|none|one|lots?)$/i.test(first)) ||
    (named !== undefined && isSort(named)) ||
    (np.includes(' ') &&
      (follows(`the ${np}`) ||
        follows(`The ${np}`) ||
        (isOneThing(np, lexicon) &&
          (!/-/.test(head.replace(PREFIX, '')) || ` ${page} `.includes(` ${head} `)) &&
          (phrase === np || !isWritten(phrase, '')) &&
          !isCalledLast(np, page, lexicon))));
  return definite ? `the ${np}` : np;
};
