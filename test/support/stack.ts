// A real Temporal dev server and real worker processes on a home of their own, with parts that can be killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { Progress } from '../../contracts/activities';
import type { Manifest, PipelineResult, RunRecord } from '../../contracts/artifacts';
import { QUERY_PROGRESS, queues } from '../../contracts/names';
import { EAGER_ACTIVITIES } from '../../io/server';

const above = join(__dirname, '..', '..');
/** The checkout; benchmarks run this file from dist/. */
export const ROOT = basename(above) === 'dist' ? dirname(above) : above;

export const freePort = async (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))));
    });
  });

export const until = async (what: string, seconds: number, check: () => Promise<boolean> | boolean): Promise<void> => {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waited ${seconds} s for ${what}`);
};

const ended = async (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : new Promise((resolve) => child.once('exit', () => resolve()));

export interface Started {
  child: ChildProcess;
  ready: Promise<void>;
  log: () => string;
}

export class Stack {
  readonly home = mkdtempSync(join(tmpdir(), 'retune-test-'));
  readonly env: NodeJS.ProcessEnv;
  address = '';
  client!: Client;
  private connection: Connection | null = null;
  private server: ChildProcess | null = null;
  private readonly children = new Set<ChildProcess>();
  private port = 0;
  uiPort = 0;

  constructor(env: Record<string, string> = {}) {
    // Base models are made once for all tests: their folders are named by what is in them.
    const models = join(ROOT, '.retune', 'models');
    mkdirSync(models, { recursive: true });
    symlinkSync(models, join(this.home, 'models'));
    this.env = {
      ...process.env,
      RETUNE_HOME: this.home,
      RETUNE_STORE: join(this.home, 'store'),
      RETUNE_DEVICE: 'cpu',
      RETUNE_ALLOW_PRIVATE_HOSTS: '1',
      OMP_WAIT_POLICY: 'PASSIVE',
      ...env,
    };
  }

  /** Starts the server, again on the same port and database after a kill. */
  async startServer(flags: string[] = []): Promise<void> {
    const fixed = this.port !== 0;
    for (let attempt = 1; ; attempt += 1) {
      if (!fixed) {
        this.port = await freePort();
        this.uiPort = await freePort();
        this.address = `127.0.0.1:${this.port}`;
        Object.assign(this.env, { TEMPORAL_ADDRESS: this.address, TEMPORAL_NAMESPACE: 'default' });
      }
      const said = await this.launchServer(flags);
      if (said === null) break;
      // Another process took the port between our look and the server's start.
      if (fixed || attempt === 3) throw new Error(`the Temporal server did not start: ${said}`);
    }
    if (this.connection === null) {
      this.connection = await Connection.connect({ address: this.address });
      this.client = new Client({ connection: this.connection });
    }
  }

  /** Null when it is healthy, else what it said before it ended. */
  private async launchServer(flags: string[]): Promise<string | null> {
    const temporal = process.env['TEMPORAL_CLI_PATH'] ?? join(ROOT, 'native', '.venv', 'bin', 'temporal');
    const child = spawn(
      temporal,
      [
        ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(this.port), '--ui-port', String(this.uiPort)],
        ...['--db-filename', join(this.home, 'temporal.db'), '--log-level', 'error', ...EAGER_ACTIVITIES, ...flags],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-2000)));
    this.server = child;
    this.children.add(child);
    let healthy = false;
    await until('the Temporal server', 120, async () => {
      // The SDK's own handshake: the command line program was seen to hang here.
      healthy = await Connection.connect({ address: this.address, connectTimeout: '3s' }).then(
        async (connection) => {
          await connection.close();
          return true;
        },
        () => false,
      );
      return healthy || child.exitCode !== null;
    });
    return healthy && child.exitCode === null ? null : said;
  }

  /** kill -9, as a power cut would. */
  async killServer(): Promise<void> {
    if (this.server === null) return;
    this.server.kill('SIGKILL');
    await ended(this.server);
    this.server = null;
  }

  async startWorker(role: 'cpu' | 'gpu', index = 0): Promise<Started> {
    const child = spawn(process.execPath, [join(ROOT, 'dist', 'workers', 'main.js'), role, String(index)], {
      env: this.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: ROOT,
    });
    this.children.add(child);
    let text = '';
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
    const ready = new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => chunk.toString('utf8').includes('"ready"') && resolve());
      child.once('exit', (code) => reject(new Error(`the ${role} worker ended with ${code}: ${text.slice(-2000)}`)));
    });
    ready.catch(() => undefined);
    await ready;
    return { child, ready, log: () => text };
  }

  async kill(worker: Started): Promise<void> {
    worker.child.kill('SIGKILL');
    await ended(worker.child);
  }

  async start(workflowId: string, input: unknown): Promise<void> {
    await this.client.workflow.start('pipeline', { workflowId, taskQueue: queues().main, args: input === undefined ? [] : [input] });
  }

  async result(workflowId: string): Promise<PipelineResult> {
    return (await this.client.workflow.getHandle(workflowId).result()) as PipelineResult;
  }

  async run(workflowId: string, input: unknown): Promise<PipelineResult> {
    await this.start(workflowId, input);
    return this.result(workflowId);
  }

  async progress(workflowId: string): Promise<Progress> {
    return this.client.workflow.getHandle(workflowId).query<Progress>(QUERY_PROGRESS);
  }

  /** Steps that the training under way has done, from its own file: heartbeats are seconds behind. */
  trainedSteps(): number {
    const folder = join(this.home, 'work', 'train');
    const steps = (existsSync(folder) ? readdirSync(folder) : []).map((key) => {
      const file = join(folder, key, 'out', 'metrics.jsonl');
      return existsSync(file)
        ? readFileSync(file, 'utf8')
            .split('\n')
            .filter((line) => line.includes('"loss"')).length
        : 0;
    });
    return Math.max(0, ...steps);
  }

  /** Addresses of the pages that lie in the store: what the death of a worker must not cost again. */
  keptUrls(): string[] {
    const shelf = join(this.home, 'store', 'pages');
    const files = existsSync(shelf)
      ? readdirSync(shelf, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'))
      : [];
    return files.map((file) => (JSON.parse(readFileSync(join(shelf, file), 'utf8')) as { url: string }).url);
  }

  /** A file of the store, parsed. */
  json<T>(path: string): T {
    return JSON.parse(readFileSync(join(this.home, 'store', path), 'utf8')) as T;
  }

  /** Manifest of the training of a run. */
  training(result: PipelineResult): Manifest {
    return this.json<Manifest>(`train/${result.stages.train?.key}/manifest.json`);
  }

  /** Step and loss of every step, as the store has them. */
  losses(result: PipelineResult): [number, number][] {
    const { key, fence } = this.training(result).facts;
    const lines = readFileSync(join(this.home, 'store', 'train', key, String(fence), 'metrics.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    return lines
      .map((line) => JSON.parse(line) as { step: number; loss?: number })
      .flatMap(({ step, loss }) => (loss === undefined ? [] : [[step, loss] as [number, number]]));
  }

  record(result: { runId: string; executionId: string }): RunRecord {
    return this.json<RunRecord>(`runs/${encodeURIComponent(result.runId)}/${result.executionId}.json`);
  }

  async stop(): Promise<void> {
    await this.connection?.close();
    for (const child of this.children)
      if (child.exitCode === null && child.signalCode === null) child.kill(child === this.server ? 'SIGTERM' : 'SIGTERM');
    await Promise.all(
      [...this.children].map(async (child) => {
        const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
        await ended(child);
        clearTimeout(timer);
      }),
    );
    rmSync(this.home, { recursive: true, force: true });
  }
}
