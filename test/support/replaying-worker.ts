// A Temporal dev server of a test file, and workers in the test's own process that forget every workflow between two of
// its tasks: each task replays the whole history, so what does not replay fails the test.
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { join } from 'node:path';
import { Stack } from './stack';

export interface Replaying {
  stack: Stack;
  /**
   * @param workflows path of their file below the checkout, without its ending
   * @returns stops the worker
   */
  work(taskQueue: string, workflows: string, activities: object): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export const openReplaying = async (): Promise<Replaying> => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const stack = new Stack();
  await stack.startServer();
  const connection = await NativeConnection.connect({ address: stack.address });
  return {
    stack,
    async work(taskQueue, workflows, activities) {
      const worker = await Worker.create({
        connection,
        taskQueue,
        workflowsPath: join(__dirname, '..', '..', `${workflows}.ts`),
        activities,
        maxCachedWorkflows: 0,
        maxHeartbeatThrottleInterval: 500,
      });
      const running = worker.run();
      return async () => {
        worker.shutdown();
        await running;
      };
    },
    async close() {
      await connection.close();
      await stack.stop();
    },
  };
};
