// Questions about a section, from its heading and what its page is about. The wording varies by hash, never at random.
import { plain } from './blocks';
import { asReader, inSentence, infinitive, isVerbOnly, isInstruction, isPlural } from './grammar';
import { sha256 } from './hash';
import { bareHeading, type Subject } from './subject';

export const choose = (seed: string, variants: readonly string[]): string =>
  variants[Number.parseInt(sha256(seed).slice(0, 8), 16) % variants.length]!;

const code = (text: string): string => `\`${text.replaceAll('`', '')}\``;

/** The page's subject as a noun: `npm ci`, package.json, npm workspaces. */
export const noun = (subject: Subject): string => {
  if (subject.command !== null) return code(subject.command);
  if (subject.file !== null) return subject.file;
  const title = inSentence(subject.title, subject.text);
  const { tool } = subject;
  return tool === null || title.toLowerCase().includes(tool.toLowerCase()) ? title : `${tool} ${title}`;
};

/** " in npm" for a question that does not name the subject yet. */
export const inContext = (question: string, subject: Subject): string => {
  const place = subject.file ?? subject.tool ?? subject.title;
  const said = plain(question).toLowerCase();
  if (place === '' || said.includes(place.toLowerCase()) || (subject.command !== null && said.includes(subject.command.toLowerCase())))
    return '';
  return subject.file === null && subject.tool === null ? ` (${place})` : ` in ${place}`;
};

const ending = (question: string, subject: Subject): string => `${question}${inContext(question, subject)}?`;

/** Headings that stand on every manual page, as questions about X. */
const GENERIC: readonly [RegExp, (x: string) => string[]][] = [
  [
    /^(?:examples?|an example|usage examples?|example usage)$/,
    (x) => [`Can you show me an example of using ${x}?`, `How do I use ${x}? Please show an example.`],
  ],
  [
    /^(?:caveats?|limitations?|known issues|gotchas|pitfalls)$/,
    (x) => [`What are the caveats of ${x}?`, `What should I watch out for when using ${x}?`],
  ],
  [
    /^(?:notes?|remarks|details|more|more information|discussion|more details)$/,
    (x) => [`What else should I know about ${x}?`, `How does ${x} work in detail?`],
  ],
  [
    /^(?:options|flags|arguments|parameters|configuration|settings)$/,
    (x) => [`What options does ${x} take?`, `Which options can I use with ${x}?`],
  ],
  [/^(?:sub-?commands?|commands)$/, (x) => [`What subcommands does ${x} have?`]],
  [/^(?:exit (?:codes?|status(?:es)?)|return values?|return codes?)$/, (x) => [`What exit codes does ${x} return?`]],
  [/^(?:purpose|rationale|motivation|why)$/, (x) => [`What is the purpose of ${x}?`]],
  [/^(?:prerequisites?|requirements)$/, (x) => [`What are the prerequisites for ${x}?`]],
  [/^(?:permissions)$/, (x) => [`What permissions does ${x} need?`]],
  [/^(?:algorithm|how it works|implementation)$/, (x) => [`How does ${x} work internally?`, `What algorithm does ${x} use?`]],
  [/^(?:best practices)$/, (x) => [`What are the best practices for ${x}?`]],
  [
    /^(?:important|warnings?|caution|danger)$/,
    (x) => [`What should I be careful about with ${x}?`, `What is important to know about ${x}?`],
  ],
  [
    /^(?:tl;?dr|in short|summary|in a nutshell|recap|conclusion)$/,
    (x) => [`Can you summarise ${x} for me?`, `What is the short version of ${x}?`],
  ],
  [/^(?:bugs)$/, (x) => [`How do I report a bug in ${x}?`]],
  [/^(?:output)$/, (x) => [`What does ${x} print?`, `What is the output of ${x}?`]],
  [/^(?:files)$/, (x) => [`Which files does ${x} use?`]],
  [/^(?:environment(?: variables)?)$/, (x) => [`Which environment variables does ${x} use?`]],
  [/^(?:workspaces? (?:support|usage))$/, (x) => [`How do I use ${x} with workspaces?`, `Does ${x} support workspaces?`]],
];

const OVERVIEW = /^(?:description|overview|introduction|about|summary|abstract|name|what is it\??)$/;
const SYNOPSIS = /^(?:synopsis|usage|syntax)$/;
const LEADS_AWAY =
  /^(?:see also|references?|further reading|related(?: \w+)?|links|external links|bibliography|table of contents|contents|index|footnotes|copyright|license|licence|authors?|contact|topics|bugfix checklist)$/i;
const PARENT_OF_OPTIONS = /^(?:configuration|config(?:uration)? settings|options|flags|settings|config|.* options)$/i;

type HeadingRole = 'navigation' | 'synopsis' | 'overview' | 'option' | 'field' | 'topic';

