// A shard through Bright Data on a real server: one batch, single URLs for the rest, and a bill without repetition.
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { randomUUID } from 'node:crypto';
import type { CollectTask } from '../../contracts/activities';
import type { StageRef } from '../../contracts/artifacts';
import { WORKFLOWS } from '../../contracts/names';
import { bodyPath } from '../../io/page-shelf';
import { readManifest } from '../../io/manifest';
import { Secret } from '../../io/secret';
import { BrightDataStandIn, TOKEN, ZONE } from '../support/brightdata';
import { type Collecting, openCollecting } from '../support/collecting';
import { openReplaying, type Replaying } from '../support/replaying-worker';
import { html, openSite, type Site } from '../support/site';
import { until } from '../support/stack';

jest.setTimeout(120_000);

let server: Replaying;
let stop: () => Promise<void>;
let site: Site;
let on: Collecting;
let api: BrightDataStandIn;

beforeAll(async () => void (server = await openReplaying()));
afterAll(async () => server.close());
const open = async (zone: string | null): Promise<void> => {
  on = await openCollecting(site, { config: { brightData: { url: api.url, token: new Secret(TOKEN), zone } } });
  stop = await server.work('brightdata', 'workflows/collect-shard', on.activities);
};
const shut = async (): Promise<void> => {
  await stop();
  await on.close();
};
beforeEach(async () => {
  site = await openSite();
  api = await BrightDataStandIn.open();
  // The fewest looks, which stand 1, 2, 5, then 10 s apart.
  api.words = ['ready'];
  await open(ZONE);
});
afterEach(async () => {
  await shut();
  await Promise.allSettled([api.close(), site.close()]);
  // No zone was made, nor anything else that Bright Data's documents do not offer us.
  expect([api.count('zones'), api.count('unknown')]).toEqual([0, 0]);
});

type Run = WorkflowHandle<(task: CollectTask) => Promise<StageRef>>;
const start = async (task: CollectTask): Promise<Run> =>
  server.stack.client.workflow.start<(task: CollectTask) => Promise<StageRef>>(WORKFLOWS.collectShard, {
    taskQueue: 'brightdata',
    workflowId: randomUUID(),
    args: [task],
  });
const urls = (count: number): string[] => Array.from({ length: count }, (_, index) => `http://docs.test/page-${index}`);
const serve = (pages: string[]): void => {
  for (const url of pages) api.pages.set(url, { markdown: `# ${url}\n\nText.\n` });
};
const shard = (pages: string[], source = {}, given = {}): Promise<CollectTask> =>
  on.task(pages, { run: randomUUID(), source: { provider: 'brightdata', ...source }, ...given });
const failureOf = async (run: Run): Promise<unknown> => {
  const error: unknown = await run.result().catch((reason: unknown) => reason);
  return error instanceof WorkflowFailedError ? (error.cause?.cause ?? error.cause) : error;
};
const metricsOf = async (ref: StageRef): Promise<unknown> => (await readManifest(on.store, 'collect', ref.key))?.facts.metrics;

test('a batch brings the pages in another order, each to its own address, and a rerun within maxAge costs nothing', async () => {
  const pages = urls(30);
  serve(pages);
  api.pages.set(pages[3] ?? '', { markdown: 'Three', html: html('Three') });
  api.words = ['starting', 'ready'];
  api.building = 1;
  const run = await start(await shard(pages));
  const ref = await run.result();
  // Between looks the workflow sleeps, not an activity: starting, ready, still being built, built.
  const { events } = await run.fetchHistory();
  expect((events ?? []).filter(({ timerStartedEventAttributes: timer }) => timer != null).length).toBe(3);
  expect(ref.counts).toEqual({
    urls: 30,
    pages: 30,
    fetched: 30,
    revalidated: 0,
    reused: 0,
    dropped: 0,
    new: 30,
    changed: 0,
    unchanged: 0,
    goneOnce: 0,
    gone: 0,
    stale: 0,
    requests: 30,
    billed: 30,
    possiblyBilled: 0,
  });
  expect(await metricsOf(ref)).toMatchObject({ estimatedCostUsd: 0.045 });
  const rows = (await on.rows(ref)).pages;
  for (const row of rows) {
    const body = (await on.store.read(bodyPath(row.bodySha256)))?.toString();
    if (row.url === pages[3]) expect([row.format, body]).toEqual(['html', html('Three')]);
    else expect([row.format, body]).toEqual(['markdown', `# ${row.url}\n\nText.\n`]);
  }
  expect([api.count('trigger'), api.count('request'), api.bill]).toEqual([1, 0, [30, 0]]);
  const again = await (await start(await shard(pages))).result();
  expect(again.counts).toMatchObject({ pages: 30, reused: 30, requests: 0, billed: 0 });
  expect(again.outputDigest).toBe(ref.outputDigest);
  expect([api.count('trigger'), api.bill]).toEqual([1, [30, 0]]);
});

