// Which worker am I: `node dist/workers/main.js cpu` or `gpu [index]`. Exit 2 = it can never run here as configured.
import { ConfigError, readConfig } from '../io/config';
import { listGpus } from '../io/gpu';
import { createLog } from '../io/log';
import { openStore } from '../io/store';
import { trainerOf } from '../io/trainer';
import { runCpuWorker } from './cpu';
import { runGpuWorker } from './gpu';
import { hostName, type Parts, systemClock } from './parts';
import { installRuntime } from './runtime';

const announce = (queue: string): void => {
  process.stdout.write(`${JSON.stringify({ type: 'ready', queue, pid: process.pid })}\n`);
};

const main = async (role: string | undefined, index: number): Promise<void> => {
  if (role !== 'cpu' && role !== 'gpu')
    throw new ConfigError([{ variable: 'worker', problem: 'is cpu, or gpu with the number of its device' }]);
  const config = readConfig();
  if (role === 'gpu' && config.device !== 'cpu' && (await listGpus())[index] === undefined)
    throw new ConfigError([
      { variable: 'RETUNE_DEVICE', problem: `is not cpu, and this machine has no GPU ${index}; set it to cpu to run small models` },
    ]);
  const log = createLog({ name: role, secrets: [config.hub.token, config.brightData.token] });
  installRuntime(log);
  const runTrainer = trainerOf(config, log, role === 'gpu' ? index : null);
  const parts: Parts = { config, store: await openStore(config.store), clock: systemClock, log, host: hostName(), runTrainer };
  return role === 'cpu' ? runCpuWorker(parts, announce) : runGpuWorker(parts, index, announce);
};

main(process.argv[2], Number(process.argv[3] ?? 0)).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`worker: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(error instanceof ConfigError ? 2 : 1);
  },
);
