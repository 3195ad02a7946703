// Tokens of models other than GPT-OSS: the trainer knows their template. What it finds too long goes back in all its shorter
// forms, and the longest that fits stays.
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { failure } from '../contracts/errors';
import type { Example, Message, Pair } from '../contracts/records';
import { materialise } from '../io/base-model';
import { FileParts } from '../io/file-parts';
import { NumberColumn } from '../lib/columns';
import { drawMix } from '../lib/draw-mix';
import { exampleOf, messagesOf, pairExample } from '../lib/format';
import { parseLines, toLine } from '../lib/jsonl';
import { mixDropped } from '../lib/mix';
import { shorterAnswers } from '../lib/shorten';
import { formatDropped } from '../lib/split-pairs';
import { readTokenFile, type TokenFileMeta, type TokenRow } from '../lib/token-file';
import { readVocabulary } from '../lib/vocabulary';
import type { Formatting, Tokenised } from './formatting';
import { paced, stepwise } from './paced';
import { stopOf } from './trainer-failure';

/** A row of <split>.dropped.jsonl as the trainer writes it. */
const Refused = z.object({ id: z.string(), reason: z.string(), tokens: z.int() });
type Refused = z.infer<typeof Refused>;

type Asked = Iterable<{ id: string; messages: readonly Message[] }>;
type Answer = { row: TokenRow } | { refused: Refused };

/** What the trainer made of a file of rows: row by row, in the order in which they were asked for. */
class Answers {
  private row: IteratorResult<TokenRow, void> | null = null;
  private refused: IteratorResult<Refused, void> | null = null;

  constructor(
    readonly meta: TokenFileMeta,
    private readonly rows: Iterator<TokenRow, void>,
    private readonly refusals: AsyncIterator<Refused, void>,
  ) {}

  async of(id: string): Promise<Answer> {
    this.row ??= this.rows.next();
    if (this.row.done !== true && this.row.value.example === id) {
      const { value: row } = this.row;
      this.row = null;
      return { row };
    }
    this.refused ??= await this.refusals.next();
    if (this.refused.done === true || this.refused.value.id !== id)
      throw failure('FormatMismatch', `tokenize answered other rows than it was asked for, first at example ${id}`);
    const { value: refused } = this.refused;
    this.refused = null;
    return { refused };
  }
}

/** One call of the trainer. @returns how to read what it made of each file, by name */
const tokenise = async (
  { deps, box, base, config, work }: Formatting,
  folder: string,
  round: string,
  asked: Record<string, Asked>,
  files: FileParts,
): Promise<{ out: string; open: (name: string) => Promise<Answers> }> => {
  const [from, out] = [join(work, round), join(work, round, 'out')];
  await mkdir(from, { recursive: true });
  const splits: Record<string, string> = {};
  for (const [name, rows] of Object.entries(asked)) {
    splits[name] = join(from, `${name}.jsonl`);
    const lines = async function* (): AsyncGenerator<string> {
      for await (const { id, messages } of paced(rows, box.pulse.signal)) yield toLine({ id, messages });
    };
    await pipeline(lines(), createWriteStream(splits[name]));
  }
  const { publicId: id, family, revision, weightsDigest } = base;
  const result = await deps.runTrainer({
    command: 'tokenize',
    config: {
      schema: 1,
      command: 'tokenize',
      out,
      base: { folder, family, id, revision, weightsDigest },
      splits,
      maxTokens: config.maxTokens,
    },
    signal: box.pulse.signal,
    onEvent: (event) => {
      if (event.type === 'progress') box.pulse.details({ text: event.what, done: event.done, total: event.total });
    },
  });
  if (result.outcome !== 'done') throw stopOf('tokenize', result, box.pulse.signal);
  const open = async (name: string): Promise<Answers> => {
    const path = join(out, `${name}.safetensors`);
    const { meta, rows } = readTokenFile((await stat(path)).size, (start, bytes) => files.read(path, start, bytes));
    return new Answers(meta, rows(), parseLines(createReadStream(join(out, `${name}.dropped.jsonl`)), Refused));
  };
  return { out, open };
};

