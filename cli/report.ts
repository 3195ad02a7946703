// `retune report <run>`: the run as one HTML page, or with --dropped what was kept out; reads the store alone.
import { spawn } from 'node:child_process';
import { VERBS, type RunRecord } from '../contracts/artifacts';
import type { Dropped } from '../contracts/records';
import { readDropped } from '../io/exclusion-shelf';
import { collectionPath, reportPath } from '../io/runs';
import { openStore, type Store } from '../io/store';
import { Collection, collectionText } from '../lib/collection';
import { fatesText, tallyFates } from '../lib/fates';
import type { Command } from './command';
import { JSON_OPTION, parse, whole } from './command';
import { CommandFailed, EXIT, UsageError } from './exit';
import type { Output } from './output';
import { findRecord } from './run-record';

async function* droppedRows(store: Store, { stages }: RunRecord): AsyncGenerator<Dropped> {
  for (const verb of VERBS) for (const ref of stages[verb] ?? []) yield* readDropped(store, ref);
}

/** What was kept out, by stage and reason; with --json the same as one event. */
const showDropped = async (
  store: Store,
  record: RunRecord,
  output: Output,
  { stage, reason, examples }: { stage: string | undefined; reason: string | undefined; examples: number },
): Promise<void> => {
  const filter = { ...(stage === undefined ? {} : { stage }), ...(reason === undefined ? {} : { reason }) };
  const fates = await tallyFates(droppedRows(store, record), examples, filter);
  for (const line of fatesText(fates)) output.line(line);
  output.event({ type: 'result', runId: record.runId, dropped: fates });
};

export const report: Command = {
  usage: '<run> [--open] [--dropped [--stage name] [--reason name] [--examples 3]] [--json]',
  help: [
    'Says what changed since the run before, what it cost, and which URLs gave no page.',
    '--dropped  what was kept out, by stage and reason, with examples; --stage and --reason narrow it, --examples 1000 shows more',
  ],
  async run(args, { config: readConfig, output }) {
    const options = {
      ...JSON_OPTION,
      open: { type: 'boolean', default: false },
      dropped: { type: 'boolean', default: false },
      stage: { type: 'string' },
      reason: { type: 'string' },
      examples: { type: 'string' },
    } as const;
    const { values, positionals } = parse(args, options, { min: 1, max: 1 });
    const { stage, reason } = values;
    if (!values.dropped && (stage ?? reason ?? values.examples) !== undefined)
      throw new UsageError('--stage, --reason and --examples belong to --dropped');
    if (stage !== undefined && !(VERBS as readonly string[]).includes(stage))
      throw new UsageError(`--stage ${stage}: choose among ${VERBS.join(', ')}`);
    const [runId = ''] = positionals;
    const store = await openStore(readConfig().store);
    const record = await findRecord(store, runId);
    if (values.dropped) {
      await showDropped(store, record, output, { stage, reason, examples: whole('examples', values.examples, 0) ?? 3 });
      return EXIT.ok;
    }
    const path = reportPath(record);
    if ((await store.stat(path)) === null)
      throw new CommandFailed(`${runId} (${record.status}) has no report yet; it is written when the run ends`);
    const file = await store.local(path);
    output.line(file);
    const bytes = await store.read(collectionPath(record));
    const collection = bytes === null ? null : Collection.parse(JSON.parse(bytes.toString('utf8')));
    if (collection !== null) for (const line of collectionText(collection)) output.line(line);
    output.event({ type: 'result', runId, report: file, collection });
    if (values.open) {
      const opener = spawn(process.platform === 'darwin' ? 'open' : 'xdg-open', [file], { stdio: 'ignore', detached: true });
      opener.once('error', () => output.note('no browser could be started; open the file yourself'));
      opener.unref();
    }
    return EXIT.ok;
  },
};
