// `retune preview <run>`: training examples as the model sees them, the loss mask in colours; reads the store alone.
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { z } from 'zod';
import type { StageRef } from '../contracts/artifacts';
import { Example, Pair, SPLITS } from '../contracts/records';
import { openStore, type Store } from '../io/store';
import { previewAnsi, previewHtml } from '../lib/preview';
import { type PreviewRow, summarise, summaryMarkup, summaryText } from '../lib/preview-statistics';
import { tokenBytes } from '../lib/tokens';
import { decodeTokenFile } from '../lib/token-file';
import type { Command } from './command';
import { JSON_OPTION, parse, whole } from './command';
import { CommandFailed, EXIT, UsageError } from './exit';
import { findStageRef, readStage } from './run-record';
import { bytesOfBase } from './token-bytes';

async function* rowsOf<T>(store: Store, ref: StageRef | undefined, name: string, schema: z.ZodType<T>): AsyncGenerator<T> {
  const stage = ref === undefined ? null : await readStage(store, ref);
  if (stage === null || (await store.stat(`${stage.folder}/${name}`)) === null) return;
  for await (const line of createInterface({ input: await store.open(`${stage.folder}/${name}`), crlfDelay: Infinity }))
    if (line !== '') yield schema.parse(JSON.parse(line));
}

/** @throws CommandFailed where the file cannot be written */
const writePage = async (file: string, html: string): Promise<void> => {
  try {
    await writeFile(file, html);
  } catch (error) {
    throw new CommandFailed(`--html ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
};

export const preview: Command = {
  usage: '<run> [--split train|validation|test] [--kind name] [--examples 3] [--statistics] [--html file] [--json]',
  help: [
    'Dim is read only; yellow (format) and green (answer) are what the model learns to write. Without colours ⟦ ⟧ enclose them.',
    '--statistics  instead lengths in tokens, and of every kind of pair the best and the worst by score',
    '--html        writes both as one page that stands alone',
  ],
  async run(args, { config: readConfig, output }) {
    const options = {
      ...JSON_OPTION,
      split: { type: 'string', default: 'train' },
      kind: { type: 'string' },
      examples: { type: 'string' },
      statistics: { type: 'boolean', default: false },
      html: { type: 'string' },
    } as const;
    const { values, positionals } = parse(args, options, { min: 1, max: 1 });
    const [runId = ''] = positionals;
    const split = SPLITS.find((one) => one === values.split);
    if (split === undefined) throw new UsageError(`--split ${values.split}: choose among ${SPLITS.join(', ')}`);
    const { kind } = values;
    const kinds: readonly string[] = Example.shape.kind.options;
    if (kind !== undefined && !kinds.includes(kind)) throw new UsageError(`--kind ${kind}: choose among ${kinds.join(', ')}`);
    const most = whole('examples', values.examples, 1) ?? 3;
    const config = readConfig();
    const store = await openStore(config.store);
    const { record, ref } = await findStageRef(store, runId, 'format');
    const stage = await readStage(store, ref);
    const file = stage === null ? null : await store.read(`${stage.folder}/tokens/${split}.safetensors`);
    if (file === null) throw new CommandFailed(`${runId} has no examples in ${split}`);
    const tokens = new Map(decodeTokenFile(file).rows.map((row) => [row.example, row]));
    const bytesOf = record.base === null ? tokenBytes : await bytesOfBase(config, record.base);

    const examples: Example[] = [];
    for await (const example of rowsOf(store, ref, `data/${split}.jsonl`, Example))
      if (kind === undefined || example.kind === kind) examples.push(example);
    if (examples.length === 0 && kind !== undefined) throw new CommandFailed(`${runId} has no example of kind ${kind} in ${split}`);
    const rows = examples.flatMap(({ id }) => tokens.get(id) ?? []);
    const shown = rows.slice(0, most);

    if (values.statistics || values.html !== undefined) {
      const wanted = new Set(examples.map(({ pairId }) => pairId));
      const scores = new Map<string, number>();
      for await (const { id, score } of rowsOf(store, record.stages.pair?.[0], 'pairs.jsonl', Pair))
        if (wanted.has(id)) scores.set(id, score);
      const all = examples.flatMap((example): PreviewRow[] => {
        const row = tokens.get(example.id);
        return row === undefined ? [] : [{ example, tokens: row, score: scores.get(example.pairId) ?? null }];
      });
      const summary = summarise(all);
      if (values.html !== undefined) await writePage(values.html, previewHtml(shown, bytesOf, summaryMarkup(summary)));
      if (values.statistics) for (const line of summaryText(summary)) output.line(line);
      output.event({ type: 'result', runId, split, summary });
      if (values.html !== undefined) output.line(`written: ${values.html}`);
      return EXIT.ok;
    }

    const coloured = output.style('bold', 'x') !== 'x';
    for (const row of shown) {
      output.line(output.style('bold', `example ${row.example.slice(0, 12)}`));
      output.line(previewAnsi(row, bytesOf, coloured));
      output.event({ type: 'example', id: row.example, ids: Array.from(row.ids), roles: Array.from(row.roles) });
    }
    output.line(`${shown.length} of ${rows.length} examples of ${split}`);
    output.event({ type: 'result', runId, split, examples: rows.length });
    return EXIT.ok;
  },
};
