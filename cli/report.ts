// `retune report <run>`: the run as one HTML page; reads the store alone.
import { spawn } from 'node:child_process';
import { reportPath } from '../io/runs';
import { openStore } from '../io/store';
import type { Command } from './command';
import { JSON_OPTION, parse } from './command';
import { CommandFailed, EXIT } from './exit';
import { findRecord } from './run-record';

export const report: Command = {
  usage: '<run> [--open] [--json]',
  help: [],
  async run(args, { config: readConfig, output }) {
    const { values, positionals } = parse(args, { ...JSON_OPTION, open: { type: 'boolean', default: false } } as const, { min: 1, max: 1 });
    const [runId = ''] = positionals;
    const store = await openStore(readConfig().store);
    const record = await findRecord(store, runId);
    const path = reportPath(record);
    if ((await store.stat(path)) === null)
      throw new CommandFailed(`${runId} (${record.status}) has no report yet; it is written when the run ends`);
    const file = await store.local(path);
    output.line(file);
    output.event({ type: 'result', runId, report: file });
    if (values.open) {
      const opener = spawn(process.platform === 'darwin' ? 'open' : 'xdg-open', [file], { stdio: 'ignore', detached: true });
      opener.once('error', () => output.note('no browser could be started; open the file yourself'));
      opener.unref();
    }
    return EXIT.ok;
  },
};
