// Pairs to chat examples: split, cleaned of what stands on both sides, and for GPT-OSS rendered to tokens. For other
// models the trainer tokenises the messages, and `withoutRows` takes out what it refused.
import type { BaseModel } from '../contracts/artifacts';
import type { PipelineInput } from '../contracts/input';
import { type Dropped, type Example, type Message, type Pair, RECORD_SCHEMA, type Split, SPLITS } from '../contracts/records';
import type { Family } from '../contracts/trainer';
import { MAX_SHARED_TOKENS, REPORTED_TOKENS, sharesRun } from './contamination';
import { renderExample } from './harmony';
import { digest, sha256 } from './hash';
import { type GeneralRow, mixCount, mixDropped } from './mix';
import { shorten } from './shorten';
import { assignSplits, type SplitResult } from './split';
import type { TokenFileMeta, TokenRow } from './token-file';
import { CONTROL, encodeText, VOCABULARY_SIZE } from './tokens';

export type FormatConfig = PipelineInput['format'];

export interface Part {
  /** Sorted by id. */
  examples: Example[];
  /** One a row of `examples`, in the same order; null where the trainer makes the tokens. */
  rows: TokenRow[] | null;
}

export interface Contamination {
  /** Held-out pairs whose answer shared a run of 50 tokens (or all of a shorter answer) with training, and were dropped. */
  dropped: number;
  /** Held-out pairs that still share one: measured again, must be 0. */
  remaining: number;
  /** Held-out pairs left that share a run of 13 tokens, for information. */
  shared13: number;
  held: number;
}

export interface Dataset {
  parts: Record<Split, Part>;
  /** Every pair that is in no part, with its reason. */
  dropped: Dropped[];
  splitBy: SplitResult['by'];
  contamination: Contamination;
  /** Examples whose answer was cut between two blocks to fit. */
  shortened: number;
}

/** What became of a row that the trainer could not tokenise. */
export interface Refused {
  id: string;
  reason: string;
  tokens: number;
}

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

const byId = <Row extends { id: string }>(a: Row, b: Row): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

const dropped = (pair: { id: string }, reason: string, detail?: string): Dropped => ({
  schema: RECORD_SCHEMA,
  id: pair.id,
  of: 'pair',
  stage: 'format',
  reason,
  ...(detail === undefined ? {} : { detail }),
});

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Pairs that cannot be an example whatever the split: no answer, no valid Unicode, the same turn again. */
const unusable = (pair: Pair, seen: Map<string, string>): Dropped | null => {
  if (pair.response.trim() === '' || pair.instruction.trim() === '') return dropped(pair, 'nothing_supervised');
  if (LONE_SURROGATE.test(pair.instruction + pair.response)) return dropped(pair, 'malformed_text');
  const turn = digest([pair.instruction, pair.response]);
  const first = seen.get(turn);
  if (first !== undefined) return dropped(pair, 'same_turn', first);
  seen.set(turn, pair.id);
  return null;
};

const HELD: readonly Split[] = ['test', 'validation'];

/** Takes out held-out pairs whose answer shares a long run with a training answer, or, in validation, with a test answer. */
const decontaminated = (
  kept: SplitResult['kept'],
  tokens: ReadonlyMap<string, Int32Array>,
  out: Dropped[],
): { kept: SplitResult['kept']; contamination: Contamination } => {
  const idsOf = (rows: SplitResult['kept']): Int32Array[] => rows.map(({ pair }) => tokens.get(pair.id) ?? new Int32Array());
  const of = (split: Split): SplitResult['kept'] => kept.filter((row) => row.split === split);
  const clean: SplitResult['kept'] = of('train');
  for (const split of HELD) {
    const rows = of(split);
    const shared = sharesRun(idsOf(rows), idsOf(clean), MAX_SHARED_TOKENS);
    rows.forEach((row, index) => (shared[index] === true ? out.push(dropped(row.pair, 'contaminated')) : clean.push(row)));
  }
  const train = idsOf(clean.filter(({ split }) => split === 'train'));
  const held = idsOf(clean.filter(({ split }) => split !== 'train'));
  const count = (size: number): number => sharesRun(held, train, size).filter(Boolean).length;
  const contamination = {
    dropped: kept.length - clean.length,
    remaining: count(MAX_SHARED_TOKENS),
    shared13: count(REPORTED_TOKENS),
    held: held.length,
  };
  return { kept: clean, contamination };
};

const exampleOf = (pair: Pair, split: Split, messages: Message[]): Example => ({
  schema: RECORD_SCHEMA,
  id: digest({ messages, pairId: pair.id }),
  split,
  messages,
  prompt: messages.slice(0, -1),
  completion: messages.slice(-1),
  kind: pair.kind,
  url: pair.url,
  anchor: pair.anchor,
  path: pair.path,
  pageId: pair.pageId,
  pairId: pair.id,
  documentSha256: pair.documentSha256,
});

/** General data for training, and how much of it. */
export interface Mix {
  rows: readonly GeneralRow[];
  share: number;
  /** Where it comes from, as an address. */
  url: string;
  /** sha256 of all of it. */
  sha256: string;
}