test('what the batch did not bring is asked for alone, by its own activity, and only that', async () => {
  const pages = urls(20);
  serve(pages);
  const [missing, refused, empty, dead, own, blocked] = pages as [string, string, string, string, string, string];
  api.inBatch.set(missing, null);
  api.inBatch.set(refused, { error: 'crawl_error' });
  api.inBatch.set(empty, 'empty');
  api.pages.set(dead, { error: 'dead_page' });
  api.inBatch.set(own, null);
  api.pages.set(own, { own: 404 });
  api.inBatch.set(blocked, null);
  api.pages.set(blocked, { error: 'reject_block' });
  const run = await start(await shard(pages, { retries: 1 }));
  const ref = await run.result();
  expect(ref.counts).toMatchObject({ urls: 20, pages: 17, dropped: 3, requests: 20 + 3 + 1 + 2, billed: 14 + 3 + 1, possiblyBilled: 0 });
  expect(ref.reasons).toEqual({ dead_page: 1, not_found: 1, reject_block: 1 });
  expect(api.bill).toEqual([18, 0]);
  expect([api.count('request', dead), api.count('request', blocked), api.count('request')]).toEqual([0, 2, 6]);
  const { events } = await run.fetchHistory();
  const summaries = (events ?? []).map((event) => Buffer.from(event.userMetadata?.summary?.data ?? []).toString());
  expect(summaries).toContain(JSON.stringify(missing));
});

test('rows twice, of nobody, of tidied addresses and with a reason beside a page: each page is paid for once and kept', async () => {
  const pages = [
    'http://docs.test/Case',
    'http://docs.test/slash',
    'http://docs.test/both',
    'http://docs.test/both/',
    'http://docs.test/twice',
  ];
  serve(pages);
  api.echo = (url) =>
    /both|twice/.test(url)
      ? url
      : url
          .toLowerCase()
          .replace(/slash$/, 'slash/')
          .replace('http:', 'https:');
  const dead = { input: { url: pages[4] }, error: 'not had', error_code: 'dead_page' };
  api.before = [dead, { input: { url: 'http://docs.test/unasked' }, markdown: 'Nobody asked.' }, { markdown: 'Whose?' }, [], dead];
  api.after = [dead, { input: { url: pages[4] }, markdown: 'A second one.' }];
  const ref = await (await start(await shard(pages))).result();
  expect(ref.counts).toMatchObject({ urls: 5, pages: 5, dropped: 0, requests: 5, billed: 5 });
  for (const { url, bodySha256 } of (await on.rows(ref)).pages)
    expect((await on.store.read(bodyPath(bodySha256)))?.toString()).toBe(`# ${url}\n\nText.\n`);
  expect([api.count('request'), api.bill]).toEqual([0, [5, 0]]);
});

