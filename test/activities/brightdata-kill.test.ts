// What a worker that is killed with -9 costs: nothing where Bright Data can be asked, at most one page in doubt elsewhere.
import { fileURLToPath } from 'node:url';
import type { CollectTask } from '../../contracts/activities';
import { Secret } from '../../io/secret';
import { BrightDataStandIn, TOKEN, ZONE } from '../support/brightdata';
import { startChild } from '../support/child';
import { type Collecting, mockEnvironment, openCollecting } from '../support/collecting';
import { openSite, type Site } from '../support/site';

let site: Site;
let api: BrightDataStandIn;
let on: Collecting;
const PAGES = ['http://docs.test/a', 'http://docs.test/b', 'http://docs.test/c'];

beforeEach(async () => {
  site = await openSite();
  api = await BrightDataStandIn.open();
  for (const url of PAGES) api.pages.set(url, { markdown: `# ${url}\n` });
  on = await openCollecting(site, {
    config: { brightData: { url: api.url, token: new Secret(TOKEN), zone: ZONE } },
  });
});
afterEach(async () => void (await Promise.allSettled([on.close(), api.close(), site.close()])));
jest.setTimeout(60_000);

/** One activity of a worker in a process of its own, on the same store. */
const ACT = `
  const { MockActivityEnvironment } = require('@temporalio/testing');
  const { Secret } = at('io/secret');
  const activities = at('activities/brightdata').createBrightDataActivities({
    store: await at('io/store').openStore(args.folder), clock: at('io/clock').systemClock, log: { debug() {} },
    config: { brightData: { url: args.url, token: new Secret(args.token), zone: args.zone } },
  });
  await new MockActivityEnvironment().run(activities[args.name], ...args.given);
  process.exit(0);
`;
const killIn = async (name: string, given: unknown[], when: () => boolean): Promise<void> => {
  const args = { folder: fileURLToPath(on.store.uri), url: api.url, token: TOKEN, zone: ZONE, name, given };
  const child = startChild(ACT, args);
  while (!when()) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGKILL');
  expect(await child.exited).toBeNull();
};
const trigger = async (given: CollectTask): Promise<string> => {
  const started: unknown = await mockEnvironment().run(on.activities.triggerBatch, given);
  return (started as { snapshotId: string }).snapshotId;
};
const task = (): Promise<CollectTask> => on.task(PAGES, { source: { provider: 'brightdata' } });

test('while its trigger is under way: the batch is found at Bright Data and not started again', async () => {
  const given = await task();
  api.latencyMs = 300;
  await killIn('triggerBatch', [given], () => api.count('trigger') > 0);
  while (api.snapshots.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  api.latencyMs = 0;
  const started = await mockEnvironment().run(on.activities.triggerBatch, given);
  expect(started).toEqual({ snapshotId: 's_1' });
  expect(await mockEnvironment().run(on.activities.triggerBatch, given)).toEqual({ snapshotId: 's_1' });
  expect(api.count('trigger')).toBe(1);
});

test('while a page is under way: it is asked for again, and the doubt is on the bill', async () => {
  const given = await task();
  const [url] = PAGES as [string];
  api.latencyMs = 300;
  await killIn('requestPage', [given, url], () => api.count('request') > 0);
  api.latencyMs = 0;
  await mockEnvironment().run(on.activities.requestPage, given, url);
  await mockEnvironment().run(on.activities.requestPage, given, url);
  expect(api.count('request')).toBe(2);
  expect((await on.seal(given)).counts).toMatchObject({ pages: 1, requests: 2, billed: 1, possiblyBilled: 1 });
});

test('between two tries of a blocked page: the tries go on from where they were, and one is in doubt', async () => {
  const given = await task();
  const [url] = PAGES as [string];
  api.pages.set(url, { error: 'reject_block' });
  api.latencyMs = 300;
  await killIn('requestPage', [given, url], () => api.count('request') > 1);
  api.latencyMs = 0;
  let written = 0;
  const put = on.store.putFile.bind(on.store);
  on.store.putFile = async (...file) => ((written += 1), put(...file));
  await expect(mockEnvironment().run(on.activities.requestPage, given, url)).rejects.toMatchObject({ type: 'RemoteUnavailable' });
  expect(api.count('request')).toBe(4);
  // A note before each of the two requests, and after the last one what became of them and why there is no page.
  expect(written).toBe(4);
  const ref = await on.seal(given);
  expect(ref.reasons).toEqual({ reject_block: 1, interrupted: 2 });
  expect(ref.counts).toMatchObject({ requests: 4, billed: 0, possiblyBilled: 1 });
});

test('while rows are made durable: the snapshot is read again, not made again, and every page is there once', async () => {
  const many = Array.from({ length: 300 }, (_, index) => `http://docs.test/page-${index}`);
  for (const url of many) api.pages.set(url, { markdown: `# ${url}\n` });
  api.words = ['ready'];
  const given = await on.task(many, { source: { provider: 'brightdata' } });
  const snapshotId = await trigger(given);
  let saved = 0;
  const counting = setInterval(() => void on.store.list('pages').then((paths) => (saved = paths.length)), 10);
  try {
    await killIn('settleBatch', [given, { snapshotId }], () => saved > 20);
  } finally {
    clearInterval(counting);
  }
  expect(saved).toBeLessThan(300);
  expect(await mockEnvironment().run(on.activities.settleBatch, given, { snapshotId })).toMatchObject({
    pending: [],
    counts: { delivered: 300 },
  });
  expect([api.count('trigger'), api.count('snapshot'), api.bill]).toEqual([1, 1, [300, 0]]);
  expect((await on.seal(given)).counts).toMatchObject({ pages: 300, requests: 300, billed: 300, possiblyBilled: 0 });
});

test('a snapshot of 50 MB is streamed to the store, and every page in it is whole', async () => {
  const many = Array.from({ length: 50 }, (_, index) => `http://docs.test/large-${index}`);
  for (const [index, url] of many.entries()) api.pages.set(url, { markdown: String(index % 10).repeat(1_000_000) });
  api.words = ['ready'];
  const given = await on.task(many, { source: { provider: 'brightdata' } });
  const snapshotId = await trigger(given);
  expect(await mockEnvironment().run(on.activities.settleBatch, given, { snapshotId })).toMatchObject({ counts: { delivered: 50 } });
  const { pages } = await on.rows(await on.seal(given));
  expect(pages.map(({ bodyBytes }) => bodyBytes)).toEqual(Array.from({ length: 50 }, () => 1_000_000));
  expect(await on.store.stat(`collect/${given.shard.key}/brightdata/snapshot.ndjson`)).toBeNull();
});
