// Pairs in, the dataset out: chat examples for people and the Hub, token files for the trainer, row i = row i. Texts and
// tokens wait in a file of the worker; in memory there are columns, about 300 bytes a pair.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { CpuActivities, KeyedTask } from '../contracts/activities';
import { failure } from '../contracts/errors';
import type { PipelineInput } from '../contracts/input';
import { type Dropped, Pair, SPLITS } from '../contracts/records';
import { SpillFile } from '../io/spill-file';
import { emptyParts } from '../lib/dataset-rows';
import type { Mix } from '../lib/draw-mix';
import { harmonyExamples, harmonyMeta, messagesOf } from '../lib/format';
import { missingMarks, renderExample } from '../lib/harmony';
import { digest } from '../lib/hash';
import { LineError, textLines } from '../lib/jsonl';
import { type GeneralRow, GeneralRows, mixCount, mixUrl } from '../lib/mix';
import { parquetChunks } from '../lib/parquet';
import { previewHtml } from '../lib/preview';
import { Rows } from '../lib/spill';
import { SplitPairs } from '../lib/split-pairs';
import { StatisticsCounter } from '../lib/statistics';
import { encodeTokenFile, tokenFileChunks, type TokenRow } from '../lib/token-file';
import { tokenBytes } from '../lib/tokens';
import { chatTokens } from './chat-tokens';
import type { FormatDeps, Formatting, Tokenised } from './formatting';
import { mixPath } from './mix';
import { paced, stepwise } from './paced';
import { type Box, countReason, reasonText, runStage, stageRows } from './stage';

/** Examples whose mask the stage shows. */
const PREVIEWED = 10;
/** Pairs between two words to the person. */
const TOLD = 1000;

const General = z.strictObject({ instruction: z.string(), response: z.string() });

