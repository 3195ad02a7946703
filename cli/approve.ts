// `retune approve <run>` and `retune reject <run>`: the answer to a run that waits before publishing.
import { userInfo } from 'node:os';
import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { UPDATE_APPROVE, UPDATE_REJECT } from '../contracts/names';
import type { Command } from './command';
import { JSON_OPTION, parse } from './command';
import { requireServer } from './connection';
import { CommandFailed, EXIT } from './exit';

const decide = (update: string): Command => ({
  usage: '<run> [--by name] [--note text] [--json]',
  help: ['--by    who decides; the name of your account by default', '--note  why; both are kept with the prepared model'],
  async run(args, { config: readConfig, output }) {
    const { values, positionals } = parse(args, { ...JSON_OPTION, by: { type: 'string' }, note: { type: 'string' } } as const, {
      min: 1,
      max: 1,
    });
    const [runId = ''] = positionals;
    const server = await requireServer(readConfig());
    try {
      const answer = await server.client.workflow
        .getHandle(runId)
        .executeUpdate<string, [{ by: string; note?: string }]>(update, {
          args: [{ by: values.by ?? userInfo().username, ...(values.note === undefined ? {} : { note: values.note }) }],
        })
        .catch((error: unknown) => {
          if (error instanceof WorkflowNotFoundError) throw new CommandFailed(`${runId} is not running; npx retune list shows the runs`);
          if (error instanceof WorkflowUpdateFailedError) throw new CommandFailed(`${runId}: ${error.cause?.message ?? error.message}`);
          throw error;
        });
      output.line(`${runId}: ${answer}`);
      output.event({ type: 'result', runId, answer });
      return EXIT.ok;
    } finally {
      await server.close();
    }
  },
});

export const approve = decide(UPDATE_APPROVE);
export const reject = decide(UPDATE_REJECT);
