// One function a kind of pair: what a section can be asked, and the part of it that answers.
import type { Block, Pair, Section } from '../contracts/records';
import { answer, meaningFirst, partsFirst, wholeEnd } from './answer';
import { codeQuestion } from './code-question';
import { blockText, fenced, inlineCode, plain, renderMeaning } from './blocks';
import { sectionQuestions } from './heading-question';
import { withoutNumberedReferences } from './numbered-references';
import { choose, headingRole, isAsking, longestFlag, optionQuestions, settingQuestions } from './question';
import { isWhole, sentences } from './sentences';
import { partsOf } from './shorten';
import { parseSignature, type Signature, signatureQuestions } from './signature';
import { bareHeading, type Subject } from './subject';
import { definitionQuestions } from './term-question';

export interface Candidate {
  kind: Pair['kind'];
  instruction: string;
  response: string;
  anchor: string | null;
}

interface Surroundings {
  subject: Subject;
  maxChars: number;
  /** How many kept sections of the host are headed by this option. */
  optionCount: (name: string) => number;
  /** All that the host's pages write with two dashes. */
  flags: ReadonlySet<string>;
  /** Whether a term only labels: defined again and again on the page, or on many pages of the host. */
  isLabel: (term: string) => boolean;
}

type Definition = Extract<Block, { type: 'definition' }>;

const candidate = (
  kind: Pair['kind'],
  section: Section,
  questions: readonly string[],
  response: string | null,
  anchor = section.anchor,
): Candidate[] => {
  const own = response === null ? '' : wholeEnd(withoutNumberedReferences(response));
  if (questions.length === 0 || own === '') return [];
  const instruction = choose(`${section.pageId} ${anchor ?? section.position} ${questions[0]}`, questions);
  return [{ kind, instruction, response: own, anchor }];
};

const withoutDefinitions = (section: Section): Block[] => {
  const first = section.blocks.findIndex((block) => block.type === 'definition');
  return first < 0 ? section.blocks : section.blocks.slice(0, first);
};

/** The beginning of a section's text, where it speaks of what its heading names. */
const ownText = (section: Section): string => section.blocks.slice(0, 8).map(blockText).join('\n').slice(0, 4000);

/** Heading path to the text under it; a heading that asks is a question of an FAQ. */
const fromHeading = (section: Section, { subject, maxChars }: Surroundings): Candidate[] => {
  const role = headingRole(section.path, subject);
  if (role === 'option' || role === 'synopsis' || role === 'signature') return [];
  const kind = isAsking(section.path.at(-1) ?? '') ? 'faq' : 'heading';
  if (role === 'overview' && section.path.length <= 1 && subject.summary !== null && section.blocks.length === 1) return [];
  return candidate(
    kind,
    section,
    sectionQuestions(section.path, subject, ownText(section)),
    answer(meaningFirst(withoutDefinitions(section).filter((block, index) => index > 0 || !repeatsHeading(block, section))), maxChars),
  );
};

/** The title once more, as the first paragraph under it. */
const repeatsHeading = (block: Block, { path }: Section): boolean =>
  block.type === 'prose' && plain(block.text).toLowerCase() === plain(bareHeading(path.at(-1) ?? '')).toLowerCase();

/** A signature asked for by its name only is answered with the whole of it. */
const ofSignature = (
  section: Section,
  signature: Signature,
  meaning: string | null,
  subject: Subject,
  anchor: string | null,
  owner: string | null = null,
): Candidate[] =>
  candidate('signature', section, signatureQuestions(signature, meaning ?? '', subject, owner), meaning, anchor).map((one) =>
    one.instruction.includes(signature.full) || !signature.full.includes('(')
      ? one
      : { ...one, response: `${inlineCode(signature.full)}\n\n${one.response}` },
  );

/** An entry of a reference that has a heading of its own. */
const fromSignature = (section: Section, { subject, maxChars }: Surroundings): Candidate[] => {
  if (headingRole(section.path, subject) !== 'signature') return [];
  const signature = parseSignature(bareHeading(section.path.at(-1)!), section.anchor);
  const meaning = answer(meaningFirst(withoutDefinitions(section)), maxChars - signature.full.length);
  return ofSignature(section, signature, meaning, subject, section.anchor);
};

