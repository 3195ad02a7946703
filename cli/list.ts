// `retune list`: the newest runs on the server.
import { WORKFLOWS } from '../contracts/names';
import type { Command } from './command';
import { JSON_OPTION, parse, whole } from './command';
import { requireServer } from './connection';
import { EXIT } from './exit';

export const list: Command = {
  usage: '[--limit 20] [--json]',
  help: [],
  async run(args, { config: readConfig, output }) {
    const { values } = parse(args, { ...JSON_OPTION, limit: { type: 'string' } } as const, { min: 0, max: 0 });
    const limit = whole('limit', values.limit, 1) ?? 20;
    const server = await requireServer(readConfig());
    try {
      const runs: { runId: string; executionId: string; state: string; startedAt: string; closedAt: string | null }[] = [];
      for await (const one of server.client.workflow.list({ query: `WorkflowType='${WORKFLOWS.pipeline}'` })) {
        runs.push({
          runId: one.workflowId,
          executionId: one.runId,
          state: one.status.name.toLowerCase(),
          startedAt: one.startTime.toISOString(),
          closedAt: one.closeTime?.toISOString() ?? null,
        });
        if (runs.length === limit) break;
      }
      if (runs.length === 0) output.line('no runs yet: npx retune run --preset npm-manual');
      for (const one of runs) output.line(`${one.runId.padEnd(36)}${one.state.padEnd(12)}${one.startedAt.replace('T', ' ').slice(0, 19)}`);
      if (runs.some((one) => one.state === 'failed' || one.state === 'cancelled'))
        output.line('\na run goes on with: npx retune resume <run>');
      output.event({ type: 'result', runs });
      return EXIT.ok;
    } finally {
      await server.close();
    }
  },
};