test('the history of a shard holds an address once for its activity, whatever the input names', async () => {
  const named = urls(100);
  serve(named);
  api.fail('trigger', { status: 400, body: 'no batches here' });
  const run = await start(await shard(named));
  await run.result();
  const { events } = await run.fetchHistory();
  const inputs = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) =>
    scheduled?.activityType?.name === 'requestPage'
      ? [Buffer.concat(scheduled.input?.payloads?.map(({ data }) => data ?? Buffer.alloc(0)) ?? [])]
      : [],
  );
  expect(inputs.length).toBe(100);
  for (const input of inputs) expect([input.toString().split('docs.test').length - 1, input.length < 1500]).toEqual([1, true]);
});

test('without a zone the rest of a batch is named with the variable, and the pages are kept', async () => {
  await shut();
  await open(null);
  const pages = urls(5);
  serve(pages);
  api.inBatch.set(pages[0] ?? '', null);
  const ref = await (await start(await shard(pages))).result();
  expect(ref).toMatchObject({ counts: { pages: 4, dropped: 1 }, reasons: { not_delivered: 1 } });
  expect((await on.rows(ref)).dropped[0]?.detail).toContain('BRIGHTDATA_ZONE');
});

describe('as a whole', () => {
  const pages = urls(5);
  beforeEach(() => serve(pages));

  test('a batch that cannot be started is replaced by single requests', async () => {
    api.fail('trigger', { status: 400, body: 'Should be at least 20 inputs' });
    const ref = await (await start(await shard(pages))).result();
    expect(ref.counts).toMatchObject({ pages: 5, requests: 5, billed: 5, possiblyBilled: 0 });
    expect([api.count('trigger'), api.count('request'), api.bill]).toEqual([1, 5, [5, 0]]);
  });

  test('a snapshot that failed is replaced by single requests', async () => {
    api.words = ['running', 'failed'];
    const ref = await (await start(await shard(pages))).result();
    expect(ref.counts).toMatchObject({ pages: 5, requests: 10, billed: 5, possiblyBilled: 0 });
    expect(api.bill).toEqual([5, 0]);
  });

  test('a snapshot that never gets ready is cancelled in time and replaced', async () => {
    api.words = ['running'];
    const ref = await (await start(await shard(pages, { batchMinutes: 0.05 }))).result();
    expect(ref.counts).toMatchObject({ pages: 5, requests: 10, billed: 5, possiblyBilled: 5 });
    expect(api.cancelled).toEqual(['s_1']);
    expect(api.bill).toEqual([5, 0]);
  });
});

test('a page that the batch calls dead keeps its body for one run, leaves with the next, and is never billed for it', async () => {
  const pages = urls(3);
  serve(pages);
  await (await start(await shard(pages, { maxAgeHours: 0 }))).result();
  api.pages.set(pages[1] ?? '', { error: 'dead_page' });
  const second = await (await start(await shard(pages, { maxAgeHours: 0 }))).result();
  expect(second.counts).toMatchObject({ pages: 3, unchanged: 2, goneOnce: 1, gone: 0, billed: 2 });
  const third = await (await start(await shard(pages, { maxAgeHours: 0 }))).result();
  expect(third.counts).toMatchObject({ pages: 2, unchanged: 2, goneOnce: 0, gone: 1, billed: 2 });
  expect(third.reasons).toEqual({ dead_page: 1 });
  expect(api.count('request')).toBe(0);
});

test('a trigger whose answer was lost is found again by its addresses, not sent again', async () => {
  const pages = urls(5);
  serve(pages);
  api.fail('trigger', { lost: true });
  const ref = await (await start(await shard(pages))).result();
  expect(ref.counts).toMatchObject({ pages: 5, requests: 5, billed: 5, possiblyBilled: 0 });
  expect([api.count('trigger'), api.count('input'), api.bill]).toEqual([1, 1, [5, 0]]);
});

