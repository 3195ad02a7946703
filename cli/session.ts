// A server with workers for the length of one command: those that are there, or a supervisor of our own.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ATTRIBUTES, queues } from '../contracts/names';
import { type Config, findExecutable, workerEnvironment } from '../io/config';
import { openStore } from '../io/store';
import { startSupervisor, type Supervisor } from '../io/supervisor';
import { AlreadyUp } from '../io/up-file';
import { connectTo, findServer, namedServer, type Server } from './connection';
import { UsageError } from './exit';
import type { Output } from './output';

const START_POLL_MS = 300;

export interface Session {
  server: Server;
  /** Null when somebody else keeps server and workers. */
  supervisor: Supervisor | null;
  /** Ends what we started; a second call stops at once. */
  close(): Promise<void>;
}

/**
 * Starts the supervisor of this RETUNE_HOME.
 * @throws AlreadyUp, UsageError without Temporal's CLI
 */
export const supervise = async (config: Config, output: Output, signal?: AbortSignal): Promise<Supervisor> => {
  const named = namedServer();
  const temporalCli = named === null ? await findExecutable(config.temporal.cli) : null;
  if (named === null && temporalCli === null)
    throw new UsageError(
      `Temporal's command line program was not found: ${config.temporal.cli[0] ?? ''} is not there`,
      'npm start installs it; or set TEMPORAL_CLI_PATH, or TEMPORAL_ADDRESS for a server of yours',
    );
  const store = await openStore(config.store);
  return startSupervisor(
    {
      home: config.home,
      storeId: store.storeId,
      startedAt: new Date().toISOString(),
      temporalCli,
      address: named?.address ?? null,
      namespace: named?.namespace ?? config.temporal.namespace ?? 'default',
      attributes: Object.values(ATTRIBUTES),
      worker: [process.execPath, join(config.root, 'dist', 'workers', 'main.js')],
      device: config.device === 'cpu' ? 'cpu' : null,
      env: workerEnvironment(),
      say: (text) => output.note(text),
    },
    signal,
  );
};

const hasPoller = async (server: Server, queue: string): Promise<boolean> => {
  const { pollers } = await server.client.workflowService.describeTaskQueue({
    namespace: server.namespace,
    taskQueue: { name: queue },
    taskQueueType: 1,
  });
  return (pollers ?? []).length > 0;
};

/**
 * Server and workers for a run.
 * @throws UsageError when a server is there but nobody works for it
 */
export const openSession = async (config: Config, output: Output, signal?: AbortSignal): Promise<Session> => {
  const there = await findServer(config);
  if (there !== null) {
    const queue = queues(config.queuePrefix).main;
    if (!there.own && !(await hasPoller(there, queue))) {
      await there.close();
      throw new UsageError(
        `no worker polls the queue ${queue} on ${there.address}`,
        'npx retune worker cpu (and: npx retune worker gpu 0), or npx retune up',
      );
    }
    return { server: there, supervisor: null, close: async () => there.close() };
  }
  const supervisor = await supervise(config, output, signal).catch((error: unknown) => {
    // Somebody was a moment faster: his server is as good.
    if (error instanceof AlreadyUp) return null;
    throw error;
  });
  if (supervisor === null) {
    await sleep(START_POLL_MS, undefined, signal === undefined ? {} : { signal }); // his server may still be starting
    return openSession(config, output, signal);
  }
  try {
    const server = await connectTo({ address: supervisor.address, namespace: supervisor.namespace, uiUrl: supervisor.uiUrl, own: true });
    const close = async (): Promise<void> => {
      await server.close().catch(() => undefined);
      await supervisor.stop();
    };
    return { server, supervisor, close };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
};
