// Which worker am I: `node dist/workers/main.js cpu` or `gpu [index]`.
import { openStore } from '../io/store';
import { readConfig } from '../io/config';
import { createLog } from '../io/log';
import { createRunTrainer } from '../io/trainer';
import { runCpuWorker } from './cpu';
import { runGpuWorker } from './gpu';
import { hostName, type Parts, systemClock } from './parts';
import { installRuntime } from './runtime';

const announce = (queue: string): void => {
  process.stdout.write(`${JSON.stringify({ type: 'ready', queue, pid: process.pid })}\n`);
};

const main = async (role: string | undefined, index: number): Promise<void> => {
  const config = readConfig();
  const log = createLog({ name: role ?? 'worker', secrets: [config.hub.token, config.brightData.token] });
  installRuntime(log);
  const parts: Parts = { config, store: await openStore(config.store), clock: systemClock, log, host: hostName(), runTrainer: createRunTrainer(config, log, index) };
  if (role === 'cpu') return runCpuWorker(parts, announce);
  if (role === 'gpu') return runGpuWorker(parts, index, announce);
  throw new Error('say which worker: cpu, or gpu with the number of its device');
};

main(process.argv[2], Number(process.argv[3] ?? 0)).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`worker: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
