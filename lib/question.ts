// What questions are made of: the name of the page's subject, the role of a heading, and wordings for options and
// terms. The wording varies by hash, never at random.
import { plain } from './blocks';
import { inSentence, infinitive, isInstruction, isPlural } from './grammar';
import { sha256 } from './hash';
import { bareHeading, spellTool, type Subject } from './subject';

export const choose = (seed: string, variants: readonly string[]): string =>
  variants[Number.parseInt(sha256(seed).slice(0, 8), 16) % variants.length]!;

const code = (text: string): string => `\`${text.replaceAll('`', '')}\``;
const includes = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase());

/** The page's subject as a noun: `npm ci`, package.json, npm workspaces. */
export const noun = (subject: Subject): string => {
  if (subject.command !== null) return code(subject.command);
  if (subject.file !== null) return subject.file;
  const { tool } = subject;
  const title = pageName(subject);
  if (title === '') return tool ?? 'this';
  const name = isPhrase(subject.title) ? title : `"${subject.title}"`;
  return tool === null || includes(title, tool) ? name : `${name} in ${tool}`;
};

/** The page's title in a sentence, without what it says in parentheses. */
const pageName = ({ title, text, tool }: Subject): string => {
  const short = title.replace(/\s*\([^()]*\)/g, '').trim();
  return spellTool(inSentence(short === '' ? title : short, text), tool);
};

/** Whether a title is a noun phrase: not "How to ...", "Configuring ...", "Extract a column". */
const isPhrase = (title: string): boolean => {
  const [first = '', ...rest] = title.split(' ');
  return (
    !/^(?:how|why|what|when|where|before|after) /i.test(title) && !isInstruction(title) && (rest.length === 0 || infinitive(first) === null)
  );
};

/** " in npm" for a question that does not name the subject yet. */
export const inContext = (question: string, subject: Subject): string => {
  const place = subject.file ?? subject.tool ?? subject.title.replace(/\s*\([^()]*\)/g, '');
  const said = plain(question);
  if (place === '' || includes(said, place) || (subject.command !== null && includes(said, subject.command))) return '';
  return subject.file === null && subject.tool === null ? ` (${place})` : ` in ${place}`;
};

/** As inContext, with the page where a word means something else on another one: " in SQLite (database file format)". */
export const inPage = (question: string, subject: Subject): string => {
  const { tool, title, command, file } = subject;
  if (command !== null) return includes(plain(question), command) ? '' : ` in ${code(command)}`;
  const wide = inContext(question, subject);
  if (file !== null || tool === null || title === '' || !isPhrase(title) || includes(tool, title) || title.split(' ').length > 6)
    return wide;
  const page = pageName(subject);
  if (includes(plain(question), title)) return wide;
  return includes(page, tool) ? ` in ${page}` : `${wide} (${page})`;
};

const OVERVIEW = /^(?:description|overview|introduction|about|summary|abstract|what is it\??)$/;
const SYNOPSIS = /^(?:synopsis|usage|syntax)$/;
const LEADS_AWAY =
  /^(?:see also|references?|further reading|related(?: \w+)?|links|external links|bibliography|table of contents|contents|index(?: [–-] .*)?|footnotes|copyright|license|licence|authors?|contact|topics|bugfix checklist|name|git|reporting bugs|acknowledge?ments?|credits|thanks|contributors?|maintainers?|feedback|closing|.*\blicen[cs]e agreement\b.*|.*-clause \w+ licen[cs]e\b.*)$/i;
const PARENT_OF_OPTIONS = /^(?:configuration|config(?:uration)? settings|options|flags|settings|parameters|arguments|config|.* options)$/i;

export type HeadingRole = 'navigation' | 'synopsis' | 'overview' | 'option' | 'field' | 'signature' | 'topic';