test('a trigger whose answer was lost is found beside batches of somebody else that cannot be read', async () => {
  const pages = urls(5);
  serve(pages);
  api.fail('trigger', { lost: true });
  api.echo = (url) => url.replace('docs.test', 'DOCS.test:80');
  for (const id of ['s_gone', 's_other']) {
    const created = new Date(Date.now() + 1000).toISOString();
    api.snapshots.set(id, { id, created, urls: [], words: ['ready'], building: 0, billed: true, errors: true });
  }
  api.fail('input', { status: 404, body: 'Snapshot not found' }, { status: 200, body: '[{"keyword":"x"}]' });
  const ref = await (await start(await shard(pages))).result();
  expect(ref.counts).toMatchObject({ pages: 5, requests: 5, billed: 5 });
  expect([api.count('trigger'), api.count('input'), api.bill]).toEqual([1, 3, [5, 0]]);
});

test('a snapshot that stays in the making after it was ready is given up in time', async () => {
  const pages = urls(2);
  serve(pages);
  api.building = 1_000;
  const ref = await (await start(await shard(pages, { batchMinutes: 0.1 }))).result();
  expect(ref.counts).toMatchObject({ pages: 2, requests: 4, billed: 2, possiblyBilled: 2 });
  expect([api.cancelled, api.count('trigger')]).toEqual([['s_1'], 1]);
});

test('a snapshot whose transfer breaks is read again, not made again', async () => {
  const pages = urls(50);
  serve(pages);
  api.fail('snapshot', { cut: true });
  const ref = await (await start(await shard(pages))).result();
  expect(ref.counts).toMatchObject({ pages: 50, requests: 50, billed: 50 });
  expect([api.count('trigger'), api.count('snapshot'), api.bill]).toEqual([1, 2, [50, 0]]);
});

test('429 with and without Retry-After is waited for, whatever was asked, and costs no try', async () => {
  const pages = urls(5);
  serve(pages);
  for (const url of pages) api.inBatch.set(url, null);
  api.fail('trigger', { status: 429, headers: { 'retry-after': '1' } }, { status: 429 });
  api.fail('progress', { status: 429, headers: { 'retry-after': '1' } });
  api.fail('snapshot', { status: 429, headers: { 'retry-after': '1' } });
  api.fail('request', { status: 429, headers: { 'retry-after': '1' } });
  const ref = await (await start(await shard(pages, { retries: 0 }))).result();
  expect(ref.counts).toMatchObject({ pages: 5, billed: 5, requests: 10 });
  expect([api.early, api.bill]).toEqual([0, [5, 0]]);
});

test.each([
  ['a token that is not accepted', 401, 'Invalid token', 'ConfigMissing', 'BRIGHTDATA_API_TOKEN'],
  ['an account without credit', 402, 'Payment required', 'QuotaExhausted', 'payment'],
])('%s stops the run at once', async (_, status, body, type, word) => {
  serve(urls(2));
  api.fail('trigger', { status, body });
  const failed = await failureOf(await start(await shard(urls(2))));
  expect(failed).toMatchObject({ type, message: expect.stringContaining(word) });
  expect([api.count('trigger'), api.count('request'), api.bill]).toEqual([1, 0, [0, 0]]);
});

test('budget.maxRequests stops before one more, keeps everything, and the next run pays only for the rest', async () => {
  const pages = urls(10);
  serve(pages);
  const failed = await failureOf(await start(await shard(pages, {}, { maxRequests: 6 })));
  expect(failed).toMatchObject({ type: 'QuotaExhausted', message: expect.stringContaining('budget.maxRequests') });
  expect(api.bill).toEqual([6, 0]);
  const ref = await (await start(await shard(pages, {}, { maxRequests: 6 }))).result();
  expect(ref.counts).toMatchObject({ pages: 10, reused: 6, requests: 4, billed: 4 });
  expect(api.bill).toEqual([10, 0]);
});

test('credit that runs out in mid-run stops it, keeps what came, and the next run pays only for the rest', async () => {
  const pages = urls(10);
  serve(pages);
  for (const url of pages.slice(5)) api.inBatch.set(url, null);
  api.fail('request', {}, { status: 402, body: 'Payment required' });
  const failed = await failureOf(await start(await shard(pages)));
  expect(failed).toMatchObject({ type: 'QuotaExhausted', message: expect.stringContaining('payment') });
  const before = api.bill[0];
  expect(before).toBeGreaterThanOrEqual(5);
  const ref = await (await start(await shard(pages))).result();
  expect(ref.counts).toMatchObject({ pages: 10, reused: before });
  expect(api.bill).toEqual([10, 0]);
});

