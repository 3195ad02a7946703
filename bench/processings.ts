// The same pages processed twice: by the tutorial and by us, as pools of examples to draw from, with what they are made of.
import { PipelineInput } from '../contracts/input';
import { renderBlocks } from '../lib/blocks';
import { MAX_SHARED_TOKENS, sharesRun } from '../lib/contamination';
import { dedup } from '../lib/dedup';
import { format } from '../lib/format';
import { digest } from '../lib/hash';
import { pair } from '../lib/pair';
import { encodeText } from '../lib/tokens';
import type { HumanQuestion } from './human-questions';
import { cleanPages, type SourcePage } from './pages';
import { tutorialPairs } from './tutorial';

export interface Row {
  id: string;
  kind: string;
  instruction: string;
  response: string;
}

export interface Pools {
  rows: Record<'ours' | 'tutorial', Row[]>;
  /** What each processing makes, by measure. */
  quality: Record<'ours' | 'tutorial', Record<string, number>>;
}

/** A pair with what it was made from, to judge both processings by the same rules. */
interface Judged extends Row {
  /** Words that name what it is about: of the page's title and the headings above. */
  subject: ReadonlySet<string>;
  split: 'train' | 'test';
}

const HELD_OUT = 0.1;
const OVERLAP_WORDS = 8;
const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
const GENERAL = new Set(
  'the and for how what you can are with from this that all its use using about manual page documentation description'.split(' '),
);
const subjectWords = (...names: string[]): Set<string> =>
  new Set(names.flatMap(wordsOf).filter((word) => word.length > 2 && !GENERAL.has(word)));
const drawn = (id: string): number => Number.parseInt(id.slice(0, 8), 16) / 2 ** 32;

/** Ends in code, a list, a table, or as a sentence does. */
const isCut = (text: string): boolean => {
  const last = text.trim().split('\n').at(-1) ?? '';
  if (/^(?:```|\s*(?:[-*]|\d+\.) |\|| {2,})/.test(last)) return false;
  return !/[.!?…:]["'”’)\]*`]*$/.test(last);
};

const ids = (text: string): Int32Array => Int32Array.from(encodeText(text));
const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

/** How many rows repeat the answer of an earlier one, or nearly: exact Jaccard of word 3-grams at least 0.8. */
const repeats = (rows: readonly Row[]): number => {
  const seen: Set<string>[] = [];
  const holders = new Map<string, number[]>();
  let found = 0;
  for (const { response } of rows) {
    const said = wordsOf(response);
    const own = new Set(said.map((_, at) => said.slice(at, at + 3).join(' ')));
    const shared = new Map<number, number>();
    for (const run of own) for (const other of holders.get(run) ?? []) shared.set(other, (shared.get(other) ?? 0) + 1);
    if ([...shared].some(([other, count]) => count / (own.size + seen[other]!.size - count) >= 0.8)) found += 1;
    for (const run of own) holders.set(run, [...(holders.get(run) ?? []).slice(-200), seen.length]);
    seen.push(own);
  }
  return found;
};

const judge = (rows: readonly Judged[]): Record<string, number> => {
  const of = (test: (row: Judged) => boolean): number => share(rows.filter(test).length, rows.length);
  const held = rows.filter(({ split }) => split === 'test');
  const train = rows.filter(({ split }) => split === 'train').flatMap(({ instruction, response }) => [ids(instruction), ids(response)]);
  const shared = (size: number): number =>
    sharesRun(
      held.map(({ response }) => ids(response)),
      train,
      size,
    ).filter(Boolean).length;
  return {
    pairs: rows.length,
    'response has a code block': of(({ response }) => /^```/m.test(response)),
    'response has code, also in a line': of(({ response }) => response.includes('`')),
    'question asks (ends in ?)': of(({ instruction }) => instruction.trim().endsWith('?')),
    'question names its subject': of(({ instruction, subject }) => wordsOf(instruction).some((word) => subject.has(word))),
    'question asks and names its subject': of(
      ({ instruction, subject }) => instruction.trim().endsWith('?') && wordsOf(instruction).some((word) => subject.has(word)),
    ),
    'response cut in mid-sentence': of(({ response }) => isCut(response)),
    'question cut in mid-sentence': of(({ instruction }) => isCut(instruction)),
    'response repeats another (J >= 0.8)': share(repeats(rows), rows.length),
    'held-out answers that share 13 tokens with training': share(shared(13), held.length),
    'held-out answers that share 50 tokens with training': share(shared(MAX_SHARED_TOKENS), held.length),
    'characters of a response, mean': share(
      rows.reduce((sum, { response }) => sum + response.length, 0),
      rows.length,
    ),
  };
};

/** The chain of the product with its defaults, whole. */
const ourRows = async (pages: readonly SourcePage[]): Promise<Judged[]> => {
  const input = PipelineInput.parse({ source: { urls: ['http://docs.test/'] } });
  const { sections } = await dedup(cleanPages(pages), input.dedup);
  const { pairs } = pair(sections, input.pair);
  const titles = new Map(sections.map(({ pageId, title }) => [pageId, title]));
  const { parts } = format(pairs, input.format, 'gpt-oss');
  return Object.values(parts).flatMap(({ examples }) =>
    examples.map(({ id, kind, split, messages, path, pageId }) => {
      const [instruction = '', response = ''] = messages.map(({ content }) => content);
      return {
        id,
        kind,
        instruction,
        response,
        split: split === 'train' ? ('train' as const) : ('test' as const),
        subject: subjectWords(titles.get(pageId) ?? '', ...path),
      };
    }),
  );
};

/** The tutorial has no split; a tenth of its rows is drawn as held out, as trainers do, to measure what that would be worth. */
const tutorialRows = (pages: readonly SourcePage[]): Judged[] => {
  const documents = cleanPages(pages);
  return tutorialPairs(documents.map(({ blocks }) => renderBlocks(blocks))).map(({ page, instruction, response }) => {
    const id = digest({ page, instruction, response });
    const document = documents[page]!;
    const headings = document.blocks.flatMap((block) => (block.type === 'heading' ? [block.text] : []));
    return {
      id,
      kind: 'sentences',
      instruction,
      response,
      split: drawn(id) < HELD_OUT ? ('test' as const) : ('train' as const),
      subject: subjectWords(document.title, ...headings),
    };
  });
};

/** Rows that share a run of 8 words with a human answer are in neither pool: copying is not what is measured. */
const apart = (rows: readonly Judged[], questions: readonly HumanQuestion[]): Judged[] => {
  const runs = (text: string): string[] => {
    const said = wordsOf(text);
    return said.slice(OVERLAP_WORDS - 1).map((_, at) => said.slice(at, at + OVERLAP_WORDS).join(' '));
  };
  const human = new Set(questions.flatMap(({ question, answer }) => [...runs(question), ...runs(answer)]));
  return rows.filter(({ instruction, response }) => !runs(`${instruction}\n${response}`).some((run) => human.has(run)));
};

export const makePools = async (pages: readonly SourcePage[], questions: readonly HumanQuestion[]): Promise<Pools> => {
  const [ours, tutorial] = [await ourRows(pages), tutorialRows(pages)];
  const pool = (rows: readonly Judged[]): Row[] =>
    apart(rows, questions)
      .filter(({ split }) => split === 'train')
      .map(({ id, kind, instruction, response }) => ({ id, kind, instruction, response }));
  return {
    rows: { ours: pool(ours), tutorial: pool(tutorial) },
    quality: { ours: judge(ours), tutorial: judge(tutorial) },
  };
};
