// What questions are made of: the name of the page's subject, the role of a heading, and wordings for options.
// The wording varies by hash, never at random.
import { plain } from './blocks';
import { withArticle } from './article';
import { inSentence, infinitive, isInstruction, isSort } from './grammar';
import { sha256 } from './hash';
import { bareHeading, spellTool, type Subject } from './subject';

export const choose = (seed: string, variants: readonly string[]): string =>
  variants[Number.parseInt(sha256(seed).slice(0, 8), 16) % variants.length]!;

export const code = (text: string): string => `\`${text.replaceAll('`', '')}\``;
const includes = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase());

/** Of subjects that are still in use: every question of a page asks for its noun. */
const nouns = new WeakMap<Subject, string>();

/** The page's subject as a noun: `npm ci`, package.json, npm workspaces, recovering data from a database. */
export const noun = (subject: Subject): string => {
  let known = nouns.get(subject);
  if (known === undefined) nouns.set(subject, (known = nounOf(subject)));
  return known;
};

const nounOf = (subject: Subject): string => {
  if (subject.command !== null) return code(subject.command);
  if (subject.file !== null) return subject.file;
  const { tool } = subject;
  const title = pageName(subject);
  if (title === '') return tool ?? 'this';
  if (/^\p{Ll}[\w.]*$/u.test(subject.title)) return tool === null ? code(subject.title) : `${code(subject.title)} in ${tool}`;
  const name = isPhrase(subject.title) || isGerund(title) ? withArticle(title, subject.text, subject.lexicon) : `"${subject.title}"`;
  return tool === null || includes(title, tool) ? name : `${name} in ${tool}`;
};

/** "configuring the library" */
export const isGerund = (phrase: string): boolean => /^\S+ing /.test(phrase) && infinitive(phrase.split(' ')[0]!) !== null;

const SORT_OF_TEXT =
  '(?:introduction|overview|guide|tutorial|how-?to|faq|primer|basics|discussion|design notes|documentation file|readme(?: file)?|release notes)';
/** What sort of text a page is, beside what it is about: "An Introduction to X", "X: An Overview", "X overview". */
const SAYS_SORT = new RegExp(
  `^(?:(?:an?|the) )?(?:[\\p{L}-]+ )?(?:${SORT_OF_TEXT}|documentation|notes) (?:to|of|for|on|about) (?:(?:the|using) )?(?=\\S)|^.* ${SORT_OF_TEXT}: (?=\\S+ \\S)|^what.?s new in (?=\\S)|:? (?:(?:an?|the) )?${SORT_OF_TEXT}$|^(?:the use of|about(?! th[ie]s)) (?=\\S)`,
  'iu',
);

const pageNames = new WeakMap<Subject, string>();

/** The page's title in a sentence, without what it says in parentheses and what sort of text it is. */
const pageName = (subject: Subject): string => {
  let known = pageNames.get(subject);
  if (known === undefined) pageNames.set(subject, (known = pageNameOf(subject)));
  return known;
};

const pageNameOf = ({ title, text, tool, lexicon }: Subject): string => {
  // "Modules: Packages" are packages.
  const short = title
    .replace(/\s+\([^()]*\)/g, '')
    .replace(/^\p{L}+s: (?=\S)/u, '')
    .trim();
  return spellTool(inSentence(withoutSort(short === '' ? title : short), text, lexicon), tool);
};

