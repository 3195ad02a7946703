// Pairs in, the dataset out: chat examples for people and the Hub, token files for the trainer, row i = row i.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { CpuActivities, KeyedTask } from '../contracts/activities';
import type { BaseModel } from '../contracts/artifacts';
import { failure } from '../contracts/errors';
import type { PipelineInput } from '../contracts/input';
import { type Example, Pair, SPLITS, type Split } from '../contracts/records';
import { materialise } from '../io/base-model';
import type { Config } from '../io/config';
import type { RunTrainer } from '../io/trainer';
import { type Dataset, format, harmonyMeta, type Mix, messagesOf, type Refused, withoutRows } from '../lib/format';
import { missingMarks, renderExample } from '../lib/harmony';
import { digest } from '../lib/hash';
import { toLine } from '../lib/jsonl';
import { mixUrl, readMix } from '../lib/mix';
import { toParquet } from '../lib/parquet';
import { type BytesOf, previewHtml } from '../lib/preview';
import { statistics, type TokenCount } from '../lib/statistics';
import { decodeTokenFile, encodeTokenFile, supervised, type TokenRow } from '../lib/token-file';
import { tokenBytes } from '../lib/tokens';
import { readVocabulary } from '../lib/vocabulary';
import { mixPath } from './mix';
import { type Box, countReason, reasonText, runStage, type StageDeps, stageRows } from './stage';
import { stopOf } from './trainer-failure';

export interface FormatDeps extends StageDeps {
  config: Config;
  runTrainer: RunTrainer;
}

const General = z.strictObject({ instruction: z.string(), response: z.string() });

