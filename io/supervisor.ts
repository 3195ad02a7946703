// The one supervisor of a RETUNE_HOME: dev server, one cpu worker, one gpu worker a device; in order up and down.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { deferred } from './deferred';
import { type Gpu, listGpus } from './gpu';
import { type DevServer, startServer } from './server';
import { claimUp } from './up-file';
import { keepWorker, type WorkerProcess } from './worker-process';

const RESTART_MS = 500;

export interface SupervisorOptions {
  home: string;
  storeId: string;
  /** ISO 8601. */
  startedAt: string;
  /** Null: no server of our own, workers connect to `address`. */
  temporalCli: string | null;
  /** Of the named server; ignored with a server of our own. */
  address: string | null;
  namespace: string;
  attributes: readonly string[];
  /** The program that is a worker, without its role: [node, dist/workers/main.js]. */
  worker: readonly [string, ...string[]];
  /** 'cpu' makes one gpu worker that computes on the CPU; null looks for devices. */
  device: 'cpu' | null;
  env: NodeJS.ProcessEnv;
  /** Told, for people, what happens. */
  say: (text: string) => void;
}

export interface Supervisor {
  address: string;
  namespace: string;
  uiUrl: string | null;
  devices: Gpu[];
  /** Resolves when every worker polls. */
  ready: Promise<void>;
  /** Rejects when it cannot go on; never resolves. */
  failed: Promise<never>;
  /** Workers first (the trainer writes its checkpoint), the server last. A second call stops at once. */
  stop(): Promise<void>;
}

interface KeptServer {
  first: DevServer;
  failed: Promise<never>;
  stop(): Promise<void>;
}

/** Keeps the server alive: it comes back with the same database and ports, and the workers reconnect by themselves. */
const keepServer = async (start: (signal: AbortSignal) => Promise<DevServer>, say: (text: string) => void): Promise<KeptServer> => {
  const stopping = new AbortController();
  let server = await start(stopping.signal);
  const first = server;
  const failed = deferred<never>();
  const loop = async (): Promise<void> => {
    for (;;) {
      await server.exited;
      if (stopping.signal.aborted) return;
      say('the Temporal server ended; it starts again');
      await sleep(RESTART_MS, undefined, { signal: stopping.signal });
      server = await start(stopping.signal);
      if (stopping.signal.aborted) await server.stop();
    }
  };
  const done = loop().catch((error: unknown) => {
    if (!stopping.signal.aborted) failed.reject(error);
  });
  return {
    first,
    failed: failed.promise,
    async stop() {
      stopping.abort();
      await server.stop();
      await done;
    },
  };
};

/**
 * Starts server and workers.
 * @throws AlreadyUp, ServerError
 */
export const startSupervisor = async (options: SupervisorOptions, signal?: AbortSignal): Promise<Supervisor> => {
  const logs = join(options.home, 'logs');
  mkdirSync(logs, { recursive: true });
  const claim = await claimUp(options.home, options.storeId, options.startedAt);
  const workers: WorkerProcess[] = [];
  let own: KeptServer | null = null;
  try {
    const { temporalCli, home, namespace, attributes } = options;
    if (temporalCli !== null) {
      const server = { cli: temporalCli, home, namespace, attributes };
      own = await keepServer(
        async (stopped) => startServer(server, signal === undefined ? stopped : AbortSignal.any([stopped, signal])),
        options.say,
      );
    }
    const address = own?.first.address ?? options.address;
    if (address === null) throw new Error('startSupervisor: neither a CLI nor an address');
    const uiUrl = own?.first.uiUrl ?? null;
    const devices = options.device === 'cpu' ? [] : await listGpus();
    const env = { ...options.env, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace };
    const [command, ...args] = options.worker;
    const keep = (name: string, role: string[], more: NodeJS.ProcessEnv): void => {
      workers.push(
        keepWorker(
          { name, command, args: [...args, ...role], env: { ...env, ...more }, logFile: join(logs, `worker-${name}.log`) },
          options.say,
        ),
      );
    };
    signal?.throwIfAborted();
    keep('cpu', ['cpu'], {});
    if (devices.length === 0) keep('gpu-0', ['gpu', '0'], { RETUNE_DEVICE: 'cpu' });
    for (const { index } of devices) keep(`gpu-${index}`, ['gpu', String(index)], {});
    await claim.announce({ address, namespace, uiUrl });

    let stopping: Promise<void> | null = null;
    const stop = async (): Promise<void> => {
      await Promise.all(workers.map(async (worker) => worker.stop()));
      await own?.stop();
      await claim.release();
    };
    return {
      address,
      namespace,
      uiUrl,
      devices,
      ready: Promise.all(workers.map(async (worker) => worker.ready)).then(() => undefined),
      failed: Promise.race([...workers.map(async (worker) => worker.failed), ...(own === null ? [] : [own.failed])]),
      async stop() {
        if (stopping === null) stopping = stop();
        else for (const worker of workers) worker.drop();
        await stopping;
      },
    };
  } catch (error) {
    for (const worker of workers) worker.drop();
    await Promise.all(workers.map(async (worker) => worker.stop()));
    await own?.stop();
    await claim.release();
    throw error;
  }
};
