// The gpu worker: one process a device. One worker on the shared queue lends the device, one on the device's own
// queue does the work, one deed at a time.
import { Worker } from '@temporalio/worker';
import { createLender, Device } from '../activities/device';
import { deviceQueue, queues } from '../contracts/names';
import { gpuActivities } from './activities';
import type { Parts } from './parts';
import { connect, runWorkers, workerOptions } from './runtime';

/**
 * Runs the gpu worker until it is told to leave.
 * @param index number of the device; 0 for the CPU
 */
export const runGpuWorker = async (parts: Parts, index: number, announce: (queue: string) => void): Promise<void> => {
  const { config } = parts;
  const own = deviceQueue(config.queuePrefix, parts.host, index);
  const device = new Device(own, config.device === 'cpu', parts.clock);
  const { connection, namespace } = await connect();
  const shared = { ...workerOptions, connection, namespace };
  const lending = await Worker.create({
    ...shared,
    taskQueue: queues(config.queuePrefix).gpu,
    identity: `lend-${own}`,
    activities: createLender(device),
    maxConcurrentActivityTaskExecutions: 1,
  });
  const working = await Worker.create({
    ...shared,
    taskQueue: own,
    identity: own,
    activities: gpuActivities(parts, device),
    maxConcurrentActivityTaskExecutions: 1,
  });
  await runWorkers([working, lending], () => announce(own));
  await connection.close();
};