/** Short general questions and answers that ship with us: what the model must not forget. */
const generalRows = async (root: string): Promise<GeneralRow[]> => {
  const lines = (await readFile(join(root, 'examples', 'general.jsonl'), 'utf8')).split('\n').filter((line) => line !== '');
  return lines
    .map((line) => General.parse(JSON.parse(line)))
    .map((row) => ({ id: digest(row), ...row }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
};

/** The data of `mix` that the workflow brought into the store; null where none is asked for. */
const readGeneral = async ({ store }: FormatDeps, task: KeyedTask, box: Box, spill: SpillFile): Promise<Mix | null> => {
  const digest = task.digests['mix'];
  const { source, share } = task.config.mix as PipelineInput['mix'];
  if (digest === undefined || source === null) return null;
  if ((await store.stat(mixPath(digest))) === null)
    throw failure('ArtifactCorrupt', `${mixPath(digest)} is gone from the store; start the run again`);
  const rows = new GeneralRows(spill);
  try {
    for await (const line of textLines(await store.open(mixPath(digest)))) {
      box.pulse.signal.throwIfAborted();
      rows.add(line);
    }
  } catch (error) {
    if (error instanceof LineError) throw failure('InvalidInput', `mix.source ${source}, ${error.message}`, { cause: error });
    throw error;
  }
  if (rows.size === 0)
    throw failure('InvalidInput', `mix.source ${source} has no row of messages, prompt and completion, or instruction and output`);
  return { rows, share, url: mixUrl(source), sha256: digest };
};

export const createFormat = (deps: FormatDeps): Pick<CpuActivities, 'format'> => ({
  async format(task, base) {
    return runStage(deps, task, async (box) => {
      const work = join(deps.config.home, 'work', 'format', `${task.key}-${box.fence}`);
      const spill = new SpillFile(work);
      try {
        const dropped = new Rows<Dropped>(spill);
        const drop = (one: Dropped): void => {
          dropped.add(one);
          countReason(box.reasons, one.reason);
        };
        const config = task.config.format as PipelineInput['format'];
        const mix = await readGeneral(deps, task, box, spill);
        const split = await splitPairs(deps, task, box, new SplitPairs(spill, drop, config));
        const parts = emptyParts(spill);
        const formatting = { deps, box, base, config, split, parts, drop, mix, general: await generalRows(deps.config.root), work };
        const tokenised = base.family === 'gpt-oss' ? await harmonyTokens(formatting) : await chatTokens(formatting);
        if (parts.train.size === 0)
          throw failure(
            'DatasetTooSmall',
            `${split.size} pairs gave no training example: ${reasonText(box.reasons) || 'every page fell into test or validation'}`,
          );
        await write(formatting, tokenised);
        await box.putRows('dropped.jsonl', paced(dropped.lines(), box.pulse.signal));
        const held = { train: parts.train.size, validation: parts.validation.size, test: parts.test.size };
        box.counts = { pairs: split.size, ...held, dropped: dropped.size, ...box.counts };
        if (tokenised.shortened > 0) box.counts['shortened'] = tokenised.shortened;
        if (mix !== null) {
          const general = box.counts['general'] ?? 0;
          box.counts = { ...box.counts, general, general_refused: mix.rows.refused };
          const missing = mixCount(held.train - general, mix.share) - general;
          if (missing > 0) box.counts['general_missing'] = missing;
        }
      } finally {
        spill.close();
        await rm(work, { recursive: true, force: true });
      }
    });
  },
});

const splitPairs = async (deps: FormatDeps, task: KeyedTask, box: Box, split: SplitPairs): Promise<SplitPairs> => {
  const from = task.inputs['pairs'];
  if (from === undefined) throw failure('ArtifactCorrupt', 'format was asked without pairs');
  for await (const pair of stageRows(deps.store, from, 'pairs.jsonl', Pair)) {
    box.pulse.signal.throwIfAborted();
    split.add(pair);
    if (split.size % TOLD === 0) box.pulse.details({ text: 'pairs', done: split.size, total: null });
  }
  await stepwise(split.settle(), box.pulse.signal);
  box.metrics = { splitBy: split.by, contamination: split.contamination };
  return split;
};

/** GPT-OSS: ids and roles by construction, in this process. */
const harmonyTokens = async ({ split, parts, config, drop, mix, base, general, box }: Formatting): Promise<Tokenised> => {
  const shortened = await stepwise(harmonyExamples(split, parts, config, drop, mix), box.pulse.signal);
  const meta = harmonyMeta(base, config.maxTokens);
  const probe = general.map(({ id, instruction, response }) => ({
    example: id,
    ...renderExample(messagesOf(instruction, response, config.instructions, 'gpt-oss'), config),
  }));
  const fitting = probe.filter((row) => row.ids.length <= config.maxTokens);
  return { shortened, meta, bytesOf: tokenBytes, probe: encodeTokenFile(fitting, meta) };
};

const write = async ({ box, base, parts, split }: Formatting, { meta, bytesOf, probe }: Tokenised): Promise<void> => {
  const { signal } = box.pulse;
  const statistics = new StatisticsCounter();
  for (const name of SPLITS) {
    const part = parts[name];
    await stepwise(statistics.addSplit(name, part.counted()), signal);
    await box.putRows(`data/${name}.jsonl`, paced(part.lines(), signal));
    await box.put(`data/${name}.parquet`, paced(parquetChunks(part.records()), signal));
    // An empty split has no token file: nobody can mistake it for one without an answer.
    if (part.size === 0) continue;
    const rows = part.tokenRows();
    const each = base.family === 'gpt-oss' ? (): Iterable<TokenRow> => marked(rows.each()) : rows.each;
    await box.put(`tokens/${name}.safetensors`, paced(tokenFileChunks({ ...rows, each }, meta), signal));
  }
  await box.put('tokens/general.safetensors', probe);
  const summary = statistics.result(split.by, split.contamination);
  await box.put('statistics.json', `${JSON.stringify(summary, null, 2)}\n`);
  const preview: TokenRow[] = [];
  for (const row of parts.train.tokenRows().each()) if (preview.push(row) === PREVIEWED) break;
  await box.put('preview.html', previewHtml(preview, bytesOf));
  const all = SPLITS.map((name) => parts[name]);
  box.counts = {
    tokens: all.reduce((sum, { tokens }) => sum + tokens, 0),
    supervised_tokens: all.reduce((sum, { supervisedTokens }) => sum + supervisedTokens, 0),
  };
  const { general } = summary.kinds;
  if (general !== undefined) box.counts['general'] = general;
};

function* marked(rows: Iterable<TokenRow>): Generator<TokenRow, void, undefined> {
  for (const row of rows) {
    const missing = missingMarks(Array.from(row.ids));
    if (missing.length > 0) throw failure('FormatMismatch', `example ${row.example} lacks ${missing.join(', ')}`);
    yield row;
  }
}
