// A phrase of a heading or a title as the reader's question: a deed, a question, a noun phrase, or words to be quoted.
import { plain } from './blocks';
import { asReader, gerundsToInfinitives, infinitive, inSentence, isInstruction, isPlural, isVerbOnly, withArticle } from './grammar';
import { inContext, inPage, isAsking, noun } from './question';
import { bareHeading, spellTool, type Subject } from './subject';

const ending = (question: string, subject: Subject): string => `${question}${inContext(question, subject)}?`;

/** The noun that a noun phrase is about: the last word before a preposition. */
const headNoun = (np: string): string =>
  np
    .split(/ (?:of|in|for|from|to|with|on|by|and|&|as|between|among|at|using|within|under|about) /)[0]!
    .split(' ')
    .at(-1) ?? '';

export const be = (np: string): string => (isPlural(headNoun(np)) || / (?:and|&) /.test(np) ? 'are' : 'is');

/** Nouns that a gerund describes: "looping techniques" are no deed. */
const DESCRIBED =
  /^(?:techniques?|tips|rules?|guidelines?|options?|examples?|basics|methods?|strategies|mechanisms?|issues|problems|conventions?|styles?|behaviou?r|order|tools?|information|functions?|support|interface|system|considerations)$/i;

/** A heading that asks, as the reader would: null when it asks nothing a page answers. */
const asQuestion = (heading: string): string | null => {
  const text = asReader(
    bareHeading(heading)
      .replace(/\s*\?+$/, '')
      .trim(),
  );
  if (text.split(/\s+/).length < 3) return null;
  return text[0]!.toUpperCase() + text.slice(1);
};

/** "Removing old packages", "Create a user", "How to log in" as "How do I ...?"; null for what is no deed. */
const deed = (leaf: string, said: string, subject: Subject): string | null => {
  const how = /^how to (.+)$/i.exec(said);
  if (how !== null) return ending(`How do I ${asReader(how[1]!)}`, subject);
  const [first = '', ...rest] = said.replace(/^(\S+ing [^:]+): .*$/, '$1').split(' ');
  const verb = /\b(?:doesn|don|isn|won|can)['’]t\b|\bfails?\b/.test(said) ? null : infinitive(first);
  if (verb !== null && rest.length > 0 && rest[0] !== 'of' && !(rest.length === 1 && DESCRIBED.test(rest[0]!)))
    return ending(`How do I ${verb} ${asReader(gerundsToInfinitives(rest.join(' ')))}`, subject);
  return isInstruction(leaf) ? ending(`How do I ${asReader(said)}`, subject) : null;
};

/** Questions about the examples that a phrase announces. */
const examples = (said: string, subject: Subject): string[] => {
  const of = /^examples? (?:\d+ ?)?(?:of )?(.+)$/i.exec(said.replace(/^an /, ''))?.[1];
  if (/^example:/i.test(said)) return [ending(`Can you show me the example "${said.replace(/^example:\s*/i, '')}"`, subject)];
  if (of !== undefined && /^\p{L}/u.test(of)) {
    const many = /^examples /i.test(said);
    const join = /^examples? of /i.test(said.replace(/^an /, '')) ? ' of' : '';
    return [ending(`Can you show me ${many ? 'examples' : isPlural(of) && join === '' ? 'example' : 'an example'}${join} ${of}`, subject)];
  }
  if (/ examples$/i.test(said)) return [ending(`Can you show me some ${said}`, subject)];
  if (/ example$/i.test(said)) return [ending(`Can you show me the ${said.replace(/^the /i, '')}`, subject)];
  return [];
};

/** "DEP0005: `Buffer()` constructor" to "DEP0005 (`Buffer()` constructor)"; a note is what it is about. */
const withoutLabel = (said: string): string =>
  said
    .replace(/^(?:an? )?(?:(?:note|word) (?:about|on)|note:|warning:|caution:|tip:|about) /i, '')
    .replace(/^([\p{L}\d_-]+(?: \d+)?): (.+)$/u, '$1 ($2)');

/** Not a noun phrase, so it is quoted as it stands: "Brag about it". */
const isQuoted = (np: string, said: string): boolean =>
  isVerbOnly(np.split(' ')[0]!) ||
  /^(?:for|with|from|in|at|by|if|when|while|as|to|no|not|never|before|after|without|during|only) /i.test(np) ||
  /\b(?:is|are|it|you|we|can|create|do|does|doesn['’]t|don['’]t|control|have|has|will|fails?)\b/.test(said);

/** "Extract Metadata About A Column": of three words and more, the first of which is a verb. */
const isDeed = (title: string): boolean => {
  const [first = '', ...rest] = title.split(' ');
  return rest.length > 1 && infinitive(`${first.replace(/e$/, '')}ing`) !== null;
};

/**
 * @param leaf the heading or title, without its number
 * @param own the text that it heads
 * @param title it is the page's own title, not a heading on it
 */
export const phraseQuestions = (leaf: string, subject: Subject, own: string, title = false): string[] => {
  const said = spellTool(inSentence(leaf, subject.text).replace(/\s*\[\d+\]/g, ''), subject.tool)
    .replace(/^on (?=\S+ )/i, '')
    .replace(/^Event: /, 'event: ');
  if (
    isAsking(leaf) ||
    /^(?:(?:what|why|when|where|which|who|how) (?:do|does|did|can|should|is|are|was|will|would|has|have|must)|can|is|are|does|do|should) /i.test(
      leaf,
    )
  ) {
    const question = asQuestion(said);
    if (question !== null) return [ending(question, subject)];
  }
  // A sentence as a heading: said by somebody who asks why.
  if (/^(?:I|my|we) /i.test(leaf) && leaf.split(' ').length > 3) return [`${leaf[0]!.toUpperCase()}${leaf.slice(1)}. Why?`];
  const how = deed(leaf, said, subject);
  // A page without a tool is named by its title, which the question is made of.
  if (how !== null) return [title && subject.tool === null ? how.replace(/ \([^()]*\)\?$/, '?') : how];
  if (/^(?:how|why|when|what|where) /i.test(said)) return [ending(`Can you explain ${asReader(said)}`, subject)];
  const more = /^more (?:on|about) (.+)$/i.exec(said)?.[1];
  if (more !== undefined) return [ending(`What else should I know about ${more}`, subject)];
  const shown = examples(said, subject);
  if (shown.length > 0) return shown;
  const np = withoutLabel(said);
  const about = noun(subject);
  const few = np.split(' ').length <= 2;
  const where =
    title || plain(np).toLowerCase().includes(plain(about).toLowerCase())
      ? inContext(np, subject)
      : subject.command !== null
        ? ` when using ${about}`
        : few
          ? inPage(np, subject)
          : inContext(np, subject);
  const bare = plain(/\p{Ll}/u.test(leaf) ? leaf : said).replaceAll('"', '');
  if (isQuoted(np, said) || (title && isDeed(leaf))) return [`Can you explain "${bare}"${where}?`, `What is meant by "${bare}"${where}?`];
  if (!np.includes(' ') && np === said && !isPlural(np)) {
    const name = /^\p{Lu}/u.test(np) || title ? np : `"${plain(np)}"`;
    return [`What should I know about ${name}${where}?`, `Can you explain ${name}${where}?`];
  }
  const named = withArticle(np, own);
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
    subject.command === null
  )
    asked.push(`What are ${np}${where}?`);
  return asked;
};