test('a budget of exactly as many pages is enough, and not for one try more', async () => {
  const pages = urls(5);
  serve(pages);
  const exact = await (await start(await shard(pages, {}, { maxRequests: 5 }))).result();
  expect(exact.counts).toMatchObject({ pages: 5, requests: 5, billed: 5 });
  // Each try through another peer is a request: two of them, and no third.
  const blocked = 'http://docs.test/blocked';
  api.pages.set(blocked, { error: 'reject_block' });
  api.fail('trigger', { status: 400, body: 'no batches here' });
  const failed = await failureOf(await start(await shard([blocked], { retries: 3 }, { maxRequests: 2 })));
  expect(failed).toMatchObject({
    type: 'QuotaExhausted',
    message: expect.stringContaining('has asked Bright Data for 2 pages and may for 2'),
  });
  expect([api.count('request', blocked), api.bill]).toEqual([2, [5, 0]]);
});

test('a run that is cancelled while its snapshot is being read keeps what came, and the next run pays only for what did not', async () => {
  const pages = urls(200);
  serve(pages);
  api.fail('snapshot', { delayMs: 3_000 });
  const run = await start(await shard(pages));
  await until('the snapshot', 20, () => api.count('snapshot') > 0);
  await run.cancel();
  const error: unknown = await run.result().catch((reason: unknown) => reason);
  expect((error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
  expect(api.count('request')).toBe(0);
  const again = await (await start(await shard(pages))).result();
  expect(again.counts['pages']).toBe(200);
  expect(again.counts['billed']).toBe(200 - (again.counts['reused'] ?? 0));
});

test('cancelling the run cancels its snapshot', async () => {
  serve(urls(3));
  api.words = ['running'];
  const run = await start(await shard(urls(3)));
  await until('a look at the batch', 20, () => api.count('progress') > 0);
  await run.cancel();
  const error: unknown = await run.result().catch((reason: unknown) => reason);
  expect((error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
  expect(api.cancelled).toEqual(['s_1']);
  expect([api.count('request'), api.bill]).toEqual([0, [0, 0]]);
});

test('a run that is cancelled while its batch is being started cancels that batch, whose id it had not heard yet', async () => {
  const pages = urls(3);
  serve(pages);
  api.fail('trigger', { delayMs: 2_000 });
  const run = await start(await shard(pages));
  await until('the trigger', 20, () => api.count('trigger') > 0);
  await run.cancel();
  await expect(run.result()).rejects.toMatchObject({ cause: expect.any(CancelledFailure) });
  expect([api.cancelled, api.count('progress'), api.count('request')]).toEqual([['s_1'], 0, 0]);
});

test('a run that is cancelled among single requests waits for those under way, keeps their pages and asks for no more', async () => {
  const pages = urls(60);
  serve(pages);
  api.fail('trigger', { status: 400, body: 'no batches here' });
  api.latencyMs = 500;
  const run = await start(await shard(pages));
  await until('a page', 20, () => api.count('request') > 0);
  await run.cancel();
  await expect(run.result()).rejects.toMatchObject({ cause: expect.any(CancelledFailure) });
  const paid = api.bill[0];
  expect(paid).toBeLessThan(60);
  api.latencyMs = 0;
  const again = await (await start(await shard(pages))).result();
  expect(again.counts).toMatchObject({ pages: 60, reused: paid });
  expect(api.bill).toEqual([60, 0]);
});

test('auto means Bright Data where the worker has a token', async () => {
  serve(urls(2));
  const ref = await (await start(await shard(urls(2), { provider: 'auto' }))).result();
  expect(ref.counts).toMatchObject({ pages: 2, billed: 2 });
  expect(site.visits).toEqual([]);
});
