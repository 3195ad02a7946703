// Questions about a section, from its heading and what its page is about.
import { plain } from './blocks';
import { articleIn, withArticle } from './article';
import { infinitive, inSentence, isPlural } from './grammar';
import { be, phraseQuestions } from './phrase-question';
import { code, headingRole, inContext, inPage, isAsking, isGerund, nearest, noun, withoutSort } from './question';
import { bareHeading, type Subject } from './subject';
import { isSentence } from './unasked';

/** A command, or what is called by one word: it does something. */
const isTool = (x: string): boolean => /^`|^\S+$/.test(x);

/** A name, or what is called by a word for what one uses; a deed is done, and anything else shown. */
const IS_USED =
  /^`|^(?:the )?\S*[\p{Lu}_.\d]|^\S+$|^\p{L}+ing |\b(?:class|command|directive|extension|function|macro|method|module|operator|option|package|statement|tool|utility)s?(?: |$)/u;

/** Headings that stand on every manual page, as questions about X. */
const GENERIC: readonly [RegExp, (x: string, said: string) => string[]][] = [
  [
    /^(?:examples?(?: \d+)?|an example|usage examples?|example usage)$/,
    (x) =>
      IS_USED.test(x)
        ? [`Can you show me an example of using ${x}?`, `How do I use ${x}? Please show an example.`]
        : [`Can you show me an example of ${x}?`],
  ],
  [
    /^(?:(?:caveats?|limitations?|limits|restrictions?|known issues|gotchas|pitfalls)(?: (?:and|&) \w+)?)$/,
    (x) => [`What are the caveats of ${x}?`, `What should I watch out for when using ${x}?`],
  ],
  [
    /^(?:notes?|remarks|details|more|discussion|more details)$/,
    (x) => [`What else should I know about ${x}?`, ...(isTool(x) ? [`How does ${x} work in detail?`] : [])],
  ],
  [
    /^(?:options|flags|arguments|parameters|configuration|settings)$/,
    (x) => (x.startsWith('`') ? [`What options does ${x} take?`, `Which options can I use with ${x}?`] : []),
  ],
  [/^(?:options|flags|settings)$/, (x) => (/["?]/.test(x) || isGerund(x) ? [] : [`Which options can I set for ${x}?`])],
  [
    /^(?:(?:main|key|special|supported) )?features(?: supported)?$/,
    (x) => (/["?]/.test(x) || isGerund(x) ? [] : [`What are the features of ${x}?`]),
  ],
  [/^(?:sub-?commands?|commands)$/, (x) => (isTool(x) ? [`What subcommands does ${x} have?`] : [])],
  [
    /^(?:exit (?:codes?|status(?:es)?)|return values?|return codes?)$/,
    (x) => (x.startsWith('`') ? [`What exit codes does ${x} return?`] : []),
  ],
  [/^(?:purpose|rationale|motivation|why)$/, (x) => [`What is the purpose of ${x}?`]],
  [/^(?:prerequisites?|requirements)$/, (x) => [`What are the prerequisites for ${x}?`]],
  [/^(?:background|history)$/, (x) => [`What is the background of ${x}?`]],
  [/^(?:security|security (?:considerations?|warnings?|notes?))$/, (x) => [`What are the security considerations for ${x}?`]],
  [
    /^(?:compatibility|portability|availability)(?: notes?)?$/,
    (x, said) => [`What should I know about the ${said.replace(/ notes?$/, '')} of ${x}?`],
  ],
  [/^(?:performance)$/, (x) => [`How does ${x} perform?`, `What should I know about the performance of ${x}?`]],
  [/^(?:trouble-?shooting)$/, (x) => [`How do I troubleshoot ${x}?`]],
  [/^(?:future (?:work|directions|plans|enhancements))$/, (x) => [`What future work is planned for ${x}?`]],
  [/^(?:permissions)$/, (x) => (isTool(x) ? [`What permissions does ${x} need?`] : [])],
  [/^(?:algorithm)$/, (x) => [`How does ${x} work internally?`, `What algorithm does ${x} use?`]],
  [/^(?:how it works|implementation)$/, (x) => [`How does ${x} work internally?`]],
  [/^(?:best practices)$/, (x) => [`What are the best practices for ${x}?`]],
  [
    /^(?:important|warnings?|caution|danger)$/,
    (x) => [`What should I be careful about with ${x}?`, `What is important to know about ${x}?`],
  ],
  [
    /^(?:tl;?dr|in short|(?:executive |tl;?dr )?summary|in a nutshell|recap|conclusions?)$/,
    (x) => [`Can you summarise ${x} for me?`, `What is the short version of ${x}?`],
  ],
  [/^(?:bugs|known bugs)$/, (x) => [`What are the known bugs of ${x}?`]],
  [/^(?:outputs?)$/, (x) => (isTool(x.replace(/ in \S+$/, '')) ? [`What does ${x} print?`, `What is the output of ${x}?`] : [])],
  [/^(?:files)$/, (x) => (!isTool(x) ? [] : [`Which files does ${x} use?`])],
  [/^(?:environment(?: variables)?)$/, (x) => (!isTool(x) ? [] : [`Which environment variables does ${x} use?`])],
  [/^(?:workspaces? (?:support|usage))$/, (x) => [`How do I use ${x} with workspaces?`, `Does ${x} support workspaces?`]],
];

/** Whether a text begins by saying what something is: "Lid is a ...". */
const saysWhat = (text: string, name: string): boolean => {
  const begin = text.slice(0, 100).replace(/^the /i, '');
  return begin.startsWith(name) && / (?:is|are) /.test(begin);
};

const overview = (subject: Subject, own: string): string[] => {
  if (subject.command !== null)
    return [
      `What does ${code(subject.command)} do?`,
      `What is ${code(subject.command)} for?`,
      `Can you explain what ${code(subject.command)} does?`,
    ];
  if (subject.file !== null)
    return [
      `What is ${subject.file}${subject.tool === null ? '' : ` in ${subject.tool}`}?`,
      `What is ${subject.file} for${subject.tool === null ? '' : ` in ${subject.tool}`}?`,
    ];
  if (subject.kind === 'changes') return [`What changed in ${noun(subject)}?`];
  // "Overview": of what, only a text that says what it is tells.
  if (subject.title === '')
    return subject.tool === null || !saysWhat(own, subject.tool)
      ? []
      : [`What should I know about ${subject.tool}?`, `Can you explain ${subject.tool}?`];
  // "Limitations": of what, the title does not say.
  if (GENERIC.some(([pattern]) => pattern.test(plain(subject.title).toLowerCase()))) return [];
  return phraseQuestions(withoutSort(subject.marked), subject, own, null, true);
};

const synopsisQuestions = (path: readonly string[], subject: Subject): string[] => {
  const x = nearest(path, subject);
  if (!x.startsWith('`')) return [];
  // A name that begins no line of the page's code is no command.
  if (x === noun(subject) && subject.command === null && !`\n${subject.code}`.includes(`\n${plain(x)}`)) return [`How do I use ${x}?`];
  return [`How is ${x} used on the command line?`, `What is the syntax of ${x}?`, `How do I run ${x}?`];
};

/** Wordings about X, which may be a deed: "an example of recovering data", and not "of using" it. */
const ofSubject = (wordings: (x: string, said: string) => string[], x: string, said: string): string[] =>
  isGerund(x)
    ? wordings(x, said)
        .filter((question) => !/^How do I use/.test(question))
        .map((question) => question.replace(' using ', ' '))
    : wordings(x, said);

const topic = (path: readonly string[], subject: Subject, own: string): string[] => {
  const leaf = bareHeading(path.at(-1) ?? '');
  const lower = plain(leaf).toLowerCase();
  const x = nearest(path, subject);
  if (subject.kind === 'changes') return changes(leaf, subject);
  const generic = GENERIC.filter(([pattern]) => pattern.test(lower));
  // A title that is a sentence has no noun to ask about.
  if (generic.length > 0 && x.startsWith('"')) return [];
  const about = x === noun(subject) ? x : `${x}${inContext(x, subject)}`;
  const asked = generic.map(([, wordings]) => ofSubject(wordings, about, lower)).find((wordings) => wordings.length > 0);
  if (asked !== undefined) return asked;
  const parent = path.length > 2 ? bareHeading(path.at(-2)!) : '';
  const command = /^`([a-z][\w-]*(?: [a-z][\w-]*)+)`$/.exec(leaf)?.[1];
  if (command !== undefined) {
    const mine = subject.command !== null && command.startsWith(subject.command);
    if (mine || parent === '') return [`What does \`${command}\` do?`, `How do I use \`${command}\`?`];
    const aspect = inSentence(parent, subject.text, subject.lexicon);
    if (isGerund(aspect)) return [`What does \`${command}\` do?`, `How do I use \`${command}\`?`];
    return [`What ${be(aspect)} the ${aspect.replace(/^the /i, '')} for \`${command}\`?`];
  }
  const event = /^event: (.+)$/i.exec(leaf)?.[1];
  if (event !== undefined) {
    const owner = x === noun(subject) ? inPage(event, subject) : ` of ${x}`;
    return [`What is the ${event} event${owner}?`, `When is the ${event} event${owner} emitted?`];
  }
  if (/^sub-?commands?$/i.test(plain(parent)) && subject.command !== null && /^[a-z][\w-]*$/.test(lower))
    return [`What does \`${subject.command} ${lower}\` do?`, `How do I use \`${subject.command} ${lower}\`?`];
  // "(3594) SQLITE_IOERR_CHECKRESERVEDLOCK": a constant with its number; "F|forbidden": a flag with its long name.
  const constant = /^(?:\(\d+\) )?([A-Z][A-Z0-9]*_[A-Z0-9_]+|\w+(?:\|\w+)+)$/.exec(leaf)?.[1];
  const name = constant ?? /^`([^`]+)`$/.exec(leaf)?.[1];
  if (name !== undefined) {
    const where = inPage(name, subject);
    return [
      `What is ${code(name)}${where}?`,
      constant === undefined ? `Can you explain ${code(name)}${where}?` : `What does ${code(name)} mean${where}?`,
    ];
  }
  const alone = SINGLE_DEED.exec(lower)?.[1];
  if (alone !== undefined) return [`How do I ${infinitive(alone) ?? alone} ${x}?`];
  return phraseQuestions(leaf, subject, own, x === noun(subject) ? null : x);
};

/** A heading of this one word is about doing it to what the page is about. */
const SINGLE_DEED =
  /^(build(?:ing)?|compil(?:e|ing)|configur(?:e|ing)|install(?:ing)?|debug(?:ging)?|test(?:ing)?|upgrad(?:e|ing)|us(?:e|ing)|enabl(?:e|ing)|disabl(?:e|ing))$/;

/** What a page of changes says under a heading: a release, or a part of one. */
const changes = (leaf: string, subject: Subject): string[] => {
  if (isAsking(leaf) || / [–—] |^(?:other|misc\w*|summary)\b/i.test(leaf)) return [];
  const bare = inSentence(leaf.replace(/ in v?\d+(?:\.\d+)+$/, ''), subject.text, subject.lexicon);
  // What a release does is told, not asked for: "Lids are open by default".
  if (
    isSentence(bare, bare, subject) ||
    /^\S+ \S.*\b\p{Ll}{3,}ed$|^\S+ (?:added|changed|deprecated|dropped|moved|removed|renamed) |^(?:added|changed|deprecated|dropped|removed|renamed) /u.test(
      bare,
    )
  )
    return [];
  const isOne = /^\p{Ll}+$/u.test(bare) && !isPlural(bare) && articleIn(bare, subject.text) === 'the';
  const said = isOne ? `the ${bare}` : withArticle(bare, subject.text, subject.lexicon);
  if (bare === 'changes' && /\d/.test(subject.title))
    return [`What changed in ${inSentence(subject.title, subject.text, subject.lexicon)}${inContext(subject.title, subject)}?`];
  // "2008-03-17 - Version 3.5.7", "2001-09-20 (2.0-alpha-2)" and "3.5.7"
  const release =
    /^\S*\d{4}\S*[ :–—-]+\(?(?:[\p{L} ]*\b(?:version|release) )?v?(\d+(?:\.\d+)+(?:-[\w-]+)?)\)?/iu.exec(leaf)?.[1] ??
    /^(?:release |version |v)?(\d+(?:\.\d+)+)$/i.exec(leaf)?.[1];
  if (release !== undefined && subject.tool !== null)
    return [
      `What changed in ${subject.tool} release ${release}?`,
      `What is new in ${subject.tool} release ${release}?`,
      `What changed in release ${release} of ${subject.tool}?`,
    ];
  // News of a day: of what, the date does not say.
  if (release === undefined && /^\d{4}-/.test(leaf)) return [];
  if (/^(?:\w+ )?(?:release |version |v)?\d+\.\d|^\d{4}-\d\d-\d\d/i.test(leaf))
    return [`What changed in ${said}${inContext(said, subject)}?`];
  const page =
    /^what.?s new in (.+)$/i.exec(subject.title)?.[1] ?? /^(.+ \d\S*) (?:release notes|change ?log)$/i.exec(subject.title)?.[1] ?? null;
  const place = page === null ? ` (${subject.title})` : said.includes(page) || / in \S+ v?\d+(?:\.\d+)+$/.test(said) ? '' : ` in ${page}`;
  if (/^`?[a-z][\w.]*`?$/.test(leaf)) return [`What is new in ${code(leaf)}${place}?`, `What changed in ${code(leaf)}${place}?`];
  if (/^(?:deprecated|removed|added|changed|fixed)$/i.test(said)) return [`What is ${said.toLowerCase()}${place}?`];
  if (/^(?:bug ?fix(?:es)?|bugs fixed|fixed bugs)$/i.test(said))
    return [`Which bugs were fixed${page === null ? ` (${subject.title})` : ` in ${page}`}?`];
  if (/^(?:deprecat|remov|pending|port|build)|\b(?:new|changes?|improved|deprecated|removed)\b|^\S+ing /i.test(said))
    return [`Can you explain ${said}${place}?`];
  return [`What changed with regard to ${said}${place}?`, `Can you explain ${said}${place}?`];
};

/**
 * Wordings of the question that a section answers; empty for one that answers none.
 * @param own the section's text
 */
export const sectionQuestions = (path: readonly string[], subject: Subject, own: string): string[] => {
  switch (headingRole(path, subject)) {
    case 'navigation':
    case 'option':
    case 'signature':
      return [];
    case 'synopsis':
      return synopsisQuestions(path, subject);
    case 'overview':
      return overview(subject, own);
    case 'field': {
      const name = code(bareHeading(path.at(-1)!));
      return [
        `What is the ${name} field in ${subject.file} for?`,
        `What does the ${name} field in ${subject.file} do?`,
        `How do I use the ${name} field in ${subject.file}?`,
      ];
    }
    case 'topic':
      return topic(path, subject, own);
  }
};
