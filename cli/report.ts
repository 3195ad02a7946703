// `retune report <run>`: the run as one HTML page; reads the store alone.
import { spawn } from 'node:child_process';
import { collectionPath, reportPath } from '../io/runs';
import { openStore } from '../io/store';
import { Collection, collectionText } from '../lib/collection';
import type { Command } from './command';
import { JSON_OPTION, parse } from './command';
import { CommandFailed, EXIT } from './exit';
import { findRecord } from './run-record';

export const report: Command = {
  usage: '<run> [--open] [--json]',
  help: ['Says what changed since the run before, what it cost, and which URLs gave no page.'],
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
