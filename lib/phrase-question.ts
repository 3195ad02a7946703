// A phrase of a heading or a title as the reader's question: a deed, a question, a noun phrase, or words to be quoted.
import { plain } from './blocks';
import { articleIn, headNoun, isMass, objectWithArticle, withArticle } from './article';
import { hasHalfName, isArticleBorneOut, isDescribed, isDoubtfulDeed, isNounOfPage } from './borne-out';
import {
  asReader,
  FUNCTION_WORD,
  gerundsToInfinitives,
  infinitive,
  inSentence,
  isDeedOf,
  isInstruction,
  isPlural,
  isWholeQuestion,
} from './grammar';
import { examples } from './example-question';
import { code, ending, inContext, inPage, isAsking, namedSort, noun, withoutSort } from './question';
import type { Lexicon } from './lexicon';
import { asQuestion } from './question-heading';
import { isForeign, isLoudWord, isOnlyDone, isSaidOfDeeds, isSentence, UNSAID } from './unasked';
import { spellTool, type Subject } from './subject';
import { isVerb } from './verbs';

export const be = (np: string): string => (isPlural(headNoun(np)) || / (?:and|&) /.test(np) ? 'are' : 'is');

/** Nouns that a gerund describes: "looping techniques" are no deed. */
const DESCRIBED =
  /^(?:techniques?|tips|rules?|guidelines?|options?|examples?|basics|methods?|strategies|mechanisms?|issues|problems|conventions?|styles?|behaviou?r|order|tools?|information|functions?|support|interface|system|considerations|hints|notes|advice|patterns?|details|words|remarks|services|thoughts|handling|modifiers|protocols|operations|semantics|polic(?:y|ies)|first|last)$/i;

/** "Running locally", "Enabling the feature": what is run, and which feature, the heading does not say. */
const VAGUE =
  /^\S+ing (?:\S+ly|(?:the|this|an?) (?:feature|module|extension|example|code|project|result|change|option|tool|problem|issue|data|file|rest)s?|it|them|everything|this)$/i;

/** Made of a word of the site: "explicitly", "automatically", and not "anomaly". */
const isAdverb = (word: string, lexicon: Lexicon): boolean =>
  [word.replace(/ly$/, ''), word.replace(/ally$/, ''), word.replace(/ily$/, 'y')].some((stem) => stem !== word && lexicon.isWord(stem));

/** "Test for a lid": to do so, and no test. */
const LOOKS_FOR = /^(?:check|look|query|search|test|wait) for /i;

/** "Installing and removing", "extending based on lids": done to what, nobody says. */
const NO_OBJECT = /^\S+ing (?:(?:and|or) \S+$|(?:based|depending) )/i;

