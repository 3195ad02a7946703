// Pairs to chat examples: a question and an answer as messages, and for GPT-OSS rendered to tokens. For other models the
// trainer tokenises the messages (activities/chat-tokens).
import type { BaseModel } from '../contracts/artifacts';
import type { PipelineInput } from '../contracts/input';
import { type Dropped, type Example, type Message, type Pair, RECORD_SCHEMA, type Split } from '../contracts/records';
import type { Family } from '../contracts/trainer';
import { atOnce } from './contamination';
import { type DatasetParts, emptyParts } from './dataset-rows';
import { drawMix, type Mix } from './draw-mix';
import { type Rendered, renderExample } from './harmony';
import { digest } from './hash';
import { shorterAnswers } from './shorten';
import { MemorySpill, Rows } from './spill';
import { type Contamination, formatDropped, SplitPairs } from './split-pairs';
import type { TokenFileMeta, TokenRow } from './token-file';
import { CONTROL, VOCABULARY_SIZE } from './tokens';

export type FormatConfig = PipelineInput['format'];

/** Examples between two pauses. */
const PAUSE_EVERY = 1000;

/**
 * One turn as chat messages. Instructions are a developer message in GPT-OSS, a system message elsewhere.
 * @param response null for a prompt to be answered
 */
export const messagesOf = (instruction: string, response: string | null, instructions: string, family: Family): Message[] => [
  ...(instructions === '' ? [] : [{ role: family === 'gpt-oss' ? ('developer' as const) : ('system' as const), content: instructions }]),
  { role: 'user', content: instruction },
  ...(response === null ? [] : [{ role: 'assistant' as const, content: response }]),
];

/** Header of a GPT-OSS token file. */
export const harmonyMeta = (base: Pick<BaseModel, 'tokenizerDigest' | 'templateDigest'>, maxTokens: number): TokenFileMeta => ({
  tokenizerSha256: base.tokenizerDigest,
  templateSha256: base.templateDigest,
  vocabSize: VOCABULARY_SIZE,
  maxTokens,
  endTokenId: CONTROL.return,
});

/** What an example says of where it is from. */
type Provenance = Pick<Example, 'kind' | 'url' | 'anchor' | 'path' | 'pageId' | 'pairId' | 'documentSha256'>;

/** A turn as a row of the dataset. */
export const exampleOf = (
  { instruction, response }: Pick<Pair, 'instruction' | 'response'>,
  { kind, url, anchor, path, pageId, pairId, documentSha256 }: Provenance,
  split: Split,
  instructions: string,
  family: Family,
): Example => {
  const messages = messagesOf(instruction, response, instructions, family);
  const [prompt, completion] = [messages.slice(0, -1), messages.slice(-1)];
  const id = digest({ messages, pairId });
  return { schema: RECORD_SCHEMA, id, split, messages, prompt, completion, kind, url, anchor, path, pageId, pairId, documentSha256 };
};

export const pairExample = (pair: Pair, split: Split, { instructions }: FormatConfig, family: Family): Example =>
  exampleOf(pair, { ...pair, pairId: pair.id }, split, instructions, family);

/** The longest beginning of a too long answer that fits, cut between blocks; null when not even the first does. */
const shorter = (pair: Pair, split: Split, config: FormatConfig): { example: Example; row: Rendered } | null => {
  for (const response of shorterAnswers(pair.response)) {
    const example = pairExample({ ...pair, response }, split, config, 'gpt-oss');
    const row = renderExample(example.messages, config);
    if (row.ids.length <= config.maxTokens) return { example, row };
  }
  return null;
};

/**
 * Settled pairs as GPT-OSS examples; what is too long is cut, or dropped.
 * @returns how many were cut
 */
export function* harmonyExamples(
  split: SplitPairs,
  parts: DatasetParts,
  config: FormatConfig,
  drop: (dropped: Dropped) => void,
  mix: Mix | null,
): Generator<void, number, undefined> {
  let [seen, shortened] = [0, 0];
  for (const { pair, split: name, answer } of split.kept()) {
    if (++seen % PAUSE_EVERY === 0) yield;
    const example = pairExample(pair, name, config, 'gpt-oss');
    const row = renderExample(example.messages, config, answer);
    const fitting = row.ids.length <= config.maxTokens ? { example, row } : shorter(pair, name, config);
    if (fitting === null) drop(formatDropped(pair, 'too_long', `${row.ids.length} tokens`));
    else parts[name].add(fitting.example, fitting.row);
    if (fitting !== null && fitting.example !== example) shortened += 1;
  }
  if (mix !== null)
    yield* drawMix(mix, parts.train.size, split, drop, (turn, provenance) => {
      const example = exampleOf(turn, provenance, 'train', config.instructions, 'gpt-oss');
      const row = renderExample(example.messages, config);
      if (row.ids.length > config.maxTokens) return false;
      parts.train.add(example, row);
      return true;
    });
  return shortened;
}

/** One split in memory, ascending by id: row i of `rows` is example i. */
interface Part {
  examples: Example[];
  rows: TokenRow[];
}

export interface Dataset {
  parts: Record<Split, Part>;
  /** Every pair that is in no part, with its reason. */
  dropped: Dropped[];
  splitBy: 'page' | 'section';
  contamination: Contamination;
  /** Examples whose answer was cut between two blocks to fit. */
  shortened: number;
}

/**
 * All of it in memory, for GPT-OSS: every pair becomes one row of one part, or is dropped with a reason.
 * @param pairs in any order
 */
export const format = (pairs: Iterable<Pair>, config: FormatConfig, _family: 'gpt-oss', mix: Mix | null = null): Dataset => {
  const spill = new MemorySpill();
  const out = new Rows<Dropped>(spill);
  const drop = (dropped: Dropped): void => out.add(dropped);
  const split = new SplitPairs(spill, drop, config);
  for (const pair of pairs) split.add(pair);
  atOnce(split.settle());
  const parts = emptyParts(spill);
  const shortened = atOnce(harmonyExamples(split, parts, config, drop, mix));
  const part = (name: Split): Part => ({ examples: [...parts[name].records()], rows: [...parts[name].tokenRows().each()] });
  return {
    parts: { train: part('train'), validation: part('validation'), test: part('test') },
    dropped: Array.from(out.lines(), (line) => JSON.parse(line.toString()) as Dropped),
    splitBy: split.by,
    contamination: split.contamination,
    shortened,
  };
};
