// `retune watch <run>`: follows a run that somebody else started; leaving it does not touch it.
import type { Command } from './command';
import { JSON_OPTION, parse } from './command';
import { requireServer, runUrl } from './connection';
import { follow } from './follow';
import { conclude } from './run';

export const watch: Command = {
  usage: '<run> [--json]',
  help: [],
  async run(args, { config: readConfig, output }) {
    const { positionals } = parse(args, JSON_OPTION, { min: 1, max: 1 });
    const [runId = ''] = positionals;
    const config = readConfig();
    const server = await requireServer(config);
    try {
      const url = runUrl(server, runId);
      if (url !== null) output.line(url);
      return await conclude(config, output, await follow(server, output, runId));
    } finally {
      await server.close();
    }
  },
};