/** "Removing old packages", "Create a user", "How to log in" as "How do I ...?"; null for what is no deed. */
const deed = (leaf: string, said: string, subject: Subject, own: string): string | null => {
  const { text, lexicon } = subject;
  const how = /^how to ([^?]+)\??$/i.exec(said.replace(/ it(?=\??$)/, ` ${noun(subject)}`));
  // "How to load": what the page is about.
  if (how !== null) return ending(`How do I ${/ /.test(how[1]!) ? asReader(how[1]!) : `${how[1]!} ${noun(subject)}`}`, subject);
  if (isSaidOfDeeds(said) || NO_OBJECT.test(said)) return null;
  const [first = '', ...rest] = said.replace(/^(\S+ing [^:]+): .*$/, '$1').split(' ');
  const verb = /\b(?:doesn|don|isn|won|can)['’]t\b|\bfails?\b/.test(said) ? null : infinitive(first, lexicon);
  if (verb !== null && isDescribed(said, text)) return null;
  const done = gerundsToInfinitives(rest.join(' '), lexicon);
  // "Redirecting and remapping": of two deeds one is no verb that is known.
  const second = /^(?:\S+ )?(?:and|or) (\p{L}+ing) /u.exec(done)?.[1] ?? /^(?:and|or) (\p{L}+)/u.exec(done)?.[1];
  if (verb !== null && second !== undefined && ((!isVerb(second) && lexicon.isVerb(second) !== true) || /^\S+ \S+ of /.test(done)))
    return null;
  if (verb !== null && rest.length > 0 && !/ - /.test(said) && rest[0] !== 'of' && !(rest.length === 1 && DESCRIBED.test(rest[0]!)))
    return ending(`How do I ${verb} ${asReader(objectWithArticle(done, lexicon))}`, subject);
  // What the text speaks of as a thing is none: "for load and store instructions".
  const [adverb = '', verbAfter = ''] = said.split(' ');
  const adverbial = isVerb(verbAfter) ? verbAfter : isAdverb(adverb, lexicon) ? infinitive(verbAfter) : null;
  if (adverb.endsWith('ly') && adverbial !== null)
    return ending(`How do I ${adverb} ${adverbial} ${asReader(said.split(' ').slice(2).join(' '))}`.trimEnd(), subject);
  if (LOOKS_FOR.test(leaf)) return ending(`How do I ${asReader(said)}`, subject);
  const isDeed =
    rest.length > 0 &&
    articleIn(said, own) === null &&
    // "Compute Express Link": a name, in mid-sentence too.
    !/^\p{Lu}\p{Ll}/u.test(said) &&
    !(rest.length === 1 && DESCRIBED.test(rest[0]!)) &&
    (isDeedOf(said, text, lexicon) ?? isInstruction(leaf));
  return isDeed && !/ - |^\p{Ll}\S* \p{Lu}/u.test(leaf)
    ? ending(`How do I ${asReader(`${first} ${objectWithArticle(rest.join(' '), lexicon)}`)}`, subject)
    : null;
};

/** A heading "label: text" as what it is about. */
const withoutLabel = (said: string): string => {
  const note = /^(?:an? )?(?:(?:important )?(?:note|word)s? (?:about|on)|note:|warning:|caution:|tip:|about) (.+)$/i.exec(said)?.[1];
  if (note !== undefined) return note;
  const [, label = '', text = ''] = /^(\S+): (.+)$/u.exec(said) ?? [];
  if (label === '') return /^([^:(]* [^:(]+): \S/.exec(said)?.[1] ?? said;
  if (/^event$/i.test(label)) return said;
  // "DEP0005: `Buffer()` constructor" is called by its number, "hook: force_authn" by its name.
  if (/^\p{Lu}+\d+$/u.test(label)) return `${label} (${text})`;
  if (/^[\w.-]+$/.test(text) && CALLED.test(label)) return `the ${text} ${label.toLowerCase()}`;
  if (/[-_.`]|\p{Ll}\p{Lu}/u.test(label)) return label;
  return text.includes(' ') || isPlural(label) ? text : said;
};

/** What stands before the colon of "hook: force_authn". */
const CALLED =
  /^(?:attribute|class|command|directive|error|event|extension|field|filter|flag|function|header|hook|method|module|object|option|package|parameter|signal|stage|tool|utility|variable)$/i;

/** What does something, or is there for something to be done. */
const DOES = /(?:clause|command|directive|flag|function|keyword|macro|method|operator|option|parameter|pragma|setting|statement)$/;

/** Without what a heading says of its own text: "Notes on", "An overview of", "(changed)". */
const bareOfNotes = (heading: string): string =>
  heading
    .replace(/^(\S+) - \S.*$/, '$1') // "fts4aux - Direct Access"
    .replace(/^(?:(?:an?|the|some) )?(?:notes? (?:on|about)|overview of|introduction to) (?=\S+ \S)|^introducing (?=\S)/i, '')
    // "rotatelogs (recommended)", "lids (with the glass ones)": said in passing.
    .replace(/(?<=\S)\s+\(\p{Ll}[\p{Ll}.-]*(?:\s[^()]*)?\)$/u, '')
    .replace(/(?<=\S)\s+\((?:new|changed|deprecated|removed|added|optional|obsolete|renamed|experimental|beta|legacy)\W*\)$/i, '');

/** "Lids are ...": the text says what they are. */
const isDefined = (np: string, own: string): boolean => own.includes(`${np[0]!.toUpperCase()}${np.slice(1)} are `);

/** The article of "A lid is a ...", with which a text begins to say what its heading is; null for another text. */
const definedWith = (np: string, own: string): string | null => {
  const [, article = '', rest = ''] = /^(an?) (.+)$/is.exec(own.slice(0, np.length + 8)) ?? [];
  return rest.startsWith(`${np} is `) ? article.toLowerCase() : null;
};

/** Says when or where, and not what: "For streams of bytes", "/ (slash)". */
const NO_PHRASE =
  /^(?:for|with|from|in|at|by|when|while|as|to|before|after|without|during|beyond|behind|under|over|against|through|upon|via|despite|except|inside|outside|into|onto|within|between|among|across|toward|towards|until|unless|since|because|using) |^[^\p{L}\d`"'“‘<.$%@_*-]/iu;

/** "Require ldap-filter": two or three words that begin a line of the page's code, and no name in capitals. */
const isCodeLine = (leaf: string, { code: inCode, text }: Subject): boolean =>
  /^[\w.<-]+(?: [\w.:=<>-]+){1,2}$/.test(leaf) && /\p{Ll}/u.test(leaf) && !text.includes(leaf.toLowerCase()) && beginsLine(leaf, inCode);

const beginsLine = (words: string, inCode: string): boolean => {
  const at = inCode.startsWith(words) ? 0 : inCode.indexOf(`\n${words}`) + 1;
  return (at > 0 || inCode.startsWith(words)) && /^(?:\s|$)/.test(inCode.slice(at + words.length, at + words.length + 1));
};

/** "the lid of a box", "lids for large round boxes", and not "fast and light", "issues and limitations". */
const DETERMINED_OR_LONG = /^(?:an?|the|how|why|what|when|where) \S+ \S| (?:by|for|from|in|of|on|to|with) /i;
const SORT_ALONE = /^(?:an?|the) \S+$/i;

/** A word alone in a sentence; null for one that is neither a name nor can stand without an article. */
const nameOf = (word: string, leaf: string, { code: inCode, lexicon, text }: Subject, own: string, title: boolean): string | null => {
  if (/^\S+\(\)$|^\w+(?:::\w+)+$/.test(word) || (title && /^\p{Ll}[\w.]*$/u.test(leaf))) return code(word);
  if (/^\p{Lu}|^`/u.test(word)) return word;
  const isCode = (name: string): boolean => `\n${inCode}\n`.includes(`\n${name}\n`);
  if (/^\p{Ll}\S*[-_.\d]\S*$/u.test(leaf) || isCode(word)) return code(word);
  if (isCode(leaf)) return code(leaf);
  if (!title && infinitive(word, lexicon) !== null) return lexicon.isMass(word) === true || isNounOfPage(word, text) ? word : null;
  if (title || isMass(word)) return word;
  if (new RegExp(`\\b[Tt]he ${word}(?=[.,;:)]| (?:is|are|was|will|can|may|must|has|of|in|for|to|and|or|that|which)\\b)`, 'u').test(own))
    return `the ${word}`;
  return isMass(word, lexicon) ? word : null;
};

/** "Extract Metadata About A Column": of three words and more, the first of which is a verb. */
const isDeed = (title: string): boolean => {
  const [first = '', ...rest] = title.split(' ');
  return (
    rest.length > 1 &&
    rest[0]!.toLowerCase() !== 'of' &&
    !/(?:ing|[ts]ion)$/.test(rest[0]!) &&
    infinitive(`${first.replace(/e$/, '')}ing`) !== null
  );
};

/**
 * @param heading the heading or title, without its number
 * @param own the text that it heads
 * @param owner what the headings around it are about, where it is not the page's own subject
 * @param title it is the page's own title, not a heading on it
 */
export const phraseQuestions = (heading: string, subject: Subject, own: string, owner: string | null, title = false): string[] => {
  const short = bareOfNotes(heading);
  // One pair of parentheses is the place's: "frame compression (FBC)" of a page that only its title names.
  const leaf = title || subject.tool !== null || subject.file !== null ? short : short.replace(/(?<=\S) \([^()]*\)$/, '');
  const sort = namedSort(leaf, subject);
  if (sort !== null)
    return [`What should I know about ${sort}`, `Can you explain ${sort}`, ...(DOES.test(sort) ? [`What does ${sort} do`] : [])].map(
      (question) => `${question}${title ? inContext(sort, subject) : inPage(sort, subject)}?`,
    );
  if (UNSAID.test(leaf) || VAGUE.test(leaf) || (!title && / - /.test(leaf)) || isForeign(leaf)) return [];
  const numbered = /^(?:(appendix|annex|part|chapter) \w+|(?:\p{L}+ ){1,3}#?\d+): (.+)$/iu.exec(leaf);
  // "Step 1: install it" is what to do; "Test 9: an index" is a test of what it does not say.
  if (numbered !== null && (numbered[1] !== undefined || isInstruction(numbered[2]!) || infinitive(numbered[2]!.split(' ')[0]!) !== null))
    return phraseQuestions(numbered[2]!, subject, own, owner, title);
  if (numbered !== null && !/^\p{Lu}+ /u.test(leaf)) return [];
  // "Case study: moving a box" is about moving one, "Text boxes: an overview" about text boxes.
  const [, wide = '', narrow = ''] = /^([\p{L}-]+(?: [\p{L}-]+)+): ([^,:]+)$/u.exec(leaf) ?? [];
  if (wide !== '') {
    const about = withoutSort(narrow);
    const isWhole = DETERMINED_OR_LONG.test(narrow) || infinitive(narrow.split(' ')[0]!) !== null || isInstruction(narrow);
    return phraseQuestions(about === narrow && isWhole && !SORT_ALONE.test(narrow) ? narrow : wide, subject, own, owner, title);
  }
  const said = spellTool(inSentence(leaf, subject.text, subject.lexicon).replace(/\s*\[\d+\]/g, ''), subject.tool)
    .replace(/^[Oo]n (?=\S)/, '')
    .replace(/^Event: /, 'event: ');
  // "CAN drivers" ask for nothing.
  const isShort = /^\p{Lu}{2}/u.test(leaf);
  if (
    (isAsking(leaf) && !/^how to /i.test(leaf)) ||
    (/^(?!do(?:es)? not )(?:(?:what|why|when|where|which|who|how) (?:do|does|did|can|should|is|are|was|will|would|has|have|must)|can|is|are|does|do|should) /i.test(
      leaf,
    ) &&
      !isShort)
  ) {
    const question = asQuestion(said, subject);
    if (question === null) return [];
    return [/\bwhy$/.test(question) ? `${question}?` : ending(question, subject)];
  }
  if ((!title && isLoudWord(said, subject)) || hasHalfName(said, leaf, subject)) return [];
  if (!DESCRIBED.test(said.split(' ')[1] ?? '') && isDoubtfulDeed(said, subject)) return [];
  // A sentence as a heading: said by somebody who asks why.
  if (/^(?:I|my|we) /i.test(leaf) && leaf.split(' ').length > 3) return [`${leaf[0]!.toUpperCase()}${leaf.slice(1)}. Why?`];
  const how = deed(leaf, said, subject, own)?.replace(/^How do I setup /, 'How do I set up ') ?? null;
  // What seems to tell what to do and is no deed of this page may be a thing or not: "Bind mounts".
  const [verb = '', object = '', third] = said.split(' ');
  const isUnwritten = isVerb(verb) && isPlural(object) && third !== undefined && !subject.text.includes(`${verb} ${object}`);
  // "The reproduce issue": what the site only does is no thing.
  if (
    how === null &&
    (isOnlyDone(said, subject) || (infinitive(verb, subject.lexicon) !== null && isDescribed(said, subject.text) && !isPlural(object)))
  )
    return [];
  if (how === null && (isUnwritten || (isInstruction(leaf) && articleIn(said, subject.text) === null))) return [];
  // A page without a tool is named by its title, which the question is made of.
  if (how !== null) return [title && subject.tool === null ? how.replace(/ \([^()]*\)\?$/, '?') : how];
  const condition = /^if (.+)$/i.exec(said)?.[1];
  if (condition !== undefined) return [ending(`What should I do if ${asReader(condition)}`, subject)];
  if (/^(?:how|why|what|where) (?:it|they|this|that) | it\??$/i.test(said)) return [];
  if (/^what (?!to )/i.test(said) && !isWholeQuestion(`how ${said}`)) return [];
  if (/^(?:how|why|what|where) /i.test(said)) return [ending(`Can you explain ${asReader(said)}`, subject)];
  const more = /^more (?:on|about) (.+)$/i.exec(said)?.[1];
  if (more !== undefined) return [ending(`What else should I know about ${more}`, subject)];
  if (NO_PHRASE.test(leaf) && !/^\p{Lu}{2}/u.test(leaf)) return [];
  const shown = examples(/^\p{Lu}+: .* examples?$/u.test(said) ? withoutLabel(said) : said, subject, owner ?? noun(subject));
  if (shown.length > 0) return shown;
  const np = withoutLabel(said);
  const about = noun(subject);
  const few = np.split(' ').length <= 2;
  const where =
    owner !== null &&
    !/^`.*`$| (?:of|in|for|to|on|with|when|while|between) /.test(np) &&
    !plain(np).includes(plain(owner).replace(/^the (\S+) .*$/, '$1'))
      ? ` for ${owner}${inContext(`${np} ${owner}`, subject)}`
      : title || plain(np).toLowerCase().includes(plain(about).toLowerCase())
        ? inContext(np, subject)
        : subject.command !== null
          ? ` when using ${about}`
          : few
            ? inPage(np, subject)
            : inContext(np, subject);
  if (isSentence(np, said, subject) || (title && isDeed(leaf) && isDeedOf(said, subject.text, subject.lexicon) !== false)) return [];
  // "Export to CSV": what to do or a thing, nobody knows.
  if ((/^\p{L}+ to /u.test(said) && isVerb(said.split(' ')[0]!)) || FUNCTION_WORD.test(said.split(' ').at(-1)!)) return [];
  if (isCodeLine(leaf, subject)) return [`What should I know about ${code(leaf)}${where}?`, `Can you explain ${code(leaf)}${where}?`];
  if (!np.includes(' ') && np === said && (!isPlural(np) || (title && /^\p{Ll}/u.test(leaf)))) {
    const name = nameOf(np, leaf, subject, own, title);
    return name === null ? [] : [`What should I know about ${name}${where}?`, `Can you explain ${name}${where}?`];
  }
  const defined = definedWith(np, own);
  if (defined !== null) return [`What is ${defined} ${np}${where}?`];
  const whole = withArticle(np, own, subject.lexicon, subject.text);
  if (!isArticleBorneOut(np, whole, own, subject)) return [];
  const named = asReader(whole);
  if (named.split(' ').length > 6) return [`What should I know about ${named}${where}?`];
  const asked = [
    `What should I know about ${named}${where}?`,
    `Can you explain ${named}${where}?`,
    `Can you tell me about ${named}${where}?`,
  ];
  if (
    isPlural(headNoun(np)) &&
    !/^(?:an?|the|more|other|some|both|all|any) /i.test(named) &&
    !/^\p{L}+ing /u.test(np) &&
    /^[\p{L} -]+$/u.test(np) &&
    subject.command === null &&
    !where.startsWith(' for ') &&
    isDefined(np, own)
  )
    asked.push(`What are ${np}${where}?`);
  return asked;
};