/** Short general questions and answers that ship with us: what the model must not forget. */
const generalRows = async (root: string): Promise<{ id: string; instruction: string; response: string }[]> => {
  const lines = (await readFile(join(root, 'examples', 'general.jsonl'), 'utf8')).split('\n').filter((line) => line !== '');
  return lines
    .map((line) => General.parse(JSON.parse(line)))
    .map((row) => ({ id: digest(row), ...row }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
};

/** The data of `mix` that the workflow brought into the store; null where none is asked for. */
const readGeneral = async ({ store }: FormatDeps, task: KeyedTask): Promise<{ mix: Mix; refused: number } | null> => {
  const digest = task.digests['mix'];
  const { source, share } = task.config.mix as PipelineInput['mix'];
  if (digest === undefined || source === null) return null;
  const data = await store.read(mixPath(digest));
  if (data === null) throw failure('ArtifactCorrupt', `${mixPath(digest)} is gone from the store; start the run again`);
  const { rows, refused } = readMix(data.toString('utf8').split('\n'));
  if (rows.length === 0)
    throw failure('InvalidInput', `mix.source ${source} has no row of messages, prompt and completion, or instruction and output`);
  return { mix: { rows, share, url: mixUrl(source), sha256: digest }, refused };
};

interface Formatted {
  dataset: Dataset;
  files: TokenFiles;
  /** For the preview. */
  bytesOf: BytesOf;
}

type TokenFiles = Record<Split | 'general', Uint8Array>;

export const createFormat = (deps: FormatDeps): Pick<CpuActivities, 'format'> => ({
  async format(task, base) {
    return runStage(deps, task, async (box) => {
      const from = task.inputs['pairs'];
      if (from === undefined) throw failure('ArtifactCorrupt', 'format was asked without pairs');
      const config = task.config.format as PipelineInput['format'];
      const pairs: Pair[] = [];
      for await (const pair of stageRows(deps.store, from, 'pairs.jsonl', Pair)) pairs.push(pair);
      const mix = await readGeneral(deps, task);
      const split = format(pairs, config, base.family, mix?.mix);
      const general = await generalRows(deps.config.root);
      const { dataset, files, bytesOf } =
        base.family === 'gpt-oss' ? harmonyFiles(split, general, config, base) : await chatFiles(deps, task, box, base, split, general);

      for (const one of dataset.dropped) countReason(box.reasons, one.reason);
      const { train, test } = dataset.parts;
      if (train.examples.length === 0)
        throw failure(
          'DatasetTooSmall',
          `${pairs.length} pairs gave no training example: ${reasonText(box.reasons) || 'every page fell into test or validation'}`,
        );
      await write(box, dataset, files, bytesOf);
      const held = { train: train.examples.length, validation: dataset.parts.validation.examples.length, test: test.examples.length };
      box.counts = { pairs: pairs.length, ...held, dropped: dataset.dropped.length, ...box.counts };
      if (dataset.shortened > 0) box.counts['shortened'] = dataset.shortened;
      if (mix !== null) {
        box.counts['general'] = train.examples.filter(({ kind }) => kind === 'general').length;
        box.counts['general_refused'] = mix.refused;
      }
      box.metrics = { splitBy: dataset.splitBy, contamination: dataset.contamination, ...box.metrics };
    });
  },
});

/** GPT-OSS: ids and roles by construction, in this process. */
const harmonyFiles = (
  dataset: Dataset,
  general: Awaited<ReturnType<typeof generalRows>>,
  config: PipelineInput['format'],
  base: BaseModel,
): Formatted => {
  const meta = harmonyMeta(base, config.maxTokens);
  const rows = (split: Split): TokenRow[] => dataset.parts[split].rows ?? [];
  for (const split of SPLITS)
    for (const row of rows(split)) {
      const missing = missingMarks(Array.from(row.ids));
      if (missing.length > 0) throw failure('FormatMismatch', `example ${row.example} lacks ${missing.join(', ')}`);
    }
  const probe = general.map(({ id, instruction, response }) => ({
    example: id,
    ...renderExample(messagesOf(instruction, response, config.instructions, 'gpt-oss'), config),
  }));
  return {
    dataset,
    bytesOf: tokenBytes,
    files: {
      train: encodeTokenFile(rows('train'), meta),
      validation: encodeTokenFile(rows('validation'), meta),
      test: encodeTokenFile(rows('test'), meta),
      general: encodeTokenFile(
        probe.filter((row) => row.ids.length <= config.maxTokens),
        meta,
      ),
    },
  };
};

/** Other models: the trainer knows their template; rows that it refuses leave the dataset with its reason. */
const chatFiles = async (
  deps: FormatDeps,
  task: KeyedTask,
  box: Box,
  base: BaseModel,
  dataset: Dataset,
  general: Awaited<ReturnType<typeof generalRows>>,
): Promise<Formatted> => {
  const config = task.config.format as PipelineInput['format'];
  const work = join(deps.config.home, 'work', 'format', `${task.key}-${box.fence}`);
  await mkdir(work, { recursive: true });
  const lines: Record<string, string[]> = Object.fromEntries(
    SPLITS.map((split) => [split, dataset.parts[split].examples.map(({ id, messages }) => toLine({ id, messages }))]),
  );
  lines['general'] = general.map(({ id, instruction, response }) =>
    toLine({ id, messages: messagesOf(instruction, response, config.instructions, 'chat') }),
  );
  const splits: Record<string, string> = {};
  for (const [name, rows] of Object.entries(lines)) {
    splits[name] = join(work, `${name}.jsonl`);
    await writeFile(splits[name], rows.join(''));
  }
  const local = await materialise(deps, base.id, base.revision, { signal: box.pulse.signal });
  const out = join(work, 'out');
  const result = await deps.runTrainer({
    command: 'tokenize',
    config: {
      schema: 1,
      command: 'tokenize',
      out,
      base: { folder: local.folder, family: base.family, id: base.publicId, revision: base.revision, weightsDigest: base.weightsDigest },
      splits,
      maxTokens: config.maxTokens,
    },
    signal: box.pulse.signal,
    onEvent: (event) => {
      if (event.type === 'progress') box.pulse.details({ text: event.what, done: event.done, total: event.total });
    },
  });
  if (result.outcome !== 'done') throw stopOf('tokenize', result, box.pulse.signal);
  const refused: Refused[] = [];
  for (const split of SPLITS)
    for (const line of (await readFile(join(out, `${split}.dropped.jsonl`), 'utf8')).split('\n'))
      if (line !== '') refused.push(JSON.parse(line) as Refused);
  const [train, validation, test, probe] = await Promise.all(
    ['train', 'validation', 'test', 'general'].map(async (name) => readFile(join(out, `${name}.safetensors`))),
  );
  await rm(work, { recursive: true, force: true });
  if (train === undefined || validation === undefined || test === undefined || probe === undefined)
    throw failure('ArtifactCorrupt', 'tokenize left out a token file');
  const bytesOf = readVocabulary(JSON.parse(await readFile(join(local.folder, 'tokenizer.json'), 'utf8')));
  return { dataset: withoutRows(dataset, refused), bytesOf, files: { train, validation, test, general: probe } };
};

/** Row i of JSONL and Parquet is row i of the token file: checked, since everything later relies on it. */
const checkRows = (split: Split, examples: readonly Example[], rows: readonly TokenRow[]): void => {
  if (rows.length !== examples.length || rows.some((row, at) => row.example !== examples[at]?.id))
    throw failure(
      'FormatMismatch',
      `tokens/${split}.safetensors has ${rows.length} rows, data/${split}.jsonl ${examples.length}, or their order differs`,
    );
};

const write = async (box: Box, dataset: Dataset, files: TokenFiles, bytesOf: BytesOf): Promise<void> => {
  const counts = new Map<string, TokenCount>();
  let preview: TokenRow[] = [];
  for (const split of SPLITS) {
    const { examples } = dataset.parts[split];
    const { rows } = decodeTokenFile(files[split]);
    checkRows(split, examples, rows);
    for (const row of rows) counts.set(row.example, { tokens: row.ids.length, supervised: supervised(row.roles) });
    if (split === 'train') preview = rows.slice(0, 10);
    await box.putRows(`data/${split}.jsonl`, examples);
    await box.put(`data/${split}.parquet`, toParquet(examples));
    // An empty split has no token file: nobody can mistake it for one without an answer.
    if (examples.length > 0) await box.put(`tokens/${split}.safetensors`, files[split]);
  }
  await box.put('tokens/general.safetensors', files.general);
  const summary = statistics(dataset, counts);
  await box.put('statistics.json', `${JSON.stringify(summary, null, 2)}\n`);
  await box.putRows('dropped.jsonl', dataset.dropped);
  await box.put('preview.html', previewHtml(preview, bytesOf));
  const all = Object.values(summary.splits);
  box.counts = {
    tokens: all.reduce((sum, one) => sum + one.tokens, 0),
    supervised_tokens: all.reduce((sum, one) => sum + one.supervisedTokens, 0),
  };
};
