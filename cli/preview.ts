// `retune preview <run>`: training examples as the model sees them, the loss mask in colours; reads the store alone.
import { SPLITS } from '../contracts/records';
import { openStore } from '../io/store';
import { previewAnsi } from '../lib/preview';
import { tokenBytes } from '../lib/tokens';
import { decodeTokenFile } from '../lib/token-file';
import type { Command } from './command';
import { JSON_OPTION, parse, whole } from './command';
import { CommandFailed, EXIT, UsageError } from './exit';
import { findStageRef, readStage } from './run-record';
import { bytesOfBase } from './token-bytes';

export const preview: Command = {
  usage: '<run> [--split train|validation|test] [--examples 3] [--json]',
  help: ['Dim is read only; yellow (format) and green (answer) are what the model learns to write. Without colours ⟦ ⟧ enclose them.'],
  async run(args, { config: readConfig, output }) {
    const { values, positionals } = parse(
      args,
      { ...JSON_OPTION, split: { type: 'string', default: 'train' }, examples: { type: 'string' } } as const,
      { min: 1, max: 1 },
    );
    const [runId = ''] = positionals;
    const split = SPLITS.find((one) => one === values.split);
    if (split === undefined) throw new UsageError(`--split ${values.split}: choose among ${SPLITS.join(', ')}`);
    const examples = whole('examples', values.examples, 1) ?? 3;
    const config = readConfig();
    const store = await openStore(config.store);
    const { record, ref } = await findStageRef(store, runId, 'format');
    const stage = await readStage(store, ref);
    const file = stage === null ? null : await store.read(`${stage.folder}/tokens/${split}.safetensors`);
    if (file === null) throw new CommandFailed(`${runId} has no examples in ${split}`);
    const { rows } = decodeTokenFile(file);
    const bytesOf = record.base === null ? tokenBytes : await bytesOfBase(config, record.base);
    const coloured = output.style('bold', 'x') !== 'x';
    for (const row of rows.slice(0, examples)) {
      output.line(output.style('bold', `example ${row.example.slice(0, 12)}`));
      output.line(previewAnsi(row, bytesOf, coloured));
      output.event({ type: 'example', id: row.example, ids: Array.from(row.ids), roles: Array.from(row.roles) });
    }
    output.line(`${Math.min(examples, rows.length)} of ${rows.length} examples of ${split}`);
    output.event({ type: 'result', runId, split, examples: rows.length });
    return EXIT.ok;
  },
};
