// `retune status <run>`: where a run stands, from the server while it has it, from the store afterwards.
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Progress } from '../contracts/activities';
import { VERBS } from '../contracts/artifacts';
import { QUERY_PROGRESS } from '../contracts/names';
import { openStore } from '../io/store';
import { countsText } from '../lib/wording';
import type { Command } from './command';
import { JSON_OPTION, parse } from './command';
import { requireServer, runUrl, type Server } from './connection';
import { EXIT } from './exit';
import type { Output } from './output';
import { findRecord } from './run-record';
import { stageLine } from './stage-table';

const QUERY_WITHIN_MS = 10_000;

/** Progress of a run that the server knows; null otherwise. */
const fromServer = async (server: Server, runId: string): Promise<{ state: string; progress: Progress | null } | null> => {
  const handle = server.client.workflow.getHandle(runId);
  const description = await handle.describe().catch((error: unknown) => {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  });
  if (description === null) return null;
  const progress = await server.connection
    .withDeadline(Date.now() + QUERY_WITHIN_MS, async () => handle.query<Progress>(QUERY_PROGRESS))
    .catch(() => null);
  return { state: description.status.name.toLowerCase(), progress };
};

const show = (output: Output, runId: string, status: string, reason: string | null): void =>
  output.line(`${output.style('bold', runId)}: ${status.replaceAll('_', ' ')}${reason === null ? '' : `, ${reason}`}`);

export const status: Command = {
  usage: '<run> [--json]',
  help: [],
  async run(args, { config: readConfig, output }) {
    const { positionals } = parse(args, JSON_OPTION, { min: 1, max: 1 });
    const [runId = ''] = positionals;
    const config = readConfig();
    const server = await requireServer(config);
    try {
      const live = await fromServer(server, runId);
      if (live?.progress != null) {
        const { progress } = live;
        show(output, runId, progress.status, progress.reason);
        for (const row of progress.stages)
          output.line(stageLine({ row, beat: undefined, elapsedMs: null, over: live.state !== 'running' }, output));
        output.event({
          type: 'result',
          runId,
          status: progress.status,
          reason: progress.reason,
          stage: progress.stage,
          stages: progress.stages,
          ui: runUrl(server, runId),
        });
        return EXIT.ok;
      }
      if (live?.state === 'running') {
        show(output, runId, 'running', `no worker answers for it: npx retune up`);
        output.event({ type: 'result', runId, status: 'running', reason: 'no worker answers' });
        return EXIT.ok;
      }
      const record = await findRecord(await openStore(config.store), runId);
      show(output, runId, record.status, record.reason);
      for (const verb of VERBS)
        for (const ref of record.stages[verb] ?? [])
          output.line(`${verb.padEnd(10)}${record.computed.includes(verb) ? '' : 'reused: '}${countsText(ref.counts)}`);
      output.event({ type: 'result', runId, status: record.status, reason: record.reason, stages: record.stages });
      return EXIT.ok;
    } finally {
      await server.close();
    }
  },
};
