// Questions about a section, from its heading and what its page is about.
import { plain } from './blocks';
import { asReader, gerundsToInfinitives, infinitive, inSentence, isInstruction, isPlural, isVerbOnly } from './grammar';
import { headingRole, inContext, inPage, isAsking, nearest, noun } from './question';
import { bareHeading, type Subject } from './subject';

const code = (text: string): string => `\`${text.replaceAll('`', '')}\``;
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
  [/^(?:bugs|known bugs)$/, (x) => [`What are the known bugs of ${x}?`]],
  [/^(?:output)$/, (x) => [`What does ${x} print?`, `What is the output of ${x}?`]],
  [/^(?:files)$/, (x) => [`Which files does ${x} use?`]],
  [/^(?:environment(?: variables)?)$/, (x) => [`Which environment variables does ${x} use?`]],
  [/^(?:workspaces? (?:support|usage))$/, (x) => [`How do I use ${x} with workspaces?`, `Does ${x} support workspaces?`]],
];

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
  if (subject.kind === 'changes') return [`What changed in ${x}?`];
  const title = inSentence(subject.title, subject.text);
  if (isInstruction(subject.title)) return [ending(`How do I ${asReader(title)}`, subject)];
  if (/\b(?:is|are|does|do|can)\b/i.test(title))
    return [`Can you explain ${/^(?:how|why|what|when) /i.test(title) ? title : `"${subject.title}"`}${inContext(title, subject)}?`];
  return [`What should I know about ${x}?`, `Can you explain ${x}?`];
};

const synopsisQuestions = (path: readonly string[], subject: Subject): string[] => {
  const x = nearest(path, subject);
  if (!x.startsWith('`')) return [];
  return [`How is ${x} used on the command line?`, `What is the syntax of ${x}?`, `How do I run ${x}?`];
};

/** The noun that a noun phrase is about: the last word before a preposition. */
const headNoun = (np: string): string =>
  np
    .split(/ (?:of|in|for|from|to|with|on|by|and|&|as) /)[0]!
    .split(' ')
    .at(-1) ?? '';