/** "An Introduction to X" as X. */
export const withoutSort = (title: string): string => {
  const about = title.replace(SAYS_SORT, '').replace(SAYS_SORT, '').trim();
  return about === '' ||
    /^(?:quick|short|brief) /i.test(about) ||
    /(?:quick|style|started|complete|short|brief|(?:us|develop|administrat|beginn)[eo]rs?['’]?s?)$/i.test(about)
    ? title
    : about;
};

/** Whether a title is a noun phrase: not "How to ...", "Configuring ...", "Extract a column". */
const isPhrase = (title: string): boolean => {
  const [first = '', ...rest] = title.split(' ');
  return (
    !/^(?:how|why|what|when|where|before|after) | (?:is|are|can|does|do) /i.test(title) &&
    !isInstruction(title) &&
    (rest.length === 0 || infinitive(first) === null)
  );
};

/** " in npm" for a question that does not name the subject yet. */
export const inContext = (question: string, subject: Subject): string => {
  const place =
    subject.file ?? subject.tool ?? withoutSort(subject.title.replace(/\s+\([^()]*\)/g, '').replace(/^what (?:is|are) (.+)\?$/i, '$1'));
  const whole = plain(question);
  const said = whole.includes(' (') ? whole.replace(/\s+\([^()]*\)/g, '') : whole;
  if (place === '' || includes(whole, place) || includes(said, place) || (subject.command !== null && includes(said, subject.command)))
    return '';
  return subject.file === null && subject.tool === null ? ` (${place})` : ` in ${place}`;
};

/** A question with its place and its mark. */
export const ending = (question: string, subject: Subject): string => `${question}${inContext(question, subject)}?`;

/** As inContext, with the page where a word means something else on another one: " in SQLite (database file format)". */
export const inPage = (question: string, subject: Subject): string => {
  const { tool, title, command, file } = subject;
  if (command !== null) return includes(plain(question), command) ? '' : ` in ${code(command)}`;
  const wide = inContext(question, subject);
  if (file !== null || tool === null || title === '' || !isPhrase(title) || includes(tool, title) || title.split(' ').length > 6)
    return wide;
  const page = pageName(subject);
  const said = plain(question);
  // A long name of code is the same on every page.
  if (includes(said, title) || includes(said, page) || (/^\S{12,}$/.test(said) && /[._]/.test(said))) return wide;
  // "Atomic Commit In SQLite" names its place; whether it has an article nobody knows.
  const aside = page.toLowerCase().endsWith(` in ${tool.toLowerCase()}`) ? page.slice(0, -tool.length - 4) : page;
  return aside === page && includes(page, tool) ? ` in ${withArticle(page, subject.text, subject.lexicon)}` : `${wide} (${aside})`;
};

const OVERVIEW = /^(?:description|overview|introduction|about|summary|abstract|what is it\??)$/;
const SYNOPSIS = /^(?:synopsis|usage|syntax)$/;
const LEADS_AWAY =
  /^(?:see also|references?|further (?:reading|information)|(?:for )?more information|related(?: \w+)*|links|external links|bibliography|table of contents|contents|index(?: [–-] .*)?|footnotes|copyright|license|licence|authors?|contact|topics|bugfix checklist|name|git|reporting bugs|acknowledge?ments?|credits|thanks|people|preface|foreword|colophon|dedication|support|documentation|copyrights?|.*\band copyright|patches, errors, questions|contributors?|maintainers?|feedback|closing|.*\blicen[cs]e agreement\b.*|.*-clause \w+ licen[cs]e\b.*)$/i;
const PARENT_OF_OPTIONS = /^(?:configuration|config(?:uration)? settings|options|flags|settings|parameters|arguments|config|.* options)$/i;

/** Of the newest section: each kind of pair asks for it. */
let newest: { path: readonly string[]; subject: Subject; role: HeadingRole } | null = null;

export type HeadingRole = 'navigation' | 'synopsis' | 'overview' | 'option' | 'field' | 'signature' | 'topic';

const isName = (text: string): boolean => /^(?:`[^`]+`|--?[a-z][\w-]*|[a-z][\w$]*(?:[A-Z.:_-][\w$]*)*)$/.test(text);
/** A heading that is the head of an entry of a reference: `fs.open(path)`, "Class: `http.Server`", `NODE_ENV`. */
const IS_SIGNATURE =
  /^(?:(?:static method|class method|method|function|class|interface|enum|struct|property|constant|macro): )?`(?:new )?[\w$@.#:[\]]+(?:\([^`]*\))?`$/i;
const IS_NAME_OF_CODE = /[._()[\]#]|[a-z][A-Z]|^`[A-Z][A-Z0-9]+`$|^\w[\w ]*: /;

/** What kind of heading a section stands under. */
export const headingRole = (path: readonly string[], subject: Subject): HeadingRole => {
  if (newest?.path !== path || newest.subject !== subject) newest = { path, subject, role: roleOf(path, subject) };
  return newest.role;
};

const roleOf = (path: readonly string[], subject: Subject): HeadingRole => {
  if (subject.kind === 'index') return 'navigation';
  const leaf = bareHeading(path.at(-1) ?? '');
  const parent = bareHeading(plain(path.at(-2) ?? ''));
  const lower = plain(leaf).toLowerCase();
  if (path.length > 1 && LEADS_AWAY.test(lower)) return 'navigation';
  if (SYNOPSIS.test(lower)) return 'synopsis';
  const isField = subject.file !== null && isName(leaf) && !leaf.includes(' ');
  if (path.length <= 1 || (OVERVIEW.test(lower) && !(isField && leaf === lower))) return 'overview';
  if (/^`?--?[a-z]/.test(leaf) || (isName(leaf) && path.length > 2 && PARENT_OF_OPTIONS.test(parent))) return 'option';
  if (isField) return 'field';
  if (subject.command === null && subject.kind === 'manual' && IS_SIGNATURE.test(leaf) && IS_NAME_OF_CODE.test(leaf)) return 'signature';
  return 'topic';
};

/** "the ProxyPass directive": a name with what it is called, for a heading that is both. */
export const namedSort = (heading: string, { code: inCode }: Subject): string | null => {
  const [, name = '', sort = ''] = /^(?:the )?(`[^`]+`|[\w.:<>/-]+) (\p{L}+)$/iu.exec(heading) ?? [];
  const isName = /[\p{Ll}\d]\p{Lu}|[_<.:`]/u.test(name) || `\n${inCode}\n`.includes(`\n${name}\n`);
  return isSort(sort) && isName ? `the ${name} ${sort.toLowerCase()}` : null;
};

/**
 * What a section's headings are about, where it is not the page's own subject: `npm stage list` of its synopsis, the
 * ProxyPass directive of its caveats.
 */
export const nearest = (path: readonly string[], subject: Subject): string => {
  for (let index = path.length - 2; index > 0; index--) {
    const heading = bareHeading(path[index]!);
    const named = /^(?:class: )?(`[^`]+`)$/i.exec(heading)?.[1] ?? namedSort(heading, subject);
    if (named !== null) return named.replace(/^(`[\w.$]+)\(.+\)`$/, '$1()`');
  }
  return noun(subject);
};

export const isAsking = (heading: string): boolean => /\?$/.test(bareHeading(heading).trim());

/** Of several spellings of a flag the longest that is no negation: what the text says of "--signoff" is not what "--no-signoff" does. */
export const longestFlag = (term: string, between = /,\s+|,(?=-)|\s+\|\s+|\s+\/\s+|(?<=^-\S(?: [^-\s]\S*)?)\s+(?=--[a-z])/): string =>
  term
    .split(between)
    .map((part) => part.trim())
    .sort((a, b) => isNegation(a) - isNegation(b) || b.length - a.length || (a < b ? -1 : 1))[0] ?? term;

const isNegation = (flag: string): number => Number(/^--no-/.test(flag));

/** Without what may be left out: "--[no-]verify" is asked for as "--verify", "--color[=<when>]" as "--color". */
const spoken = (option: string): string =>
  longestFlag(option.replaceAll('`', ''), /,\s+(?=-)/)
    .replace(/ (?:flag|option|argument|switch)$/, '')
    .replace(/\[no-\]/, '')
    .replace(/\[[^\]]*\]+(?:…|\.\.\.)?/g, '')
    .replace(/[= ]\S*\|\S*$/, '') // "--color=always|never|auto": the choices are the answer's
    .trim();

/**
 * Wordings for an option.
 * @param shared the option is one of several commands: the tool is named, not the command of this page
 */
export const optionQuestions = (name: string, path: readonly string[], subject: Subject, shared: boolean): string[] => {
  const near = nearest(path, subject);
  const owner = shared || near.startsWith('"') ? (subject.tool ?? noun(subject)) : near;
  const bare = spoken(name);
  if (/^-+$/.test(bare) || bare.split(' ').length > 4) return [];
  // Of a page that is itself about options.
  if (bare.startsWith('-') && /\boptions?\b/i.test(owner)) return [`What does the \`${bare}\` option do${inContext(bare, subject)}?`];
  // "-le" of a page that is no command's: a test, an operator.
  if (/^-\w/.test(bare) && subject.command === null && !owner.startsWith('`') && owner !== subject.tool)
    return [`What does \`${bare}\` mean in ${owner}?`];
  if (bare.startsWith('-'))
    return [
      `What does the \`${bare}\` option of ${owner} do?`,
      `What is the \`${bare}\` option of ${owner} for?`,
      `When would I use \`${bare}\` with ${owner}?`,
    ];
  return [`What does the \`${bare}\` setting of ${owner} do?`, `What is the \`${bare}\` setting for in ${owner}?`];
};

/** Rows of a table of options of something that a heading names: "What does the `increment` option of ttk.Spinbox do?" */
export const settingQuestions = (term: string, column: string, path: readonly string[], subject: Subject): string[] | null => {
  const sort = /^(option|parameter|argument|setting|variable)s?$/.exec(column.toLowerCase())?.[1];
  const heading = path.slice(1).findLast((each) => !PARENT_OF_OPTIONS.test(plain(bareHeading(each))) && !/^examples?$/i.test(each));
  if (sort === undefined || heading === undefined || !/^[\w.-]+$/.test(term) || /^\d/.test(term)) return null;
  const owner = namedSort(bareHeading(heading), subject) ?? plain(bareHeading(heading));
  if (owner.split(' ').length > 3 || infinitive(owner.split(' ')[0]!) !== null) return null;
  const where = inContext(owner, subject);
  return [`What does the \`${term}\` ${sort} of ${owner} do${where}?`, `What is the \`${term}\` ${sort} of ${owner} for${where}?`];
};