/** The usage lines of a command, with the page's one line about it. */
const fromSynopsis = (section: Section, { subject, maxChars }: Surroundings): Candidate[] => {
  if (headingRole(section.path, subject) !== 'synopsis' || !section.blocks.some((block) => block.type === 'code')) return [];
  const summary = section.path.length === 2 && subject.summary !== null ? [{ type: 'prose' as const, text: subject.summary }] : [];
  return candidate('signature', section, sectionQuestions(section.path, subject, ''), answer([...summary, ...section.blocks], maxChars));
};

/** A list that only states default, type and the like: facts beside the meaning, so they follow it. */
const isFacts = (block: Block): boolean =>
  block.type === 'list' &&
  block.items.every((item) => /^`?[A-Z][\w ]{0,20}`?:/.test(item)) &&
  block.items.some((item) => /^(?:Default|Type|Required|Since|Values?)\b/i.test(item));

/** As it is typed: with its dashes, where the site writes it so anywhere. */
const spelled = (name: string, flags: ReadonlySet<string>): string => {
  const bare = name.replaceAll('`', '');
  return !bare.startsWith('-') && flags.has(`--${bare}`) ? `--${bare}` : bare;
};

/** A section headed by an option. */
const fromOption = (section: Section, { subject, maxChars, optionCount, flags }: Surroundings): Candidate[] => {
  if (headingRole(section.path, subject) !== 'option') return [];
  const name = bareHeading(section.path.at(-1)!);
  const facts = section.blocks.filter(isFacts);
  const meaning = section.blocks.filter((block) => !isFacts(block));
  if (meaning.length === 0) return [];
  const questions = optionQuestions(spelled(name, flags), section.path, subject, optionCount(plain(name)) <= 1);
  return candidate('option', section, questions, answer([...meaningFirst(meaning), ...facts], maxChars));
};

const fits = (block: Definition, maxChars: number): string | null => {
  const parts = partsFirst(partsOf(renderMeaning(block)));
  const meaning = parts.join('\n\n');
  if (meaning.length <= maxChars) return meaning;
  return answer([{ type: 'prose', text: parts.find((part) => !part.startsWith('```')) ?? '' }], maxChars);
};

/** Terms, signatures and options that a page defines in a list of definitions. */
const fromDefinitions = (section: Section, { subject, maxChars, isLabel }: Surroundings): Candidate[] => {
  // What has no place of its own belongs to the entry before it, until a text begins.
  let owner: string | null = null;
  return section.blocks.flatMap((block) => {
    if (block.type === 'prose' && isWhole(block.text)) owner = null;
    if (block.type !== 'definition' || block.term.length > 200) return [];
    const anchor = block.anchor ?? section.anchor;
    const response = fits(block, maxChars);
    const terms = block.term.replace(/^\u2011\u2011?(?=\p{L})/u, (dashes) => '-'.repeat(dashes.length)).split(', ');
    const isFlag = (term: string): boolean => /^--?[\p{L}\d?#@<[*]/u.test(term) && !/^-\d+ \(|:$/.test(term);
    if (terms.every(isFlag) || (terms.length === 2 && terms.some(isFlag) && /^[\w-]+$/.test(terms[0]!)))
      return candidate(
        'option',
        section,
        optionQuestions(longestFlag(terms.filter(isFlag).join(', ')), section.path, subject, false),
        response,
        anchor,
      );
    if (block.signature) {
      const term = block.term.includes('(') ? block.term : terms[0]!.split(/(?<!\[.*) \| /)[0]!;
      // "git log --stat": a command line, with what it does.
      if (subject.tool !== null && term.startsWith(`${subject.tool.toLowerCase()} `))
        return candidate('definition', section, definitionQuestions(term, subject), response, anchor);
      const signature = parseSignature(term, block.anchor);
      // What has parts is declared: a call, a structure.
      if (block.anchor !== null)
        owner = term !== signature.name && /[(.]|^(?:struct|union|enum|class|typedef) /.test(term) ? signature.name : null;
      else if (owner === null && (isLabel(block.term) || DECLARATION.test(term))) return [];
      const member = /^c\.(\w+)\.\w+$/.exec(block.anchor ?? '')?.[1] ?? null;
      const of = signature.sort !== 'value' || signature.name.includes('.') ? null : block.anchor === null ? owner : member;
      return ofSignature(section, signature, response, subject, anchor, of);
    }
    if (isLabel(block.term) || isContact(block)) return [];
    return candidate(isAsking(block.term) ? 'faq' : 'definition', section, definitionQuestions(block.term, subject), response, anchor);
  });
};

/** Who or where somebody is, and how to be reached: no term. */
const isContact = ({ term, text }: Definition): boolean =>
  /^\p{Lu}[\p{L} .-]*$/u.test(term) && /\b(?:phone|fax|tel|e-?mail)\b|\w@\w+\.\w/i.test(text.slice(0, 500));

/** "unsigned int flags": a parameter, of nobody knows what. */
const DECLARATION = /^[A-Za-z_]\w*(?: \w+)* \**[a-z_]\w*$/;

const ITEM = /^(`[^`]+`|"[^"]+")(?: \([^)]*\))?\s*(?::|-|–|—)\s+(\p{Lu}[^]+)$/u;

/** Items "`term`: meaning" of a list whose items all are so. */
const fromItems = (section: Section, { subject, isLabel }: Surroundings): Candidate[] => {
  const owner =
    headingRole(section.path, subject) === 'signature' ? parseSignature(bareHeading(section.path.at(-1)!), section.anchor).name : null;
  return section.blocks.flatMap((block) => {
    if (block.type !== 'list' || isFacts(block)) return [];
    const items = block.items.map((item) => ITEM.exec(item));
    if (items.length < 2 || items.some((item) => item === null)) return [];
    return items.flatMap((item) => {
      const term = item![1]!.replace(/^[`"]|[`"]$/g, '');
      const meaning = item![2]!;
      if (!isWhole(meaning) || sentences(meaning).length === 0) return [];
      if (term.startsWith('-'))
        return candidate('option', section, optionQuestions(longestFlag(term), section.path, subject, false), meaning);
      if (owner !== null) return candidate('definition', section, [`What is \`${term}\` in \`${owner}\`?`], meaning);
      return isLabel(term) ? [] : candidate('definition', section, definitionQuestions(term, subject), meaning);
    });
  });
};