const isName = (text: string): boolean => /^(?:`[^`]+`|--?[a-z][\w-]*|[a-z][\w$]*(?:[A-Z.:_-][\w$]*)*)$/.test(text);

/** What kind of heading a section stands under. */
export const headingRole = (path: readonly string[], subject: Subject): HeadingRole => {
  const leaf = bareHeading(path.at(-1) ?? '');
  const parent = bareHeading(plain(path.at(-2) ?? ''));
  const lower = plain(leaf).toLowerCase();
  if (LEADS_AWAY.test(lower)) return 'navigation';
  if (SYNOPSIS.test(lower)) return 'synopsis';
  if (path.length <= 1 || OVERVIEW.test(lower)) return 'overview';
  if (/^`?--?[a-z]/.test(leaf) || (isName(leaf) && path.length > 2 && PARENT_OF_OPTIONS.test(parent))) return 'option';
  if (subject.file !== null && isName(leaf) && !leaf.includes(' ')) return 'field';
  return 'topic';
};

/** The command or name that a section's headings are about, where it is not the page's own: `npm stage list` of its synopsis. */
const nearest = (path: readonly string[], subject: Subject): string => {
  for (let index = path.length - 2; index > 0; index--) {
    const heading = bareHeading(path[index]!);
    if (/^`[^`]+`$/.test(heading)) return heading;
  }
  return noun(subject);
};

const overview = (subject: Subject): string[] => {
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
  const x = noun(subject);
  return [`What should I know about ${x}?`, `Can you explain ${x}?`];
};

const synopsisQuestions = (path: readonly string[], subject: Subject): string[] => {
  const x = nearest(path, subject);
  if (!x.startsWith('`')) return [];
  return [`How is ${x} used on the command line?`, `What is the syntax of ${x}?`, `How do I run ${x}?`];
};

/** "is" or "are" by the last word before a preposition. */
const be = (np: string): string =>
  isPlural(
    np
      .split(/ (?:of|in|for|from|to|with|on|by|and|&|as) /)[0]!
      .split(' ')
      .at(-1) ?? '',
  ) || / (?:and|&) /.test(np)
    ? 'are'
    : 'is';

/** A tool keeps its capital in running text: "python scopes" are Python's. */
const spellTool = (text: string, { tool }: Subject): string =>
  tool !== null && /^\p{Lu}\p{L}+$/u.test(tool) ? text.replace(new RegExp(`\\b${tool}\\b`, 'gi'), tool) : text;

/** Nouns that a gerund describes: "looping techniques" are no deed. */
const DESCRIBED =
  /^(?:techniques?|tips|rules?|guidelines?|options?|examples?|basics|methods?|strategies|mechanisms?|issues|problems|conventions?|styles?|behaviou?r|order|tools?|information)$/i;

const topic = (path: readonly string[], subject: Subject): string[] => {
  const leaf = bareHeading(path.at(-1) ?? '');
  const lower = plain(leaf).toLowerCase();
  const x = nearest(path, subject);
  const generic = GENERIC.find(([pattern]) => pattern.test(lower));
  if (generic !== undefined) return generic[1](x);
  const said = spellTool(inSentence(leaf, subject.text).replace(/\s*\[\d+\]/g, ''), subject);
  const parent = path.length > 2 ? bareHeading(path.at(-2)!) : '';
  const command = /^`([a-z][\w-]*(?: [a-z][\w-]*)+)`$/.exec(leaf)?.[1];
  if (command !== undefined) {
    const own = subject.command !== null && command.startsWith(subject.command);
    if (own || parent === '') return [`What does \`${command}\` do?`, `How do I use \`${command}\`?`];
    const aspect = inSentence(parent, subject.text);
    return [`What ${be(aspect)} the ${aspect.replace(/^the /i, '')} for \`${command}\`?`];
  }
  if (/\?$/.test(leaf) || /^(?:what|why|when|where|which|who|how (?:do|does|can|should|is|are)|can|is|are|does|do|should) /i.test(leaf)) {
    const question = asQuestion(leaf);
    if (question !== null) return [question + (inContext(question, subject) === '' ? '?' : `${inContext(question, subject)}?`)];
  }
  const how = /^how to (.+)$/i.exec(said);
  if (how !== null) return [ending(`How do I ${asReader(how[1]!)}`, subject)];
  if (/^(?:how|why|when|what|where) /i.test(said)) return [ending(`Can you explain ${asReader(said)}`, subject)];
  const [first = '', ...rest] = said.split(' ');
  const verb = infinitive(first);
  if (verb !== null && rest.length > 0 && !(rest.length === 1 && DESCRIBED.test(rest[0]!)))
    return [ending(`How do I ${verb} ${asReader(rest.join(' '))}`, subject)];
  if (isInstruction(leaf)) return [ending(`How do I ${asReader(said)}`, subject)];
  if (/^sub-?commands?$/i.test(plain(parent)) && subject.command !== null && /^[a-z][\w-]*$/.test(lower))
    return [`What does \`${subject.command} ${lower}\` do?`, `How do I use \`${subject.command} ${lower}\`?`];
  const about = noun(subject);
  const place = subject.command !== null ? ` in ${about}` : inContext('', subject);
  if (/^`[^`]+`$/.test(leaf)) return [`What does ${leaf} mean${place}?`, `What is ${leaf}${place}?`];
  const sample = /^(?:an )?example (.+)$/i.exec(said)?.[1];
  if (sample !== undefined) return [ending(`Can you show me an example ${sample}`, subject)];
  const more = /^more (?:on|about) (.+)$/i.exec(said)?.[1];
  if (more !== undefined) return [ending(`What else should I know about ${more}`, subject)];
  if (/ examples$/i.test(said)) return [ending(`Can you show me some ${said}`, subject)];
  if (/ example$/i.test(said)) return [ending(`Can you show me the ${said}`, subject)];
  const note = /^(?:an? )?(?:note|word) (?:about|on) (.+)$/i.exec(said)?.[1];
  const np = note ?? said;
  const where = plain(np).toLowerCase().includes(plain(about).toLowerCase())
    ? ''
    : subject.command !== null
      ? ` when using ${about}`
      : inContext(np, subject);
  const bare = plain(leaf);
  // Not a noun phrase, so it is quoted as it stands: "Brag about it".
  if (isVerbOnly(first) || /\b(?:is|are|it|you|can|create|do|does|control|have|has|will)\b/i.test(bare))
    return [`Can you explain "${bare}"${where}?`, `What is meant by "${bare}"${where}?`];
  if (!np.includes(' ') && np === said && !isPlural(np))
    return [`What does "${plain(np)}" mean${place}?`, `Can you explain "${plain(np)}"${place}?`];
  if (np.split(' ').length > 6) return [`What should I know about ${np}${where}?`];
  const asked = [`What should I know about ${np}${where}?`, `Can you explain ${np}${where}?`, `Can you tell me about ${np}${where}?`];
  if (isPlural(np.split(' ').at(-1)!) && !/^(?:an?|the|more|other|some) /i.test(np) && /^[\p{L} -]+$/u.test(np) && subject.command === null)
    asked.push(`What are ${np}${where}?`);
  return asked;
};

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

export const isAsking = (heading: string): boolean => /\?$/.test(bareHeading(heading).trim());

/** Wordings of the question that a section answers; empty for one that answers none. */
export const sectionQuestions = (path: readonly string[], subject: Subject): string[] => {
  switch (headingRole(path, subject)) {
    case 'navigation':
    case 'option':
      return [];
    case 'synopsis':
      return synopsisQuestions(path, subject);
    case 'overview':
      return overview(subject);
    case 'field': {
      const name = code(bareHeading(path.at(-1)!));
      return [
        `What is the ${name} field in ${subject.file} for?`,
        `What does the ${name} field in ${subject.file} do?`,
        `How do I use the ${name} field in ${subject.file}?`,
      ];
    }
    case 'topic':
      return topic(path, subject);
  }
};

/**
 * Wordings for an option.
 * @param shared the option is one of several commands: the tool is named, not the command of this page
 */
export const optionQuestions = (name: string, path: readonly string[], subject: Subject, shared: boolean): string[] => {
  const owner = shared ? (subject.tool ?? noun(subject)) : nearest(path, subject);
  const bare = name.replaceAll('`', '');
  if (bare.startsWith('-'))
    return [
      `What does the \`${bare}\` option of ${owner} do?`,
      `What is the \`${bare}\` option of ${owner} for?`,
      `When would I use \`${bare}\` with ${owner}?`,
    ];
  return [`What does the \`${bare}\` setting of ${owner} do?`, `What is the \`${bare}\` setting for in ${owner}?`];
};

export const definitionQuestions = (term: string, subject: Subject): string[] => {
  const { tool } = subject;
  if (tool !== null && term.startsWith(`${tool} `)) return term.split(' ').length > 2 ? [`What does \`${term}\` do?`] : [];
  const where = plain(term)
    .toLowerCase()
    .includes((tool ?? subject.title).toLowerCase())
    ? ''
    : ` in ${tool ?? subject.title}`;
  return [`What does "${term}" mean${where}?`, `What is meant by "${term}"${where}?`];
};

export const signatureQuestions = (signature: string, subject: Subject): string[] => {
  const where = inContext(signature, subject);
  return [`What does \`${signature}\` do${where}?`, `Can you explain \`${signature}\`${where}?`];
};
