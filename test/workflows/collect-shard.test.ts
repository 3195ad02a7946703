// The shard workflow on a real server: what heals, what does not, what a cancelled run leaves behind.
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { randomUUID } from 'node:crypto';
import type { CollectTask } from '../../contracts/activities';
import type { StageRef } from '../../contracts/artifacts';
import { WORKFLOWS } from '../../contracts/names';
import { openCollecting, type Collecting } from '../support/collecting';
import { openReplaying, type Replaying } from '../support/replaying-worker';
import { html, openSite, type Site } from '../support/site';

jest.setTimeout(120_000);

let server: Replaying;
let stop: () => Promise<void>;
let site: Site;
let on: Collecting;

beforeAll(async () => {
  server = await openReplaying();
  site = await openSite();
  on = await openCollecting(site);
  stop = await server.work('collecting', 'workflows/collect-shard', on.activities);
});
afterAll(async () => {
  await stop();
  await on.close();
  await site.close();
  await server.close();
});
beforeEach(() => {
  site.routes.clear();
  site.visits.length = 0;
});

const start = async (task: CollectTask) =>
  server.stack.client.workflow.start<(task: CollectTask) => Promise<StageRef>>(WORKFLOWS.collectShard, {
    taskQueue: 'collecting',
    workflowId: randomUUID(),
    args: [task],
  });
const shard = (name: string, paths: string[], source = {}): Promise<CollectTask> => on.task(paths.map(site.url), { run: name, source });

test('a page that heals is there in the end; one that does not is named; all others are asked for once', async () => {
  const fine = Array.from({ length: 10 }, (_, index) => `/fine-${index}`);
  for (const path of fine) site.routes.set(path, { body: html(path) });
  site.routes.set('/heals', (count) => (count < 2 ? { status: 503 } : { body: html('Heals') }));
  site.routes.set('/never', { status: 500 });
  const handle = await start(await shard('heal', [...fine, '/heals', '/never', '/dead'], { retries: 2 }));
  const ref = await handle.result();
  expect(ref.counts).toMatchObject({ urls: 13, pages: 11, fetched: 11, revalidated: 0, reused: 0, dropped: 2, new: 11 });
  expect(ref.reasons).toEqual({ server_error: 1, not_found: 1 });
  for (const path of [...fine, '/dead']) expect(site.count(path)).toBe(1);
  expect([site.count('/heals'), site.count('/never')]).toEqual([3, 3]);
  // The URL stands on its activity, for a person who looks at the run.
  const { events } = await handle.fetchHistory();
  const summaries = (events ?? []).map((event) => Buffer.from(event.userMetadata?.summary?.data ?? []).toString());
  expect(summaries).toContain(JSON.stringify(site.url('/never')));
});

test('no request comes before the time that the server named', async () => {
  site.routes.set('/busy', (count) => (count < 2 ? { status: 429, headers: { 'retry-after': '3' } } : { body: html('Busy') }));
  const ref = await (await start(await shard('busy', ['/busy']))).result();
  expect(ref.counts).toMatchObject({ pages: 1, dropped: 0 });
  const times = site.visits.filter(({ path }) => path === '/busy').map(({ at }) => at);
  expect(times.length).toBe(3);
  for (const [index, at] of times.slice(1).entries()) expect(at - (times[index] ?? 0)).toBeGreaterThanOrEqual(3_000);
});

test('without retries a failure is final at once', async () => {
  site.routes.set('/flaky', { status: 503 });
  const ref = await (await start(await shard('once', ['/flaky'], { retries: 0 }))).result();
  expect(ref).toMatchObject({ counts: { pages: 0, dropped: 1 }, reasons: { server_error: 1 } });
  expect(site.visits.filter(({ path }) => path === '/flaky').length).toBe(1);
});

test('a worker without an account stops the run with the variable’s name', async () => {
  const handle = await start(await shard('account', ['/a'], { provider: 'brightdata' }));
  const error: unknown = await handle.result().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(WorkflowFailedError);
  const cause = (error as WorkflowFailedError).cause?.cause;
  expect(cause).toBeInstanceOf(ApplicationFailure);
  expect(cause).toMatchObject({ type: 'ConfigMissing', message: expect.stringContaining('BRIGHTDATA_API_TOKEN') });
});

test('a run that is cancelled stops asking, keeps its pages, and the next run goes on from them', async () => {
  const paths = Array.from({ length: 80 }, (_, index) => `/slow-${index}`);
  for (const path of paths) site.routes.set(path, { body: html(path), delayMs: 300 });
  const task = await shard('cancelled', paths, { perHost: 2 });
  const handle = await start(task);
  while (site.visits.filter(({ status }) => status === 200).length < 4) await new Promise((resolve) => setTimeout(resolve, 20));
  await handle.cancel();
  const error: unknown = await handle.result().catch((reason: unknown) => reason);
  expect((error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
  const asked = site.visits.length;
  expect(asked).toBeLessThan(80);
  const again = await (await start(task)).result();
  expect(again.counts).toMatchObject({ pages: 80, fetched: 80 });
  expect(paths.filter((path) => site.count(path) > 1).length).toBeLessThanOrEqual(2);
});
