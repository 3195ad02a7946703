// Pairs that a language model writes about a section: what it is asked, how its answer is read, and our own check that
// the answer says nothing which the section does not.
import { z } from 'zod';
import type { Section } from '../contracts/records';
import { blockText, CODE_SPAN, plain, renderBlocks, words } from './blocks';
import type { Candidate } from './kinds';

/** Raised when a prompt or a rule below changes: it is part of the stage's key and of the cache's. */
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
  return (
    text.length <= MOST_CHARS &&
    words(
      section.blocks
        .filter(({ type }) => type !== 'code')
        .map(blockText)
        .join(' '),
    ).length >= minWords
  );
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

/** The JSON array in a model's answer, whatever it wrote around it; null when there is none. */
const arrayIn = (text: string): unknown => {
  const start = text.indexOf('[');
  const end = text.lastIndexOf(']');
  if (start < 0 || end < start) return null;
  try {
    return JSON.parse(text.slice(start, end + 1));
  } catch {
    return null;
  }
};

/** Null for an answer that cannot be read. */
export const readGenerated = (text: string, maxPairs: number): Generated[] | null => {
  const parsed = Generated.safeParse(arrayIn(text));
  if (!parsed.success) return null;
  return parsed.data
    .map(({ question, answer }) => ({ question: question.trim(), answer: answer.trim() }))
    .filter(({ question, answer }) => question !== '' && answer !== '')
    .slice(0, maxPairs);
};

/** Which pairs the judge accepts; none where its answer cannot be read or has another length. */
export const readVerdict = (text: string, count: number): boolean[] => {
  const parsed = Scores.safeParse(arrayIn(text));
  if (!parsed.success || parsed.data.length !== count) return new Array<boolean>(count).fill(false);
  return parsed.data.map((score) => score >= LEAST_SCORE);
};

const significant = (text: string): string[] => (text.toLowerCase().match(/[\p{L}\p{N}_]{4,}/gu) ?? []).map((word) => word.slice(0, 6));

/** Our own check: every number and every piece of code of the answer stands in the section, and most of its words do. */
export const isGrounded = (answer: string, section: Section): boolean => {
  const source = `${section.path.map(plain).join(' ')}\n${section.blocks.map(blockText).join('\n')}`;
  const flat = source.replace(/\s+/g, ' ');
  const spans = [...answer.matchAll(CODE_SPAN)].map((match) =>
    match[3]!
      .replace(/^\w*\n/, '')
      .replace(/\s+/g, ' ')
      .trim(),
  );
  if (spans.some((span) => span !== '' && !flat.includes(span))) return false;
  if ((answer.match(/\d+(?:[.,]\d+)*/g) ?? []).some((number) => !source.includes(number))) return false;
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
