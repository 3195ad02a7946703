// What a run's report says about collecting, from real shards of two nights.
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createExplainCollect } from '../../activities/collection';
import { createReport } from '../../activities/report';
import type { RunRecord, StageRef } from '../../contracts/artifacts';
import { PipelineInput } from '../../contracts/input';
import { collectionPath, reportPath, writeRun } from '../../io/runs';
import { Collection, collectionText } from '../../lib/collection';
import { type Collecting, collectingForEachTest } from '../support/collecting';
import { html, type Site } from '../support/site';

jest.setTimeout(30_000);

let site: Site;
let on: Collecting;
collectingForEachTest((opened) => ({ site, on } = opened));

const START = Date.now();
const dateOf = (n: number): string => new Date(START + n * 86_400_000).toISOString();

const night = async (n: number, paths: string[], over: Partial<RunRecord> = {}): Promise<{ run: RunRecord; refs: StageRef[] }> => {
  const tasks = await on.tasks(paths.map(site.url), { run: `night-${n}`, date: dateOf(n) });
  const refs: StageRef[] = [];
  for (const task of tasks) {
    await on.collect(task);
    refs.push(await on.seal(task));
  }
  const run: RunRecord = {
    schema: 1,
    runId: `night-${n}`,
    executionId: `night-${n}-execution`,
    raw: {},
    input: PipelineInput.parse({ name: 'docs' }),
    base: null,
    date: dateOf(n),
    stages: { collect: refs },
    computed: ['collect'],
    status: 'prepared',
    reason: null,
    verdict: null,
    hub: {},
    updatedAt: dateOf(n),
    ...over,
  };
  await writeRun(on.store, run);
  return { run, refs };
};
const environment = (): MockActivityEnvironment => new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') });
const reported = async (run: RunRecord): Promise<{ collection: Collection; page: string }> => {
  await environment().run(createReport({ store: on.store }).report, on.store.storeId, run);
  const json = (await on.store.read(collectionPath(run)))?.toString() ?? 'null';
  return { collection: Collection.parse(JSON.parse(json)), page: (await on.store.read(reportPath(run)))?.toString() ?? '' };
};
const paths = ({ examples }: { examples: { url: string }[] }): string[] => examples.map(({ url }) => new URL(url).pathname);

test('the report compares a run with the one before of the same target, page by page, as HTML and as JSON', async () => {
  for (const path of ['/a', '/b', '/c', '/d', '/e']) site.routes.set(path, { body: html(path) });
  await night(1, ['/a', '/b', '/c', '/e']);
  // Of another target, and one that failed: neither is what this run is compared with.
  await night(2, ['/a'], { input: PipelineInput.parse({ name: 'other' }) });
  await night(2.5, ['/a', '/b', '/c', '/d', '/e'], { status: 'failed' });
  site.routes.set('/b', { body: html('/b', 'Changed. '.repeat(30)) });
  site.routes.set('/e', { status: 410 });
  const { run } = await night(3, ['/a', '/b', '/d', '/e', '/dead']);
  const { collection, page } = await reported(run);
  expect(collection.previous).toEqual({ runId: 'night-1', executionId: 'night-1-execution', date: dateOf(1) });
  const { drift } = collection;
  expect([paths(drift!.new), paths(drift!.changed), paths(drift!.gone), drift!.unchanged]).toEqual([['/d'], ['/b'], ['/c'], 2]);
  expect(drift!.gone.examples[0]?.reason).toBe('no longer in the source');
  expect([paths(collection.goneOnce), collection.tombstones.count]).toEqual([['/e'], 0]);
  expect(collection.failures).toEqual([{ reason: 'not_found', count: 1, examples: [site.url('/dead')] }]);
  expect(collection.spending).toBeNull();
  for (const url of ['/b', '/c', '/d', '/e', '/dead'].map(site.url)) expect(page).toContain(url);
  expect(page).toContain('no longer in the source');

  const { run: last } = await night(4, ['/a', '/b', '/d', '/e', '/dead']);
  const next = (await reported(last)).collection;
  expect(next.previous?.runId).toBe('night-3');
  expect([paths(next.drift!.gone), next.drift!.gone.examples[0]?.reason, paths(next.tombstones)]).toEqual([['/e'], 'gone', ['/e']]);
  expect(next.tombstones.examples[0]?.reason).toBe(`gone, since ${dateOf(3)}`);
});

