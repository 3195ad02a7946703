// What both kinds of worker share: the SDK's runtime, the connection, how a worker leaves.
import { fstatSync } from 'node:fs';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { type LogLevel, NativeConnection, Runtime, type Worker, type WorkerOptions } from '@temporalio/worker';
import type { Logger as Pino } from 'pino';
import { HEARTBEAT_THROTTLE_MS, SHUTDOWN } from '../contracts/policies';

/** Installs the SDK's runtime once a process: its logs go through pino, idle and busy workers report every 5 s. */
export const installRuntime = (log: Pino): void => {
  const at = (level: LogLevel, message: string, meta?: object): void => {
    const method = level.toLowerCase() as 'trace' | 'debug' | 'info' | 'warn' | 'error';
    log[method](meta ?? {}, message);
  };
  Runtime.install({
    logger: {
      log: at,
      trace: (message, meta) => at('TRACE', message, meta),
      debug: (message, meta) => at('DEBUG', message, meta),
      info: (message, meta) => at('DEBUG', message, meta), // the SDK's "info" is our debug: state changes of every poller
      warn: (message, meta) => at('WARN', message, meta),
      error: (message, meta) => at('ERROR', message, meta),
    },
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'WARN' }, forward: {} } },
    workerHeartbeatInterval: '5s',
    shutdownSignals: [], // `leave` below decides
  });
};

/** Address and namespace come from TEMPORAL_* or temporal.toml; the supervisor sets them for its own server. */
export const connect = async (): Promise<{ connection: NativeConnection; namespace: string }> => {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  return { connection: await NativeConnection.connect(connectionOptions), namespace: namespace ?? 'default' };
};

/** Options that every worker has; each reason stands in contracts/policies.ts. */
export const workerOptions: Partial<WorkerOptions> = {
  shutdownGraceTime: SHUTDOWN.graceMs,
  shutdownForceTime: SHUTDOWN.forceMs,
  maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
};

/**
 * As many activities at once as single URLs are under way of one shard (PAID_AT_ONCE): all but the ten that have a turn
 * wait, and a page that was made durable leaves its slot to the next, which comes with the workflow task (eagerly).
 */
export const CPU_SLOTS = { maxConcurrentActivityTaskExecutions: 32, maxEagerActivityReservationsPerWorkflowTask: 32 } as const;

/** True when standard input is the parent's pipe: its end means that the parent is gone. */
const isPipe = (): boolean => {
  try {
    const entry = fstatSync(0);
    return entry.isFIFO() || entry.isSocket();
  } catch {
    return false;
  }
};

/**
 * Runs workers until SIGTERM or SIGINT; a parent that vanished ends the process at once, so that nothing is left behind.
 * @param ready called when all poll
 */
export const runWorkers = async (workers: Worker[], ready: () => void): Promise<void> => {
  let leaving = false;
  const leave = (): void => {
    if (leaving) return;
    leaving = true;
    for (const worker of workers) worker.shutdown();
  };
  process.on('SIGTERM', leave);
  process.on('SIGINT', leave);
  if (isPipe()) {
    process.stdin.on('end', () => process.exit(1));
    process.stdin.on('error', () => process.exit(1));
    process.stdin.resume();
  }
  const runs = workers.map(async (worker) => worker.run());
  ready();
  // One that fails takes the others with it: half a worker would look alive.
  await Promise.all(
    runs.map(async (run) =>
      run.catch((error: unknown) => {
        leave();
        throw error;
      }),
    ),
  );
};
