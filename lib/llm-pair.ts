// Pairs that a language model writes about a section: what it is asked, how its answer is read, and our own check that
// the answer says nothing which the section does not.
import { z } from 'zod';
import type { Section } from '../contracts/records';
import { blockText, CODE_SPAN, countWords, plain, renderBlocks } from './blocks';
import { digest } from './hash';
import type { Candidate } from './kinds';
import { Masker } from './masking';

/** Raised when a prompt changes: part of the stage's key and of the cache's, so that all is asked again. What reads the answers is in
 * the stage's version. */
export const PROMPT_VERSION = 1;

/** Longer sections are not sent. */
const MOST_CHARS = 12_000;

const GENERATE = `You write questions and answers for teaching a model what a piece of documentation says.
Write them in the language of the documentation. Each question must be one that a user of the software would ask, must name its subject (the command, function, option or product), and must be answerable from the text alone. Each answer must be complete sentences, use only what the text says, and keep code exactly as it stands.
Answer with nothing but a JSON array of objects {"question": string, "answer": string}; an empty array where the text answers nothing.`;

const JUDGE = `You check answers against a text. For each pair give a number from 0 to 10: 10 when every statement of the answer stands in the text and the answer answers the question; 0 when something in it does not.
Answer with nothing but a JSON array of numbers, one a pair, in their order.`;

const Generated = z.array(z.object({ question: z.string(), answer: z.string() }));
const Scores = z.array(z.number());
/** Least score of the judge, of 10. */
const LEAST_SCORE = 7;

export interface Generated {
  question: string;
  answer: string;
}

/** Worth asking a model about: some prose, and not too much. */
export const isWorthAsking = (section: Section, minWords: number): boolean => {
  const text = renderBlocks(section.blocks);
  return text.length <= MOST_CHARS && countWords(section.blocks.filter(({ type }) => type !== 'code')) >= minWords;
};

const textOf = (section: Section): string => `${section.path.map(plain).join(' > ')}\n\n${renderBlocks(section.blocks)}`;

export const generatePrompt = (section: Section, maxPairs: number): { system: string; user: string } => ({
  system: GENERATE,
  user: `At most ${maxPairs} pairs about this text:\n\n<text>\n${textOf(section)}\n</text>`,
});

export const judgePrompt = (section: Section, pairs: readonly Generated[]): { system: string; user: string } => ({
  system: JUDGE,
  user: `<text>\n${textOf(section)}\n</text>\n\n<pairs>\n${JSON.stringify(pairs)}\n</pairs>`,
});

/** What a model thought before it answered. */
const THOUGHT = /^[^]*<\/think(?:ing)?>/i;
/** Places where the array may begin: a few, since each is read to the end. */
const MOST_BEGINNINGS = 20;

/** The first JSON array in a model's answer that has the shape, whatever it wrote around it; null when there is none. */
const arrayIn = <T>(text: string, schema: z.ZodType<T>): T | null => {
  const answer = text.replace(THOUGHT, '');
  const end = answer.lastIndexOf(']') + 1;
  let start = answer.indexOf('[');
  for (let tries = 0; start >= 0 && start < end && tries < MOST_BEGINNINGS; tries++, start = answer.indexOf('[', start + 1)) {
    try {
      const parsed = schema.safeParse(JSON.parse(answer.slice(start, end)));
      if (parsed.success) return parsed.data;
    } catch {
      // A bracket of its prose.
    }
  }
  return null;
};

/** Null for an answer that cannot be read. */
export const readGenerated = (text: string, maxPairs: number): Generated[] | null => {
  const parsed = arrayIn(text, Generated);
  if (parsed === null) return null;
  return parsed
    .map(({ question, answer }) => ({ question: question.trim(), answer: answer.trim() }))
    .filter(({ question, answer }) => question !== '' && answer !== '')
    .filter((pair, at, all) => at === all.findIndex(({ question, answer }) => question === pair.question && answer === pair.answer))
    .slice(0, maxPairs);
};

/** Which pairs the judge accepts; none where its answer cannot be read or has another length. */
export const readVerdict = (text: string, count: number): boolean[] => {
  const parsed = arrayIn(text, Scores);
  if (parsed?.length !== count) return new Array<boolean>(count).fill(false);
  return parsed.map((score) => score >= LEAST_SCORE);
};

const isMasked = (text: string): boolean => new Masker().mask(text) !== text;

const significant = (text: string): string[] => (text.toLowerCase().match(/[\p{L}\p{N}_]{4,}/gu) ?? []).map((word) => word.slice(0, 6));

/** A number stands where no longer one does: 1 is not in 31. */
const stands = (number: string, source: string): boolean => new RegExp(`(?<!\\d)${number.replaceAll('.', '\\.')}(?!\\d)`).test(source);

/** Says a number, a piece of code, or an address or secret that the text does not hold. */
const invents = (text: string, source: string, flat: string): boolean => {
  const spans = [...text.matchAll(CODE_SPAN)].map((match) =>
    match[3]!
      .replace(/^\w*\n/, '')
      .replace(/\s+/g, ' ')
      .trim(),
  );
  if (spans.some((span) => span !== '' && !flat.includes(span))) return true;
  // Numbers of a list are not said.
  const said = text.replace(/^\s*\d+\.\s/gm, '');
  if ((said.match(/\d+(?:[.,]\d+)*/g) ?? []).some((number) => !stands(number, source))) return true;
  return isMasked(text) && !isMasked(source);
};

/**
 * Our own check: every number and every piece of code of question and answer stands in the section, most words of the answer do,
 * and no address or secret came in that the section does not have.
 */
export const isGrounded = ({ question, answer }: Generated, section: Section): boolean => {
  const source = `${section.path.map(plain).join(' ')}\n${section.blocks.map(blockText).join('\n')}`;
  const flat = source.replace(/\s+/g, ' ');
  if (invents(question, source, flat) || invents(answer, source, flat)) return false;
  const known = new Set(significant(source));
  const said = significant(plain(answer));
  return said.length > 0 && said.filter((word) => known.has(word)).length / said.length >= 0.7;
};

export const llmCandidate = ({ question, answer }: Generated, section: Section): Candidate => ({
  kind: 'llm',
  instruction: question,
  response: answer,
  anchor: section.anchor,
});

/** Of a pair that was not believed, for its fate. */
export const llmPairId = ({ question, answer }: Generated, section: Section): string =>
  digest({ kind: 'llm', sectionId: section.id, instruction: question, response: answer });
