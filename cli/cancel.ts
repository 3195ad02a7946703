// `retune cancel <run>`: asks a run to end; what is finished stays reusable.
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Command } from './command';
import { JSON_OPTION, parse } from './command';
import { requireServer } from './connection';
import { CommandFailed, EXIT } from './exit';

export const cancel: Command = {
  usage: '<run> [--json]',
  help: [],
  async run(args, { config: readConfig, output }) {
    const { positionals } = parse(args, JSON_OPTION, { min: 1, max: 1 });
    const [runId = ''] = positionals;
    const server = await requireServer(readConfig());
    try {
      await server.client.workflow
        .getHandle(runId)
        .cancel()
        .catch((error: unknown) => {
          if (error instanceof WorkflowNotFoundError) throw new CommandFailed(`${runId} is not running; npx retune list shows the runs`);
          throw error;
        });
      output.line(`${runId} is asked to end; npx retune watch ${runId} shows when it has`);
      output.event({ type: 'result', runId, status: 'cancelling' });
      return EXIT.ok;
    } finally {
      await server.close();
    }
  },
};
