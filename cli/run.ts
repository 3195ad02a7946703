// `retune run`: one run, followed to its end; attaches where the same input runs already.
import { runWorkflowId, queues, WORKFLOWS } from '../contracts/names';
import { PipelineInput } from '../contracts/input';
import { readRun } from '../io/runs';
import { openStore } from '../io/store';
import type { Config } from '../io/config';
import { digest, hashable } from '../lib/hash';
import type { Command } from './command';
import { JSON_OPTION, parse } from './command';
import { requireServer, runUrl, type Server } from './connection';
import { EXIT, exitCode } from './exit';
import { ended, follow, type Ended } from './follow';
import { onStopSignals } from './interrupt';
import type { Output } from './output';
import { readRawInput, SOURCE_HELP, SOURCE_OPTIONS } from './raw-input';
import { openSession, type Session } from './session';
import { printSummary, type Products, productFields, productsOf } from './summary';

type Raw = Record<string, unknown>;

/** Workflow id of a raw input: its name and its digest, so that the same input is the same run. */
export const runIdOf = (raw: Raw): string => {
  const preset = typeof raw['preset'] === 'string' ? raw['preset'] : null;
  const name = typeof raw['name'] === 'string' ? raw['name'] : (preset ?? PipelineInput.parse({}).name);
  return runWorkflowId(name.toLowerCase().replace(/[^a-z0-9-]+/g, '-'), digest(hashable(raw)));
};

/** Starts the run, or attaches to the one with this id that is running. */
export const startRun = async (server: Server, config: Config, runId: string, raw: unknown): Promise<void> => {
  await server.client.workflow.start(WORKFLOWS.pipeline, {
    workflowId: runId,
    taskQueue: queues(config.queuePrefix).main,
    args: [raw],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `retune ${runId}`,
  });
};

/** Products of a run that ended, as far as the store on this machine knows. */
const productsOfEnded = async (config: Config, { result }: Ended): Promise<Products | null> => {
  const store = await openStore(config.store);
  if (result.store !== '' && result.store !== store.uri) return null;
  const record = await readRun(store, result.runId, result.executionId);
  return record === null ? null : productsOf(store, record);
};

/** Prints the end of a run. */
export const conclude = async (config: Config, output: Output, end: Ended): Promise<number> => {
  const products = await productsOfEnded(config, end);
  if (products !== null) printSummary(output, end.result, products);
  else output.line(`\n${end.result.runId}: ${end.result.status}${end.result.reason === null ? '' : `, ${end.result.reason}`}`);
  if (end.result.status === 'failed' || end.result.status === 'cancelled')
    output.line('\nThe same command goes on from here: finished stages and checkpoints are kept.');
  ended(output, end, products === null ? {} : productFields(products));
  return exitCode(end.result.status);
};

/**
 * Follows a run of which we are in charge: the first Ctrl-C cancels it, the second only stops us.
 * @returns null when we were stopped before the run ended
 */
const followInCharge = async (
  session: Session,
  output: Output,
  runId: string,
  signals: ReturnType<typeof onStopSignals>,
): Promise<Ended | null> => {
  const stop = new AbortController();
  void signals.next(() => {
    output.line('cancelling; a running training writes a checkpoint (Ctrl-C again: stop here, the run stays open) …');
    session.server.client.workflow
      .getHandle(runId)
      .cancel()
      .catch((error: unknown) => output.note(`the cancellation did not arrive: ${String(error)}`));
    void signals.next(() => stop.abort());
  });
  const watching = follow(session.server, output, runId, stop.signal).catch((error: unknown) => {
    if (stop.signal.aborted) return null;
    throw error;
  });
  return Promise.race([watching, ...(session.supervisor === null ? [] : [session.supervisor.failed])]);
};

/**
 * The whole of `run`: server and workers, the run, its end.
 * @param after prints what follows the summary
 */
export const runToEnd = async (
  config: Config,
  output: Output,
  raw: Raw,
  after: (ended: Ended) => void = () => undefined,
): Promise<number> => {
  const runId = runIdOf(raw);
  const aborted = new AbortController();
  const signals = onStopSignals(() => aborted.abort());
  const opening = openSession(config, output, aborted.signal);
  const session = await opening.catch((error: unknown) => {
    if (aborted.signal.aborted) return null;
    throw error;
  });
  if (session === null) return EXIT.cancelled;
  try {
    await startRun(session.server, config, runId, raw);
    const url = runUrl(session.server, runId);
    output.line(`${output.style('bold', runId)}${url === null ? '' : `   watch it live: ${output.style('cyan', url)}`}`);
    output.event({ type: 'started', runId, ui: url });
    const end = await followInCharge(session, output, runId, signals);
    if (end === null) {
      output.line(`stopped; the run ${runId} stays open and goes on at the next start`);
      output.event({ type: 'result', runId, status: 'running', reason: 'stopped by a person; the run stays open' });
      return EXIT.cancelled;
    }
    const code = await conclude(config, output, end);
    after(end);
    return code;
  } finally {
    void signals.next(() => void session.close());
    await session.close();
    signals.release();
  }
};

export const run: Command = {
  usage: '[input.json|-] [--preset name] [--url, --list, --sitemap, --files, --depth] [--set path=value ...] [--detach] [--json]',
  help: [
    'input.json     any part of the input (docs/input.md); - reads it from standard input; nothing means the preset "default"',
    '--preset name  a file of RETUNE_PRESETS; fields given beside it override it',
    '--set          one field, for example --set train.steps=20 --set source.urls=\'["https://example.org/docs/"]\'',
    ...SOURCE_HELP,
    '--detach       only starts it; needs npx retune up or TEMPORAL_ADDRESS',
    '',
    'The same input attaches to a run that is still going, and resumes one that ended: finished stages are found again.',
    'Ctrl-C cancels the run (a training writes a checkpoint); Ctrl-C again stops here and leaves the run open.',
  ],
  async run(args, { config: readConfig, output }) {
    const options = {
      ...JSON_OPTION,
      ...SOURCE_OPTIONS,
      preset: { type: 'string' },
      set: { type: 'string', multiple: true },
      detach: { type: 'boolean', default: false },
    } as const;
    const { values, positionals } = parse(args, options, { min: 0, max: 1 });
    const raw = await readRawInput({ file: positionals[0], preset: values.preset, set: values.set ?? [], source: values });
    const config = readConfig();
    if (!values.detach) return runToEnd(config, output, raw);
    const server = await requireServer(config);
    const runId = runIdOf(raw);
    await startRun(server, config, runId, raw);
    const url = runUrl(server, runId);
    output.line(`${runId} started${url === null ? '' : `: ${url}`}\nfollow it with: npx retune watch ${runId}`);
    output.event({ type: 'started', runId, ui: url });
    await server.close();
    return EXIT.ok;
  },
};