export const chatTokens = async (formatting: Formatting): Promise<Tokenised> => {
  const { deps, base, box, config, split, parts, drop, mix, general } = formatting;
  const { signal } = box.pulse;
  const { folder } = await materialise(deps, base.id, base.revision, { signal });
  const files = new FileParts();
  try {
    const mixed: { id: string; example: Example }[] = [];
    if (mix !== null)
      await stepwise(
        drawMix(mix, split.count('train'), split, drop, (turn, provenance) => {
          mixed.push({ id: provenance.pairId, example: exampleOf(turn, provenance, 'train', config.instructions, 'chat') });
          return true;
        }),
        signal,
      );
    const first = await tokenise(
      formatting,
      folder,
      'whole',
      {
        pages: pageRows(formatting),
        mix: mixed.map(({ example }) => example),
        general: general.map(({ id, instruction, response }) => ({
          id,
          messages: messagesOf(instruction, response, config.instructions, 'chat'),
        })),
      },
      files,
    );
    const answers = await first.open('pages');
    const long = { rows: new Set<number>(), tokens: new NumberColumn() };
    let at = 0;
    for await (const { pair, split: name } of paced(split.kept(), signal)) {
      const example = pairExample(pair, name, config, 'chat');
      const answer = await answers.of(example.id);
      if ('row' in answer) parts[name].add(example, answer.row);
      else if (answer.refused.reason === 'too_long') {
        long.rows.add(at);
        long.tokens.push(answer.refused.tokens);
      } else drop(formatDropped(pair, answer.refused.reason, `${answer.refused.tokens} tokens`));
      at += 1;
    }
    const drawn = await first.open('mix');
    for (const { id, example } of mixed) {
      const answer = await drawn.of(example.id);
      if ('row' in answer) parts.train.add(example, answer.row);
      else drop(mixDropped({ id }, answer.refused.reason));
    }
    const shortened = long.rows.size === 0 ? 0 : await cut(formatting, folder, files, long);
    const probe = await readFile(join(first.out, 'general.safetensors'));
    const bytesOf = readVocabulary(JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8')));
    return { shortened, meta: answers.meta, bytesOf, probe };
  } finally {
    files.close();
  }
};

function* pageRows({ split, config }: Formatting): Generator<Example, void, undefined> {
  for (const { pair, split: name } of split.kept()) yield pairExample(pair, name, config, 'chat');
}

/** The rows of `long` with their shorter answers, longest first. */
const cut = async (
  formatting: Formatting,
  folder: string,
  files: FileParts,
  long: { rows: ReadonlySet<number>; tokens: NumberColumn },
): Promise<number> => {
  const { split, parts, config, drop, box } = formatting;
  const tooLong = function* (): Generator<{ pair: Pair; name: keyof typeof parts; forms: Example[] }, void, undefined> {
    let at = 0;
    for (const { pair, split: name } of split.kept())
      if (long.rows.has(at++)) {
        const forms = Array.from(shorterAnswers(pair.response), (response) => pairExample({ ...pair, response }, name, config, 'chat'));
        yield { pair, name, forms };
      }
  };
  const forms = function* (): Generator<Example, void, undefined> {
    for (const one of tooLong()) yield* one.forms;
  };
  const answers = await (await tokenise(formatting, folder, 'shorter', { forms: forms() }, files)).open('forms');
  let [seen, shortened] = [0, 0];
  for await (const { pair, name, forms: own } of paced(tooLong(), box.pulse.signal)) {
    let done = false;
    for (const example of own) {
      const answer = await answers.of(example.id);
      if (done || !('row' in answer)) continue;
      parts[name].add(example, answer.row);
      done = true;
    }
    if (done) shortened += 1;
    else drop(formatDropped(pair, 'too_long', `${long.tokens.at(seen)} tokens`));
    seen += 1;
  }
  return shortened;
};
