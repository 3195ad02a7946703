// The real Temporal dev server as a child.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type ServerOptions, startServer } from '../../io/server';
import { aliveInGroup, temporalCli, waitUntil } from '../support/processes';

const home = mkdtempSync(join(tmpdir(), 'retune-server-'));
const options: ServerOptions = { cli: temporalCli(), home, namespace: 'default', attributes: ['RetuneStage'] };
afterAll(() => rmSync(home, { recursive: true, force: true }));

const temporal = (...args: string[]): string => execFileSync(options.cli, args, { encoding: 'utf8' });

test('it answers with retention and search attributes, ends in order, and comes back on the same ports', async () => {
  const first = await startServer(options);
  const described = JSON.parse(
    temporal('operator', 'namespace', 'describe', '-n', 'default', '--address', first.address, '-o', 'json'),
  ) as {
    config: { workflowExecutionRetentionTtl: string };
  };
  expect(described.config.workflowExecutionRetentionTtl).toBe('2592000s');
  expect(temporal('operator', 'search-attribute', 'list', '--address', first.address)).toMatch(/RetuneStage\s+Keyword/);
  expect((await fetch(first.uiUrl)).status).toBe(200);
  await first.stop();
  expect(aliveInGroup(first.pid)).toEqual([]);

  const second = await startServer(options);
  expect(second.address).toBe(first.address);
  expect(second.uiUrl).toBe(first.uiUrl);
  await second.stop();
}, 60_000);

test('the server and its sentinel go when the parent is killed', async () => {
  const script = `process.stdin.resume();
    require(${JSON.stringify(join(__dirname, '../../io/server.ts'))}).startServer(${JSON.stringify(options)})
      .then((server) => console.log(JSON.stringify({ pid: server.pid })));`;
  const parent = spawn(process.execPath, ['-r', join(__dirname, '../support/load-typescript.cjs'), '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: join(__dirname, '../..'),
  });
  const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
  const { pid } = JSON.parse(line) as { pid: number };
  expect(aliveInGroup(pid).length).toBeGreaterThan(1);
  parent.kill('SIGKILL');
  await waitUntil(() => aliveInGroup(pid).length === 0, 5_000);
  expect(aliveInGroup(pid)).toEqual([]);
}, 60_000);

test('a server that cannot start says why', async () => {
  await expect(startServer({ ...options, cli: '/bin/false' })).rejects.toMatchObject({ code: 'EXITED' });
  expect(await readFile(join(home, 'logs', 'server.log'), 'utf8')).not.toContain('HF_TOKEN');
}, 60_000);
