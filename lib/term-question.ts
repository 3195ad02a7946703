// Questions about the terms that a page defines in a list: a word, a constant, a subcommand, a deed.
import {
  asReader,
  FUNCTION_WORD,
  gerundsToInfinitives,
  hasVerb,
  infinitive,
  inSentence,
  isInstruction,
  isPlural,
  isSort,
  isWholeQuestion,
} from './grammar';
import { code, inContext, inPage, isAsking } from './question';
import { bareHeading, spellTool, type Subject } from './subject';
import { isVerb } from './verbs';

/** Numbers of requirements, addresses, pointers elsewhere and labels of notes: nobody asks what they mean. */
const NO_TERM =
  /^(?:https?:|www\.)|(?:\d.*){10}|^[–—]|^[A-Z]{2} ?\d{5,}|^-\d| (?:howto|(?:reference )?manual|handbook|cookbook|tutorial)$|:-$|^[^(]*\d\)$|^(?:quick )?(?:quiz|memo|problem|answer)\b|^(?:PEP|RFC|Module|Package|Section|Chapter) \S+(?: |$)|^\W*$|^\[\w[\w-]*\] |^\[\w*\d+\]$|^[\d.]+$|^.$|^<[^>]*$|^(?:[QA]|on|off|yes|no|to|from|of|and|or|in|by|with|true|false|none|all|null|default|string|integer|notes?(?: \d+)?|warnings?|caution|tips?|important|examples?|discussion|description|usage|returns?|parameters?|arguments?|attributes?|author|authors|maintainer|status|mailing list|web-?page|to ?do|introduction|overview|summary|conclusion|background|reference|glossary|faq|tutorial|see also|change ?log|remarks?|solutions?|supported chips|the following .*)$/i;