const be = (np: string): string => (isPlural(headNoun(np)) || / (?:and|&) /.test(np) ? 'are' : 'is');

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
  const said = spellTool(inSentence(leaf, subject.text).replace(/\s*\[\d+\]/g, ''), subject).replace(/^on (?=\S+ )/i, '');
  const parent = path.length > 2 ? bareHeading(path.at(-2)!) : '';
  const command = /^`([a-z][\w-]*(?: [a-z][\w-]*)+)`$/.exec(leaf)?.[1];
  if (command !== undefined) {
    const own = subject.command !== null && command.startsWith(subject.command);
    if (own || parent === '') return [`What does \`${command}\` do?`, `How do I use \`${command}\`?`];
    const aspect = inSentence(parent, subject.text);
    return [`What ${be(aspect)} the ${aspect.replace(/^the /i, '')} for \`${command}\`?`];
  }
  if (
    isAsking(leaf) ||
    /^(?:(?:what|why|when|where|which|who|how) (?:do|does|did|can|should|is|are|was|will|would|has|have|must)|can|is|are|does|do|should) /i.test(
      leaf,
    )
  ) {
    const question = asQuestion(said);
    if (question !== null) return [question + (inContext(question, subject) === '' ? '?' : `${inContext(question, subject)}?`)];
  }
  if (subject.kind === 'changes') return changes(leaf, said, subject);
  const event = /^event: (.+)$/i.exec(leaf)?.[1];
  if (event !== undefined) {
    const owner = x === noun(subject) ? inContext(event, subject) : ` of ${x}`;
    return [`What is the ${event} event${owner}?`, `When is the ${event} event${owner} emitted?`];
  }
  // A sentence as a heading: said by somebody who asks why.
  if (/^(?:I|my|we) /i.test(leaf) && leaf.split(' ').length > 3) return [`${leaf[0]!.toUpperCase()}${leaf.slice(1)}. Why?`];
  const how = /^how to (.+)$/i.exec(said);
  if (how !== null) return [ending(`How do I ${asReader(how[1]!)}`, subject)];
  if (/^(?:how|why|when|what|where) /i.test(said)) return [ending(`Can you explain ${asReader(said)}`, subject)];
  const [first = '', ...rest] = said.split(' ');
  const verb = /\b(?:doesn|don|isn|won|can)['’]t\b|\bfails?\b/.test(said) ? null : infinitive(first);
  if (verb !== null && rest.length > 0 && !(rest.length === 1 && DESCRIBED.test(rest[0]!)))
    return [ending(`How do I ${verb} ${asReader(gerundsToInfinitives(rest.join(' ')))}`, subject)];
  if (isInstruction(leaf)) return [ending(`How do I ${asReader(said)}`, subject)];
  if (/^sub-?commands?$/i.test(plain(parent)) && subject.command !== null && /^[a-z][\w-]*$/.test(lower))
    return [`What does \`${subject.command} ${lower}\` do?`, `How do I use \`${subject.command} ${lower}\`?`];
  const about = noun(subject);
  if (/^`[^`]+`$/.test(leaf)) return [`What does ${leaf} mean${inPage(leaf, subject)}?`, `What is ${leaf}${inPage(leaf, subject)}?`];
  const sample = /^(?:an )?example (.+)$/i.exec(said)?.[1];
  if (sample !== undefined) return [ending(`Can you show me an example ${sample}`, subject)];
  const more = /^more (?:on|about) (.+)$/i.exec(said)?.[1];
  if (more !== undefined) return [ending(`What else should I know about ${more}`, subject)];
  if (/ examples$/i.test(said)) return [ending(`Can you show me some ${said}`, subject)];
  if (/ example$/i.test(said)) return [ending(`Can you show me the ${said}`, subject)];
  const note = /^(?:an? )?(?:note|word) (?:about|on) (.+)$/i.exec(said)?.[1];
  const np = note ?? said;
  const few = np.split(' ').length <= 2;
  const where = plain(np).toLowerCase().includes(plain(about).toLowerCase())
    ? ''
    : subject.command !== null
      ? ` when using ${about}`
      : few
        ? inPage(np, subject)
        : inContext(np, subject);
  const bare = plain(leaf);
  // Not a noun phrase, so it is quoted as it stands: "Brag about it".
  if (
    isVerbOnly(first) ||
    /^(?:for|with|from|in|at|by|if|when|while|as|to) /i.test(bare) ||
    /\b(?:is|are|it|you|can|create|do|does|doesn['’]t|don['’]t|control|have|has|will|fails?)\b/i.test(bare)
  )
    return [`Can you explain "${bare}"${where}?`, `What is meant by "${bare}"${where}?`];
  if (!np.includes(' ') && np === said && !isPlural(np))
    return [`What does "${plain(np)}" mean${inPage(np, subject)}?`, `Can you explain "${plain(np)}"${inPage(np, subject)}?`];
  if (np.split(' ').length > 6) return [`What should I know about ${np}${where}?`];
  const asked = [`What should I know about ${np}${where}?`, `Can you explain ${np}${where}?`, `Can you tell me about ${np}${where}?`];
  if (isPlural(headNoun(np)) && !/^(?:an?|the|more|other|some) /i.test(np) && /^[\p{L} -]+$/u.test(np) && subject.command === null)
    asked.push(`What are ${np}${where}?`);
  return asked;
};

/** What a page of changes says under a heading: a release, or a part of one. */
const changes = (leaf: string, said: string, subject: Subject): string[] => {
  if (/^(?:\w+ )?(?:release |version |v)?\d+\.\d|^\d{4}-\d\d-\d\d/i.test(leaf))
    return [`What changed in ${said}${inContext(said, subject)}?`];
  const release = /^what.?s new in (.+)$/i.exec(subject.title)?.[1] ?? null;
  const place = release === null ? ` (${subject.title})` : said.includes(release) ? '' : ` in ${release}`;
  if (/^`?[a-z][\w.]*`?$/.test(leaf)) return [`What is new in ${code(leaf)}${place}?`, `What changed in ${code(leaf)}${place}?`];
  if (/^(?:deprecat|remov|pending|port|build)/i.test(said)) return [`Can you explain ${said}${place}?`];
  return [`What changed with regard to ${said}${place}?`, `Can you explain ${said}${place}?`];
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

/** Wordings of the question that a section answers; empty for one that answers none. */
export const sectionQuestions = (path: readonly string[], subject: Subject): string[] => {
  switch (headingRole(path, subject)) {
    case 'navigation':
    case 'option':
    case 'signature':
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