test('the first run of a target has nothing to compare with and says so', async () => {
  site.routes.set('/a', { body: html('/a') });
  const { collection, page } = await reported((await night(1, ['/a'])).run);
  expect([collection.previous, collection.drift]).toEqual([null, null]);
  expect(page).toContain('No earlier run');
  expect(collectionText(collection)[0]).toContain('no run before');
});

test('lists that are lost cost the comparison, not the report', async () => {
  site.routes.set('/a', { body: html('/a') });
  const { refs } = await night(1, ['/a']);
  const { run } = await night(2, ['/a']);
  await on.store.remove(`collect/${refs[0]?.key ?? ''}`);
  const { collection } = await reported(run);
  expect([collection.previous?.runId, collection.drift]).toEqual(['night-1', null]);
});

test('a run that fails on collecting names reasons by count with a few URLs of each', async () => {
  site.routes.set('/closed', { status: 403 });
  for (const path of ['/down', '/left']) site.routes.set(path, { body: html(path) });
  await night(1, ['/down', '/left']);
  // Their last bodies stand in, and yet they did not come.
  site.routes.set('/down', { status: 500 });
  site.routes.set('/left', { status: 410 });
  const { run, refs } = await night(2, ['/closed', '/down', '/left', ...Array.from({ length: 5 }, (_, n) => `/dead-${n}`)]);
  const text = await environment().run(
    createExplainCollect({ store: on.store }).explainCollect,
    on.store.storeId,
    refs.map(({ key }) => key),
  );
  expect(text).toMatch(
    /^not_found 5 \(http:\/\/site\.test\/dead-\d, http:\/\/site\.test\/dead-\d, http:\/\/site\.test\/dead-\d and 2 more\), /,
  );
  for (const [reason, path] of [
    ['forbidden', '/closed'],
    ['server_error', '/down'],
    ['gone', '/left'],
  ])
    expect(text).toContain(`${reason} 1 (${site.url(path ?? '')})`);
  const { collection, page } = await reported(run);
  expect([paths(collection.stale), paths(collection.goneOnce)]).toEqual([['/down'], ['/left']]);
  expect(collection.stale.examples[0]?.reason).toMatch(/^server_error, last had 2\d{3}-/);
  expect(page).toContain('not had this time');
});

test('a terminal gets the same in lines, with what was paid for', () => {
  const list = (count: number, ...urls: string[]) => ({ count, examples: urls.map((url) => ({ url, reason: null })) });
  expect(
    collectionText({
      schema: 1,
      previous: { runId: 'docs-1', executionId: 'e', date: '2026-11-23T03:00:00.000Z' },
      drift: { new: list(0), changed: list(2, 'https://a/1'), gone: list(0), unchanged: 1000 },
      pairs: { added: 4, removed: 3 },
      goneOnce: list(0),
      tombstones: list(0),
      stale: list(1, 'https://a/3'),
      spending: { requests: 1003, billed: 1000, possiblyBilled: 1, estimatedCostUsd: 1.5 },
      failures: [{ reason: 'dead_page', count: 1, examples: ['https://a/2'] }],
    }),
  ).toEqual([
    'since docs-1 of 2026-11-23T03:00:00.000Z: 0 pages new, 2 changed, 0 gone, 1,000 unchanged; 4 pairs added, 3 removed',
    '2 changed',
    '  https://a/1',
    '  and 1 more',
    '1 not had this time, kept as they were',
    '  https://a/3',
    'Bright Data: 1,003 asked for, 1,000 billed, 1 possibly billed, about $1.50 at the list price',
    'no page: dead_page 1 (https://a/2)',
  ]);
});