const LOOKS_LIKE_CODE = /[_$<>{}=%\\[\]]|\w\(|^["']|\w\.\w|\p{Ll}\p{Lu}|^[A-Z][A-Z0-9]{3,}$|^[a-z][\w.-]*(?:\/[\w.*-]+)+$/u;
/** Words of a text, not a term: numbered, addressed to the reader, a sentence, a note of what was done, a mark of a bibliography. */
const IS_TEXT =
  /^\d+[.):] |^\d+ \(|^(?:an?|the) \S+ |^(?:we|I|it|this|these|they) |^(?:anything|everything|something) |[\p{L}\d`][.!]$|\byou(?:r|rs)?\b|^\S+ \S+ (?:.* )?\p{Ll}+ed$/iu;
/** What a page lists, one of them: "configuration option" of the page "Configuration Options for Lids". */
const sortOf = ({ title, text, lexicon }: Subject): string | null => {
  const listed = /^((?:[\p{L}-]+ ){0,3}[\p{L}-]+)s(?: (?:for|of|in) .*)?$/u.exec(title)?.[1];
  return listed !== undefined && LISTED.test(listed) ? inSentence(listed, text, lexicon) : null;
};
const LISTED = /(?<![\p{L}-])(?:code|constant|field|flag|macro|option|parameter|setting|value|variable)$/iu;

/** What begins or ends as no term does: "on a lid with", "the box is open". */
const isFragment = (term: string, { lexicon }: Subject): boolean => {
  const words = term.split(' ');
  return (
    words.length > 1 &&
    (FUNCTION_WORD.test(words[0]!) ||
      FUNCTION_WORD.test(words.at(-1)!) ||
      /^(?:the|an?)$|;$|n['’]t$/i.test(words.at(-1)!) ||
      / (?:is|are|was|were|can|will) /.test(term) ||
      hasVerb(term, lexicon))
  );
};

/** Few words, one of which may be its abbreviation: no number, no mark between parts, and nothing to be done. */
const isName = (term: string, { lexicon }: Subject): boolean => {
  const words = term.replace(/ \(\p{Lu}[\w-]*\)$/u, '').split(' ');
  const first = words[0]!.replace(/ly$/, '');
  return (
    words.length <= 4 && words.every((word) => /^\p{L}[\p{L}\d/.'’-]*$/u.test(word)) && !isVerb(first) && lexicon.isVerb(first) !== true
  );
};

/** Constants and placeholders stand for something; other names are something. */
const STANDS_FOR = /^(?:[A-Z][A-Z0-9_]+|[<{[%$].*)$/;

/** Wordings of the question that a term's meaning answers; empty for what nobody would ask the meaning of. */
export const definitionQuestions = (given: string, subject: Subject): string[] => {
  // Of several names for one thing the first is asked for.
  const term = given
    .replace(/\s*[:…]+$|, e\.g\. .*$/, '')
    .replace(/^\(([\p{L} -]+)\)$/u, '$1')
    .replace(/^(\p{L}[\p{L} -]+) \([a-z]+\d+\)$/u, '$1') // "timeline (int4)"
    .replace(/\s*\p{Extended_Pictographic}\uFE0F?/gu, '')
    .replace(/^([\w.-]+) - \S.*$/, '$1') // "bridge-nf-call - BOOLEAN"
    .replace(/^\d+: (?=\w+_)/, '')
    .replace(/^[“‘]([^”’]*)[”’]$/, '$1')
    .replace(/^["'](?=[^"']*$)/, '') // a quote that nothing closes
    .replace(/^(\p{L}[\p{L} -]+) \([a-z][a-z-]*\)$/u, '$1') // "Environment Variable (env-variable)"
    .replace(/^([\w-]+)(?:, [\w-]+)+$/, '$1')
    .replace(/^([A-Z][A-Z\d]*_\w+)(?: [A-Z][A-Z\d]*_\w+)+$/, '$1')
    .replace(/^([\w.-]+), [\w., -]+$/, (all, name: string) => (LOOKS_LIKE_CODE.test(all) ? name : all))
    .trim();
  const { tool, command } = subject;
  if (NO_TERM.test(term)) return [];
  const caller = tool === null ? null : `${tool.toLowerCase()} `;
  if (caller !== null && term.startsWith(caller))
    return term.split(' ').length > 2 && !/ (?:as|and|or|the|to|with|for|in) [a-z]+(?: |$)/.test(term) ? [`What does \`${term}\` do?`] : [];
  if (isAsking(term)) {
    const question = bareHeading(term);
    return isWholeQuestion(question) ? [`${question[0]!.toUpperCase()}${question.slice(1)}`] : [];
  }
  if (subject.title !== '' && term.startsWith(`${subject.title} `)) return [`What does ${code(term)} do?`];
  if (/^<[\w -]+>…?$/.test(term) && command !== null) return [`What is the \`${term}\` argument of \`${command}\`?`];
  const [name = '', sort = '', ...more] = term.split(' ');
  // "tree object" is a sort of method, and none of that name.
  const isNamed = /[-_.\d]|\p{Ll}\p{Lu}/u.test(name) || `\n${subject.code}\n`.includes(`\n${name}\n`) || !subject.lexicon.isWord(name);
  if (isSort(sort) && more.length === 0 && /^\p{Ll}/u.test(name) && isNamed)
    return [`What is the ${name} ${sort.toLowerCase()}${inPage(name, subject)}?`];
  const sub = subcommand(term, subject);
  if (sub !== null) return [`What does \`${sub}\` do?`, `How do I use \`${sub}\`?`];
  if (/[^:]: /.test(term) && !LOOKS_LIKE_CODE.test(term)) return [];
  const deed = deedOf(term, subject);
  if (deed !== null) return [`How do I ${deed}${inPage(term, subject).replace(/^ in `/, ' with `')}?`];
  const where = inPage(term, subject);
  if (/\p{L}[.!] \S/u.test(term)) return [];
  // A term of words that names code in one of them is no code: "When not to use mod_rewrite".
  const isCode =
    LOOKS_LIKE_CODE.test(term) &&
    (/[<>{}=%\\[\]*$]|^\S*\w\(/.test(term) || term.split(' ').filter((word) => /^[A-Za-z-]+$/.test(word)).length < 2);
  if (isCode) {
    // "frank (%u)": an example of a code, and which of them is defined nobody can tell.
    if (
      term.length > 60 ||
      /\(\*\w+\)\(|\) and \w| \S+: \d| (?:is|are|was) /.test(term) ||
      / .*[;*]$|^\w+ (?:\w+ )*\*+\w+(?:\(.*\))?$/.test(term) ||
      /^(?:\S+|(["']).*\1) \(/.test(term)
    )
      return [];
    const shown = /^(["'])([^"']+)\1$/.exec(term)?.[2] ?? term;
    const sort = STANDS_FOR.test(shown) ? sortOf(subject) : null;
    if (sort !== null)
      return [
        `What is the ${code(shown)} ${sort}${inContext(shown, subject)}?`,
        `What does the ${code(shown)} ${sort} mean${inContext(shown, subject)}?`,
      ];
    return [
      `What is ${code(shown)}${where}?`,
      STANDS_FOR.test(shown) ? `What does ${code(shown)} mean${where}?` : `Can you explain ${code(shown)}${where}?`,
    ];
  }
  if (/^(?:how|when|why|where) \S+ \S/i.test(term)) return [`Can you explain ${asReader(term[0]!.toLowerCase() + term.slice(1))}${where}?`];
  if (IS_TEXT.test(term) || isFragment(term, subject)) return [];
  const bare = term.replaceAll('"', '');
  if (bare.split(' ').length > 2 && (LOOKS_LIKE_CODE.test(term) || /, /.test(term))) return [];
  if (bare.split(' ').length > 2 && !isName(bare, subject)) return [];
  if (bare.split(' ').length > 2) return [`Can you explain "${bare}"${where}?`];
  const said = inSentence(term, subject.text, subject.lexicon);
  if (/^(?:additional|common|general|known|new|other|special|technical|various) /i.test(said)) return [];
  if (/ |^\p{Lu}/u.test(term) && isPlural(said.split(' ').at(-1)!) && !isVerb(said.split(' ')[0]!) && /^\p{Ll}[\p{L} -]*$/u.test(said))
    return [`What are ${said}${where}?`];
  return [`What does "${bare}" mean${where}?`, `What is meant by "${bare}"${where}?`];
};

/** "pop [--index] [<stash>]" of `git stash`, whose page writes `git stash pop`. */
const subcommand = (term: string, { command, code: inCode }: Subject): string | null => {
  const first = /^([a-z][\w-]*)(?: [[<(-].*)?$/.exec(term)?.[1];
  if (command === null || first === undefined) return null;
  const whole = `${command} ${first}`;
  return `\n${inCode}`.includes(`\n${whole}`) ? whole : null;
};

/** "Reset a single file", "Using it to export an entire tree" as what follows "How do I"; null for what is no deed. */
const deedOf = (term: string, { text, lexicon, tool }: Subject): string | null => {
  const [first = '', ...rest] = spellTool(inSentence(term.replace(/\.$/, ''), text, lexicon), tool).split(' ');
  if (rest.length < 2 || /\. /.test(term)) return null;
  const verb = infinitive(first);
  if (verb !== null && rest[0] !== 'of' && !LOOKS_LIKE_CODE.test(first)) return `${verb} ${asReader(gerundsToInfinitives(rest.join(' ')))}`;
  return isInstruction(term) ? asReader([first.toLowerCase(), ...rest].join(' ')) : null;
};
