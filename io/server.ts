// Temporal's dev server as a child: its database and ports stay in RETUNE_HOME, its life ends with ours.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bareEnvironment } from './config';
import { tailOf } from './log-tail';

/** How long closed runs stay in the history; the dev server's own default forgets them after a day. */
const RETENTION = '30d';
const HEALTHY_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 10_000;
/**
 * A worker with a free slot gets an activity with the answer to the workflow task that scheduled it, instead of by a queue
 * and a poll: a third of the server's work for a page that is asked for alone (bench/results/collect-2026-11-24.md).
 */
export const EAGER_ACTIVITIES = ['--dynamic-config-value', 'system.enableActivityEagerExecution=true'] as const;
/** A server whose supervisor was killed needs up to 5 s to go; only then is its port somebody else's. */
const PORT_FREE_WITHIN_MS = 6_000;

/**
 * The server is a foreign binary that does not notice our death, so a shell holds its life: fd 3 is a pipe from us,
 * and its end (we closed it or were killed) is SIGTERM for the server, then SIGKILL. When the server is gone the
 * rest of the group goes too, so that no `cat` or `sleep` is left over.
 */
const SENTINEL = `
"$@" </dev/null 3<&- & p=$!
(cat >/dev/null; kill -TERM $p; sleep 4; kill -KILL $p) <&3 3<&- &
wait $p; r=$?
trap '' TERM; kill -TERM 0
exit $r`;

export class ServerError extends Error {
  override name = 'ServerError';
  constructor(
    readonly code: 'NO_CLI' | 'EXITED' | 'UNHEALTHY',
    message: string,
  ) {
    super(message);
  }
}

export interface ServerOptions {
  /** Path of Temporal's CLI. */
  cli: string;
  /** State folder: <home>/server holds database and ports, <home>/logs the log. */
  home: string;
  namespace: string;
  /** Search attributes to register, all Keyword. */
  attributes: readonly string[];
}

export interface DevServer {
  address: string;
  namespace: string;
  uiUrl: string;
  /** Process group of the server and its sentinel. */
  pid: number;
  /** Resolves when the server is gone, with its exit code (null: a signal). */
  exited: Promise<number | null>;
  /** Ends it in order; settles when it is gone. */
  stop(): Promise<void>;
}

interface Ports {
  grpc: number;
  ui: number;
}

const isFree = async (port: number): Promise<boolean> => {
  const socket = createConnection({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return false;
  } catch {
    return true;
  } finally {
    socket.destroy();
  }
};

const freePorts = async (): Promise<Ports> => {
  // Both are held open at once, so that they differ.
  const servers = [createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as { port: number }).port;
    }),
  );
  await Promise.all(servers.map(async (server) => once(server.close(), 'close')));
  return { grpc: ports[0] ?? 0, ui: ports[1] ?? 0 };
};

/** Ports are chosen once, so that the UI's address can be kept as a bookmark; new ones only if another program has them. */
const choosePorts = async (folder: string): Promise<Ports> => {
  const file = join(folder, 'ports.json');
  const kept = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as Ports,
    () => null,
  );
  for (let waited = 0; kept !== null && waited <= PORT_FREE_WITHIN_MS; waited += 250) {
    if ((await isFree(kept.grpc)) && (await isFree(kept.ui))) return kept;
    await sleep(250);
  }
  const ports = await freePorts();
  await writeFile(`${file}.new`, `${JSON.stringify(ports)}\n`);
  await rename(`${file}.new`, file);
  return ports;
};

/** Runs Temporal's CLI to its end. */
const command = async (cli: string, args: string[]): Promise<{ ok: boolean; output: string }> => {
  const child = spawn(cli, [...args, '--disable-config-file', '--disable-config-env'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: bareEnvironment(),
    timeout: 20_000,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { ok: code === 0, output };
};

const start = (options: ServerOptions, ports: Ports, logFile: string): ChildProcess => {
  const log = createWriteStream(logFile, { flags: 'a' });
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(ports.grpc), '--ui-port', String(ports.ui)];
  args.push('--db-filename', join(options.home, 'server', 'temporal.db'), '--namespace', options.namespace);
  args.push('--ui-disable-news-fetch', '--log-level', 'warn', '--disable-config-file', '--disable-config-env');
  args.push(...EAGER_ACTIVITIES);
  for (const name of options.attributes) args.push('--search-attribute', `${name}=Keyword`);
  const child = spawn('sh', ['-c', SENTINEL, 'sentinel', options.cli, ...args], {
    detached: true, // its own group: Ctrl-C on the terminal must not reach it before the workers have left
    env: bareEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  child.once('close', () => log.end());
  return child;
};

/**
 * Starts the server and waits until it answers, with retention and search attributes set.
 * @throws ServerError EXITED with the end of its log, UNHEALTHY, NO_CLI
 */
export const startServer = async (options: ServerOptions, signal?: AbortSignal): Promise<DevServer> => {
  const folder = join(options.home, 'server');
  const logs = join(options.home, 'logs');
  mkdirSync(folder, { recursive: true });
  mkdirSync(logs, { recursive: true });
  const logFile = join(logs, 'server.log');
  const ports = await choosePorts(folder);
  const address = `127.0.0.1:${ports.grpc}`;
  signal?.throwIfAborted();

  const child = start(options, ports, logFile);
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('exit', (code) => resolve(code));
  });
  let gone = false;
  void exited.then(() => {
    gone = true;
    (child.stdio[3] as { destroy?: () => void } | null)?.destroy?.();
  });
  const stop = async (): Promise<void> => {
    (child.stdio[3] as { destroy?: () => void } | null)?.destroy?.(); // the sentinel turns this into SIGTERM
    await Promise.race([exited, sleep(STOP_WITHIN_MS, undefined, { ref: false })]);
    if (!gone && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await exited;
  };

  try {
    const deadline = Date.now() + HEALTHY_WITHIN_MS;
    const until = async (what: string, done: () => Promise<boolean>): Promise<void> => {
      while (!(await done())) {
        signal?.throwIfAborted();
        if (gone) throw new ServerError('EXITED', `the Temporal server ended at once:\n${await tailOf(logFile, 8)}`);
        if (Date.now() > deadline)
          throw new ServerError('UNHEALTHY', `the Temporal server ${what} for ${HEALTHY_WITHIN_MS / 1000} s; its log: ${logFile}`);
        await sleep(100);
      }
    };
    await until('did not listen', async () => !(await isFree(ports.grpc)));
    await until('was not healthy', async () => (await command(options.cli, ['operator', 'cluster', 'health', '--address', address])).ok);
    const retention = ['operator', 'namespace', 'update', '--namespace', options.namespace, '--retention', RETENTION, '--address', address];
    await until('did not take the retention', async () => (await command(options.cli, retention)).ok);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address, namespace: options.namespace, uiUrl: `http://127.0.0.1:${ports.ui}`, pid: child.pid ?? 0, exited, stop };
};
