// One worker as a child process that is started again when it dies.
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { SHUTDOWN } from '../contracts/policies';
import { deferred } from './deferred';
import { tailOf } from './log-tail';

const BACKOFF_MS = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000] as const;
/** A worker that lived this long was well: its next death starts at the shortest delay again. */
const WELL_AFTER_MS = 60_000;
/** One that dies this often without having been ready will not get ready. */
const FALSE_STARTS = 4;
/** Exit code for a worker that can never run here: configuration. */
const EXIT_CONFIGURATION = 2;

export interface WorkerSpec {
  /** For people and the log's name: 'cpu', 'gpu-0'. */
  name: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  logFile: string;
}

export interface WorkerProcess {
  name: string;
  pid(): number | undefined;
  /** Resolves when it polls for the first time; rejects when it never will. */
  ready: Promise<void>;
  /** Rejects when it cannot be kept alive; never resolves otherwise. */
  failed: Promise<never>;
  /** SIGTERM, time to write a checkpoint, then SIGKILL of the group; settles when it is gone. */
  stop(): Promise<void>;
  /** Closes its standard input: it stops at once, without saving. */
  drop(): void;
}

export class WorkerError extends Error {
  override name = 'WorkerError';
  readonly code = 'WORKER';
}

/**
 * Starts a worker and keeps it alive.
 * @param say told, for people, when it died and comes back
 */
export const keepWorker = (spec: WorkerSpec, say: (text: string) => void): WorkerProcess => {
  let child: ChildProcess | null = null;
  let stopping = false;
  let falseStarts = 0;
  let deaths = 0;
  const stopped = new AbortController();
  const ready = deferred<void>();
  const failed = deferred<never>();

  const once = async (): Promise<{ code: number | null; wasReady: boolean; lived: number }> => {
    const log = createWriteStream(spec.logFile, { flags: 'a' });
    const started = performance.now();
    let wasReady = false;
    const one = spawn(spec.command, [...spec.args], { env: spec.env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    child = one;
    one.stdin.on('error', () => undefined); // it died while we still held its pipe
    one.stderr.pipe(log, { end: false });
    createInterface(one.stdout).on('line', (line) => {
      log.write(`${line}\n`);
      if (!wasReady && line.includes('"type":"ready"')) {
        wasReady = true;
        ready.resolve(undefined);
      }
    });
    const code = await new Promise<number | null>((resolve) => {
      one.once('error', (error) => {
        log.write(`${error.message}\n`);
        resolve(EXIT_CONFIGURATION);
      });
      one.once('close', resolve);
    });
    child = null;
    await new Promise((resolve) => log.end(resolve));
    return { code, wasReady, lived: performance.now() - started };
  };

  const loop = async (): Promise<void> => {
    while (!stopping) {
      const { code, wasReady, lived } = await once();
      if (stopping) return;
      falseStarts = wasReady ? 0 : falseStarts + 1;
      deaths = lived > WELL_AFTER_MS ? 1 : deaths + 1;
      if (code === EXIT_CONFIGURATION || falseStarts >= FALSE_STARTS) {
        const error = new WorkerError(`the ${spec.name} worker cannot run:\n${await tailOf(spec.logFile, 8)}\nits log: ${spec.logFile}`);
        ready.reject(error);
        failed.reject(error);
        return;
      }
      const delay = BACKOFF_MS[Math.min(deaths, BACKOFF_MS.length) - 1] ?? 30_000;
      say(`the ${spec.name} worker ended (${code === null ? 'killed' : `exit ${code}`}); it starts again in ${delay / 1000} s`);
      await sleep(delay, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  };
  const done = loop();

  return {
    name: spec.name,
    pid: () => child?.pid,
    ready: ready.promise,
    failed: failed.promise,
    async stop() {
      stopping = true;
      stopped.abort();
      const pid = child?.pid;
      child?.kill('SIGTERM');
      const late = await Promise.race([done.then(() => false), sleep(SHUTDOWN.killMs, true, { ref: false })]);
      if (late && pid !== undefined) process.kill(-pid, 'SIGKILL');
      await done;
    },
    drop() {
      stopping = true;
      stopped.abort();
      child?.stdin?.destroy();
    },
  };
};
