// `retune worker cpu` and `retune worker gpu [index]`: one worker in the foreground, for a server that others share.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { workerEnvironment } from '../io/config';
import type { Command } from './command';
import { parse } from './command';
import { requireServer } from './connection';
import { EXIT, UsageError } from './exit';
import { onStopSignals } from './interrupt';

export const worker: Command = {
  usage: 'cpu | gpu [index]',
  help: [
    'cpu          workflows and the cpu activities',
    'gpu [index]  one GPU (0 by default); without one set RETUNE_DEVICE=cpu for small models',
    'SIGTERM and Ctrl-C let a training write its checkpoint first.',
  ],
  async run(args, { config: readConfig }) {
    const { positionals } = parse(args, {}, { min: 1, max: 2 });
    const [role, index = '0'] = positionals;
    if (role !== 'cpu' && role !== 'gpu') throw new UsageError(`${role ?? ''} is no kind of worker: cpu or gpu`);
    if (!/^\d+$/.test(index) || (role === 'cpu' && positionals.length > 1))
      throw new UsageError(`${index}: give the number of a device, after gpu`);
    const config = readConfig();
    const server = await requireServer(config);
    await server.close();
    const env = { ...workerEnvironment(), TEMPORAL_ADDRESS: server.address, TEMPORAL_NAMESPACE: server.namespace };
    // Its own group and our pipe, as under the supervisor: Ctrl-C arrives once, and our death ends it.
    const child = spawn(process.execPath, [join(config.root, 'dist', 'workers', 'main.js'), role, index], {
      env,
      detached: true,
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    const signals = onStopSignals(() => child.kill('SIGTERM'));
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (exit) => resolve(exit ?? EXIT.failed));
    });
    signals.release();
    return code;
  },
};