const isName = (text: string): boolean => /^(?:`[^`]+`|--?[a-z][\w-]*|[a-z][\w$]*(?:[A-Z.:_-][\w$]*)*)$/.test(text);
/** A heading that is the head of an entry of a reference: `fs.open(path)`, "Class: `http.Server`", `NODE_ENV`. */
const IS_SIGNATURE =
  /^(?:(?:static method|class method|method|function|class|interface|enum|struct|property|constant|macro): )?`(?:new )?[\w$@.#:[\]]+(?:\([^`]*\))?`$/i;
const IS_NAME_OF_CODE = /[._()[\]#]|[a-z][A-Z]|^`[A-Z][A-Z0-9]+`$|^\w[\w ]*: /;

/** What kind of heading a section stands under. */
export const headingRole = (path: readonly string[], subject: Subject): HeadingRole => {
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

/** The command or name that a section's headings are about, where it is not the page's own: `npm stage list` of its synopsis. */
export const nearest = (path: readonly string[], subject: Subject): string => {
  for (let index = path.length - 2; index > 0; index--) {
    const heading = bareHeading(path[index]!);
    const named = /^(?:class: )?(`[^`]+`)$/i.exec(heading)?.[1];
    if (named !== undefined) return named;
  }
  return noun(subject);
};

export const isAsking = (heading: string): boolean => /\?$/.test(bareHeading(heading).trim());

/** Without what may be left out: "--[no-]verify" is asked for as "--verify", "--color[=<when>]" as "--color". */
const spoken = (option: string): string =>
  option
    .replaceAll('`', '')
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
  const heading = path.slice(1).findLast((each) => !PARENT_OF_OPTIONS.test(plain(bareHeading(each))));
  if (sort === undefined || heading === undefined || !/^[\w.-]+$/.test(term) || /^\d/.test(term)) return null;
  const owner = plain(bareHeading(heading));
  if (owner.split(' ').length > 3 || infinitive(owner.split(' ')[0]!) !== null) return null;
  const where = inContext(owner, subject);
  return [`What does the \`${term}\` ${sort} of ${owner} do${where}?`, `What is the \`${term}\` ${sort} of ${owner} for${where}?`];
};

/** Numbers of requirements, addresses, pointers elsewhere and labels of notes: nobody asks what they mean. */
const NO_TERM =
  /^(?:https?:|www\.)|(?:\d.*){10}|^(?:PEP|RFC|Module|Section|Chapter) \S+(?: |$)|^\W*$|^[\d.]+$|^<[^>]*$|^(?:[QA]|on|off|yes|no|true|false|none|all|null|default|string|integer|notes?|warnings?|caution|tips?|important|examples?|discussion|description|usage|returns?|parameters?|arguments?|attributes?|author|authors|maintainer|status|mailing list|web-?page|to ?do|see also|supported chips|the following .*)$/i;
const LOOKS_LIKE_CODE = /[_$<>{}=%\\[\]]|\w\(|^["']|\w\.\w|\p{Ll}\p{Lu}|^[A-Z][A-Z0-9]{3,}$/u;
/** Constants and placeholders stand for something; other names are something. */
const STANDS_FOR = /^(?:[A-Z][A-Z0-9_]+|[<{[%$].*)$/;

export const definitionQuestions = (given: string, subject: Subject): string[] => {
  // Of several names for one thing the first is asked for.
  const term = given
    .replace(/\s*:$|, e\.g\. .*$/, '')
    .replace(/^([\w.-]+), [\w., -]+$/, (all, name: string) => (LOOKS_LIKE_CODE.test(all) ? name : all))
    .trim();
  const { tool, command } = subject;
  if (NO_TERM.test(term)) return [];
  const caller = tool === null ? null : `${tool.toLowerCase()} `;
  if (caller !== null && term.startsWith(caller)) return term.split(' ').length > 2 ? [`What does \`${term}\` do?`] : [];
  if (isAsking(term)) return [term];
  const where = inPage(term, subject);
  if (subject.title !== '' && term.startsWith(`${subject.title} `)) return [`What does ${code(term)} do?`];
  if (/^<[\w -]+>…?$/.test(term) && command !== null) return [`What is the \`${term}\` argument of \`${command}\`?`];
  if (LOOKS_LIKE_CODE.test(term) && term.length <= 60) {
    const shown = /^(["'])([^"']+)\1$/.exec(term)?.[2] ?? term;
    return [
      `What is ${code(shown)}${where}?`,
      STANDS_FOR.test(shown) ? `What does ${code(shown)} mean${where}?` : `Can you explain ${code(shown)}${where}?`,
    ];
  }
  const words = term.split(' ').length;
  if (isInstruction(term) && words > 2) return [`How do I ${term[0]!.toLowerCase()}${term.slice(1)}${where}?`];
  const bare = term.replaceAll('"', '');
  if (words > 2) return [`Can you explain "${bare}"${where}?`];
  const said = inSentence(term, subject.text);
  if (isPlural(said.split(' ').at(-1)!) && /^\p{Ll}/u.test(said)) return [`What are ${said}${where}?`];
  return [`What does "${bare}" mean${where}?`, `What is meant by "${bare}"${where}?`];
};