/** A general row under the same provenance columns as a page's. */
const generalExample = (row: GeneralRow, { url, sha256: of }: Mix, messages: Message[]): Example => ({
  schema: RECORD_SCHEMA,
  id: digest({ messages, pairId: row.id }),
  split: 'train',
  messages,
  prompt: messages.slice(0, -1),
  completion: messages.slice(-1),
  kind: 'general',
  url,
  anchor: null,
  path: [],
  pageId: sha256(url),
  pairId: row.id,
  documentSha256: of,
});

/**
 * The pure door of `format`: every pair becomes one row of one part, or is dropped with a reason.
 * @param pairs in any order
 */
export const format = (pairs: readonly Pair[], config: FormatConfig, family: Family, mix?: Mix): Dataset => {
  const out: Dropped[] = [];
  const seen = new Map<string, string>();
  const usable = [...pairs].sort(byId).filter((pair) => {
    const reason = unusable(pair, seen);
    if (reason !== null) out.push(reason);
    return reason === null;
  });
  const split = assignSplits(usable, config);
  out.push(...split.crossing.map((pair) => dropped(pair, 'crosses_split', pair.cluster)));
  const answers = new Map(split.kept.map(({ pair }) => [pair.id, Int32Array.from(encodeText(pair.response))]));
  const { kept, contamination } = decontaminated(split.kept, answers, out);

  const made = new Map<Split, { example: Example; row: TokenRow | null }[]>(SPLITS.map((name) => [name, []]));
  const render = (pair: Pair, name: Split): { example: Example; row: TokenRow | null } => {
    const messages = messagesOf(pair.instruction, pair.response, config.instructions, family);
    const example = exampleOf(pair, name, messages);
    return {
      example,
      row: family === 'gpt-oss' ? { example: example.id, ...renderExample(messages, config, answers.get(pair.id)) } : null,
    };
  };
  /** Cut between blocks until it fits. */
  const fit = (pair: Pair): Pair | null => {
    const response = shorten(
      pair.response,
      (text) => renderExample(messagesOf(pair.instruction, text, config.instructions, family), config).ids.length <= config.maxTokens,
    );
    return response === null ? null : { ...pair, response };
  };
  let shortened = 0;
  for (const { pair, split: name } of kept) {
    const { example, row } = render(pair, name);
    if (row !== null && row.ids.length > config.maxTokens) {
      const fitting = fit(pair);
      if (fitting === null) out.push(dropped(pair, 'too_long', `${row.ids.length} tokens`));
      else {
        answers.set(pair.id, Int32Array.from(encodeText(fitting.response)));
        made.get(name)?.push(render(fitting, name));
        shortened += 1;
      }
    } else made.get(name)?.push({ example, row });
  }
  if (mix !== undefined) {
    const held = HELD.flatMap((name) =>
      (made.get(name) ?? []).map(({ example }) => Int32Array.from(encodeText(example.messages.at(-1)?.content ?? ''))),
    );
    let wanted = mixCount(made.get('train')?.length ?? 0, mix.share);
    for (const row of mix.rows) {
      if (wanted === 0) break;
      const messages = messagesOf(row.instruction, row.response, config.instructions, family);
      const example = generalExample(row, mix, messages);
      if (LONE_SURROGATE.test(row.instruction + row.response)) out.push(mixDropped(row, 'malformed_text'));
      else if (sharesRun([Int32Array.from(encodeText(row.response))], held, MAX_SHARED_TOKENS)[0] === true)
        out.push(mixDropped(row, 'contaminated'));
      else {
        const tokens = family === 'gpt-oss' ? { example: example.id, ...renderExample(messages, config) } : null;
        if (tokens !== null && tokens.ids.length > config.maxTokens) out.push(mixDropped(row, 'too_long'));
        else {
          made.get('train')?.push({ example, row: tokens });
          wanted -= 1;
        }
      }
    }
  }
  const part = (name: Split): Part => {
    const rows = (made.get(name) ?? []).sort((a, b) => byId(a.example, b.example));
    return {
      examples: rows.map(({ example }) => example),
      rows: family === 'gpt-oss' ? rows.flatMap(({ row }) => (row === null ? [] : [row])) : null,
    };
  };
  return {
    parts: { train: part('train'), validation: part('validation'), test: part('test') },
    dropped: out.sort(byId),
    splitBy: split.by,
    contamination,
    shortened,
  };
};

/** The dataset without the examples that the trainer refused to tokenise; each gets its reason. */
export const withoutRows = (dataset: Dataset, refused: readonly Refused[]): Dataset => {
  const reasons = new Map(refused.map((row) => [row.id, row]));
  const out = [...dataset.dropped];
  const part = ({ examples, rows }: Part): Part => ({
    examples: examples.filter((example) => {
      const why = reasons.get(example.id);
      if (why !== undefined) out.push(dropped({ id: example.pairId }, why.reason, `${why.tokens} tokens`));
      return why === undefined;
    }),
    rows: rows === null ? null : rows.filter(({ example }) => !reasons.has(example)),
  });
  const { train, validation, test } = dataset.parts;
  const parts = { train: part(train), validation: part(validation), test: part(test) };
  return { ...dataset, parts, dropped: out.sort(byId) };
};