/** Rows of a table of options: the cell that says what it does, then the other columns. */
const fromTables = (section: Section, { subject }: Surroundings): Candidate[] =>
  section.blocks.flatMap((block) => {
    if (block.type !== 'table' || block.header.length < 2) return [];
    const says = block.header.findIndex((name) => /^(?:description|meaning|what it does|purpose)$/i.test(plain(name)));
    if (says <= 0 || !/^(?:flags?|options?|parameters?|arguments?|settings?|names?|keys?|variables?)$/i.test(plain(block.header[0]!)))
      return [];
    return block.rows.flatMap((cells) => {
      const term = longestFlag(plain(cells[0] ?? '').replace(/\u2011/g, '-'));
      const meaning = cells[says] ?? '';
      if (term === '' || meaning === '') return [];
      const rest = block.header.flatMap((name, index) =>
        index === 0 || index === says || (cells[index] ?? '') === '' ? [] : [`- ${plain(name)}: ${cells[index]}`],
      );
      const questions = term.startsWith('-')
        ? optionQuestions(term, section.path, subject, false)
        : (settingQuestions(term, plain(block.header[0]!), section.path, subject) ?? definitionQuestions(term, subject));
      return candidate('option', section, questions, [meaning, rest.join('\n')].filter((part) => part !== '').join('\n\n'));
    });
  });

/** The paragraph before code, whose last sentence says what the code is for, with the code. */
const fromCode = (section: Section, { subject, maxChars }: Surroundings): Candidate[] => {
  if (headingRole(section.path, subject) === 'synopsis') return [];
  return section.blocks.flatMap((block, index) => {
    const before = section.blocks[index - 1];
    if (block.type !== 'code' || before?.type !== 'prose') return [];
    const said = sentences(before.text);
    const lead = said.at(-1)!;
    const question = codeQuestion(lead, subject);
    if (question === null) return [];
    const code = fenced(block.text, block.language);
    const response = [before.text, lead].map((text) => `${text}\n\n${code}`).find((text) => text.length <= maxChars) ?? null;
    return candidate('code', section, [question], response);
  });
};

/** All candidates of a section, in a fixed order. */
export const candidatesOf = (section: Section, surroundings: Surroundings): Candidate[] =>
  [fromHeading, fromSignature, fromSynopsis, fromOption, fromDefinitions, fromItems, fromTables, fromCode].flatMap((kind) =>
    kind(section, surroundings),
  );
