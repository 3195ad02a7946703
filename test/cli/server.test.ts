// Commands against a real Temporal server on which nobody works: what they start, find, and say of it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ATTRIBUTES } from '../../contracts/names';
import { type DevServer, startServer } from '../../io/server';
import { retune } from '../support/cli';
import { temporalCli } from '../support/processes';

const home = mkdtempSync(join(tmpdir(), 'retune-cli-'));
let server: DevServer;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  server = await startServer({ cli: temporalCli(), home, namespace: 'default', attributes: Object.values(ATTRIBUTES) });
  env = { RETUNE_HOME: home, TEMPORAL_ADDRESS: server.address };
}, 60_000);
afterAll(async () => {
  await server.stop();
  rmSync(home, { recursive: true, force: true });
}, 30_000);

test('run names the queue that nobody polls', async () => {
  const { code, stderr } = await retune(['run', '--preset', 'npm-manual'], env);
  expect(stderr).toContain('no worker polls the queue retune');
  expect(code).toBe(2);
});

test('the same input started twice is one run; its id is the name and the digest of the input', async () => {
  const start = async (): Promise<Record<string, unknown>[]> =>
    (await retune(['run', '--detach', '--json', '--set', 'name=docs', '--set', 'train.lr=0.001'], env)).lines();
  const [first] = await start();
  const [second] = await start();
  expect(first).toMatchObject({ type: 'started', runId: expect.stringMatching(/^docs-[0-9a-f]{8}$/) });
  expect(second).toEqual(first);
  const { runs } = (await retune(['list', '--json'], env)).lines()[0] as { runs: { runId: string; state: string }[] };
  expect(runs.filter(({ runId }) => runId === first?.['runId'])).toEqual([expect.objectContaining({ state: 'running' })]);

  const status = await retune(['status', String(first?.['runId']), '--json'], env);
  expect(status.lines()).toEqual([expect.objectContaining({ status: 'running', reason: 'no worker answers' })]);
  expect(status.code).toBe(0);

  const cancelled = await retune(['cancel', String(first?.['runId']), '--json'], env);
  expect(cancelled.lines()).toEqual([{ type: 'result', runId: first?.['runId'], status: 'cancelling' }]);
}, 60_000);

test('a run that does not exist is refused by name', async () => {
  for (const command of ['cancel', 'watch', 'approve']) {
    const { code, stderr } = await retune([command, 'nothing'], env);
    expect(stderr).toContain('nothing');
    expect(code).toBe(1);
  }
}, 60_000);

test('a schedule is made, changed, shown, paused, triggered without overlap, and deleted', async () => {
  const set = async (cron: string, ...more: string[]): Promise<Record<string, unknown>> =>
    (await retune(['schedule', 'set', 'nightly', '--preset', 'npm-manual', '--cron', cron, '--json', ...more], env)).lines().at(-1) ?? {};
  expect(await set('0 4 * * *')).toMatchObject({ outcome: 'created', schedule: 'nightly', overlap: 'SKIP', timezone: 'UTC' });
  expect(await set('0 5 * * *', '--timezone', 'Europe/Berlin', '--jitter', '1s')).toMatchObject({
    outcome: 'updated',
    timezone: 'Europe/Berlin',
  });

  const trigger = async (): Promise<Record<string, unknown>> =>
    (await retune(['schedule', 'trigger', 'nightly', '--json'], env)).lines()[0] ?? {};
  expect(await trigger()).toMatchObject({ outcome: 'started', runId: expect.stringMatching(/^nightly-/) });
  expect(await trigger()).toMatchObject({ outcome: 'skipped' });

  await retune(['schedule', 'pause', 'nightly', '--note', 'holidays'], env);
  const { schedules } = (await retune(['schedule', 'show', '--json'], env)).lines()[0] as { schedules: Record<string, unknown>[] };
  expect(schedules).toEqual([expect.objectContaining({ schedule: 'nightly', paused: true, note: 'holidays', started: 1 })]);
  await retune(['schedule', 'unpause', 'nightly'], env);
  expect((await retune(['schedule', 'delete', 'nightly'], env)).code).toBe(0);
  const gone = await retune(['schedule', 'trigger', 'nightly'], env);
  expect(gone.stderr).toContain('there is no schedule nightly');
  expect(gone.code).toBe(1);
}, 120_000);

test('a server that does not answer is named', async () => {
  const { code, stderr } = await retune(['list'], { ...env, TEMPORAL_ADDRESS: '127.0.0.1:1' });
  expect(stderr).toContain('127.0.0.1:1 does not answer');
  expect(code).toBe(1);
}, 60_000);
