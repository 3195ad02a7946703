// Real processes: a supervisor as a child, the real Temporal server, workers that only obey the rules.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { AlreadyUp, claimUp, readUp } from '../../io/up-file';
import { aliveWith, temporalCli, waitUntil } from '../support/processes';

const support = join(__dirname, '../support');
let home: string;
let journal: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'retune-up-'));
  journal = join(home, 'journal');
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await waitUntil(() => aliveWith(home).length === 0, 8_000);
  rmSync(home, { recursive: true, force: true });
});

interface Line {
  ready?: boolean;
  say?: string;
  error?: string;
  address?: string;
}

const supervise = (env: NodeJS.ProcessEnv = {}): { child: ChildProcess; next: () => Promise<Line> } => {
  const args = ['-r', join(support, 'load-typescript.cjs'), join(support, 'supervise.ts'), home, temporalCli(), journal];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  children.push(child);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return { child, next: async () => JSON.parse(String((await lines.next()).value)) as Line };
};

const events = (): { what: string; role: string; pid: number; device: string | null; address: string }[] =>
  readFileSync(journal, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ReturnType<typeof events>[number]);

test('SIGTERM ends the workers first and the server last, and leaves nothing', async () => {
  const { child, next } = supervise();
  const { ready, address } = await next();
  expect(ready).toBe(true);
  expect(await readUp(home)).toMatchObject({ pid: child.pid, address });
  expect(events().map((event) => [event.what, event.role, event.device])).toEqual(
    expect.arrayContaining([
      ['start', 'cpu', null],
      ['start', 'gpu', 'cpu'],
    ]),
  );
  expect(events()[0]?.address).toBe(address);
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
  expect(events().filter((event) => event.what === 'left before the server')).toHaveLength(2);
  expect(events().filter((event) => event.what === 'parent gone')).toEqual([]);
  expect(aliveWith(home)).toEqual([]);
  expect(await readUp(home)).toBeNull();
}, 60_000);

test('after kill -9 of the supervisor no process lives longer than five seconds, and the next start takes over', async () => {
  const first = supervise();
  const { address, ...line } = await first.next();
  expect(line).toEqual({ ready: true });
  expect(aliveWith(home).length).toBeGreaterThan(3);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  await waitUntil(() => aliveWith(home).length === 0, 5_000);
  expect(aliveWith(home)).toEqual([]);
  expect(await readUp(home)).toBeNull();

  const second = supervise();
  expect(await second.next()).toEqual({ ready: true, address });
  expect((await readUp(home))?.pid).toBe(second.child.pid);
}, 60_000);

test('a second start beside a live one is refused and names it', async () => {
  const first = supervise();
  await first.next();
  expect((await supervise().next()).error).toContain(`process ${first.child.pid}`);
  expect(await readUp(home)).not.toBeNull();
}, 60_000);

test('a worker that is killed comes back', async () => {
  const { next } = supervise();
  await next();
  const victim = events().find((event) => event.role === 'gpu');
  process.kill(victim?.pid ?? 0, 'SIGKILL');
  expect((await next()).say).toContain('gpu-0 worker ended (killed)');
  await waitUntil(() => events().filter((event) => event.what === 'start' && event.role === 'gpu').length === 2, 10_000);
  expect(events().filter((event) => event.what === 'start' && event.role === 'gpu')).toHaveLength(2);
}, 60_000);

test('a Temporal server that is killed comes back on the same address', async () => {
  const { next } = supervise();
  const { address } = await next();
  const server = aliveWith(join(home, 'server')).length;
  expect(server).toBeGreaterThan(0);
  execFileSync('sh', [
    '-c',
    `ps -eo pid=,args= | grep ' server start-dev ' | grep '${home}' | grep -v -e grep -e ' sentinel ' | awk '{print $1}' | xargs kill -9`,
  ]);
  expect((await next()).say).toContain('Temporal server ended');
  const port = Number(address?.split(':')[1]);
  const listens = async (): Promise<boolean> => {
    const socket = createConnection(port, '127.0.0.1');
    return once(socket, 'connect')
      .then(
        () => true,
        () => false,
      )
      .finally(() => socket.destroy());
  };
  for (let tries = 0; tries < 100 && !(await listens()); tries += 1) await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await listens()).toBe(true);
}, 60_000);

test('a worker whose configuration is wrong ends the start with its own words', async () => {
  const { next } = supervise({ STUB_EXIT: '2' });
  expect((await next()).error).toContain('nothing works');
}, 60_000);

test('of many starts at once exactly one gets the place', async () => {
  const claims = await Promise.allSettled(Array.from({ length: 8 }, async () => claimUp(home, 'store', '2026-01-01T00:00:00Z')));
  expect(claims.filter((claim) => claim.status === 'fulfilled')).toHaveLength(1);
  for (const claim of claims) if (claim.status === 'rejected') expect(claim.reason).toBeInstanceOf(AlreadyUp);
});
