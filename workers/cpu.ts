// The cpu worker: workflows and every activity that needs no device.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Worker } from '@temporalio/worker';
import { queues } from '../contracts/names';
import { cpuActivities } from './activities';
import { registerAttributes } from './attributes';
import { type Parts, versions } from './parts';
import { connect, CPU_SLOTS, runWorkers, workerOptions } from './runtime';

/**
 * While pages come by the thousand, V8 lets garbage grow to three times what is alive before it collects; on half as much
 * again the heap of 20,000 pages takes 138 MB instead of 267, for the same CPU time (bench/results/collect-2026-11-24.md).
 */
const HEAP_GROWTH = '--heap-growing-percent=50';

/** Runs the cpu worker until it is told to leave. */
export const runCpuWorker = async (parts: Parts, announce: (queue: string) => void): Promise<void> => {
  setFlagsFromString(HEAP_GROWTH);
  const { config, log } = parts;
  const { connection, namespace } = await connect();
  const attributes = await registerAttributes(connection, namespace, log);
  const bundle = join(config.root, 'dist', 'workflow-bundle.js');
  if (!existsSync(bundle)) throw new Error(`the workflow bundle ${bundle} is missing: npm run build`);
  const { main } = queues(config.queuePrefix);
  const worker = await Worker.create({
    ...workerOptions,
    connection,
    namespace,
    taskQueue: main,
    identity: `cpu@${parts.host}`,
    workflowBundle: { codePath: bundle },
    activities: cpuActivities(parts, () => attributes),
    ...CPU_SLOTS,
  });
  log.debug({ versions: versions() }, 'cpu worker');
  await runWorkers([worker], () => announce(main));
  await connection.close();
};
