// The same pages night after night: what each run says is new, changed, unchanged and gone.
import type { CollectTask } from '../../contracts/activities';
import type { StageRef } from '../../contracts/artifacts';
import { PageChange } from '../../contracts/records';
import { readManifest, stageFolder } from '../../io/manifest';
import { createPageShelf } from '../../io/page-shelf';
import { pageId } from '../../lib/url';
import { type Collecting, collectingForEachTest } from '../support/collecting';
import { html, type Site } from '../support/site';

jest.setTimeout(30_000);

let site: Site;
let on: Collecting;
collectingForEachTest((opened) => ({ site, on } = opened));

const PATHS = ['/stays', '/moves', '/leaves'];
const START = Date.now();
const night = async (n: number, paths = PATHS): Promise<CollectTask> =>
  on.task(paths.map(site.url), { run: `night-${n}`, date: new Date(START + n * 86_400_000).toISOString() });
const collected = async (n: number, paths = PATHS): Promise<StageRef> => {
  const task = await night(n, paths);
  await on.collect(task);
  return on.seal(task);
};
const changes = async (ref: StageRef): Promise<Record<string, [string, string | null]>> => {
  const manifest = await readManifest(on.store, 'collect', ref.key);
  const path = `${stageFolder('collect', ref.key, manifest?.facts.fence ?? 0)}/changes.jsonl`;
  const lines = ((await on.store.read(path)) ?? Buffer.alloc(0)).toString().split('\n');
  const rows = lines.filter((line) => line !== '').map((line) => PageChange.parse(JSON.parse(line)));
  return Object.fromEntries(rows.map(({ url, change, since }) => [new URL(url).pathname, [change, since]]));
};
const dateOf = (n: number): string => new Date(START + n * 86_400_000).toISOString();

test('a page that is gone keeps its last body for one run, is a tombstone from the second on, and comes back', async () => {
  for (const path of PATHS) site.routes.set(path, { body: html(path) });
  const first = await collected(1);
  expect(first.counts).toMatchObject({ pages: 3, new: 3, changed: 0, unchanged: 0, goneOnce: 0, gone: 0 });

  site.routes.set('/moves', { body: html('/moves', 'Other words. '.repeat(20)) });
  site.routes.set('/leaves', { status: 404 });
  const second = await collected(2);
  expect(second.counts).toMatchObject({ pages: 3, dropped: 0, new: 0, changed: 1, unchanged: 1, goneOnce: 1, gone: 0 });
  expect(second.reasons).toEqual({});
  expect(await changes(second)).toEqual({ '/moves': ['changed', null], '/leaves': ['gone_once', dateOf(2)] });
  const [before, after] = [await on.rows(first), await on.rows(second)];
  const body = (rows: typeof before, path: string): string | undefined => rows.pages.find(({ url }) => url === site.url(path))?.bodySha256;
  expect(body(after, '/leaves')).toBe(body(before, '/leaves'));
  expect(body(after, '/moves')).not.toBe(body(before, '/moves'));

  const third = await collected(3);
  expect(third.counts).toMatchObject({ pages: 2, dropped: 1, changed: 0, unchanged: 2, goneOnce: 0, gone: 1 });
  expect(third.reasons).toEqual({ not_found: 1 });
  expect(await changes(third)).toEqual({ '/leaves': ['gone', dateOf(2)] });
  expect((await createPageShelf(on.store).read(pageId(site.url('/leaves'))))?.gone).toEqual({
    since: dateOf(2),
    seenAt: dateOf(3),
    reason: 'not_found',
  });
  expect(await changes(await collected(4))).toEqual({ '/leaves': ['gone', dateOf(2)] });

  site.routes.set('/leaves', { body: html('/leaves') });
  const back = await collected(5);
  expect(back.counts).toMatchObject({ pages: 3, new: 1, unchanged: 2, gone: 0 });
  expect((await createPageShelf(on.store).read(pageId(site.url('/leaves'))))?.gone).toBeUndefined();
  expect(back.outputDigest).toBe(second.outputDigest);
});

test('a page that answers again after one night is unchanged, and its next absence counts from the start', async () => {
  site.routes.set('/leaves', (count) => (count === 1 || count === 3 ? { status: 410 } : { body: html('/leaves'), etag: '"1"' }));
  const refs: StageRef[] = [];
  for (const n of [1, 2, 3, 4]) refs.push(await collected(n, ['/leaves']));
  expect(refs.map(({ counts }) => [counts['new'], counts['goneOnce'], counts['unchanged'], counts['gone']])).toEqual([
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
    [0, 1, 0, 0],
  ]);
  // Kept or revalidated, the content is the same.
  expect(new Set(refs.map(({ outputDigest }) => outputDigest)).size).toBe(1);
});

test('a seal that is made again by the same run does not count the absence twice', async () => {
  site.routes.set('/leaves', { body: html('/leaves') });
  await collected(1, ['/leaves']);
  site.routes.set('/leaves', { status: 404 });
  const task = await night(2, ['/leaves']);
  await on.collect(task);
  const once = await on.seal(task);
  // As after a crash between the records and the manifest.
  await on.store.remove(`collect/${once.key}/manifest.json`);
  const again = await on.seal(task);
  expect(again.counts).toEqual(once.counts);
  expect(again.counts).toMatchObject({ pages: 1, goneOnce: 1, gone: 0 });
});

test('a page that is closed to us now is not gone: it leaves at once, and no tombstone is written', async () => {
  site.routes.set('/stays', (count) => (count === 0 ? { body: html('/stays') } : { status: 403 }));
  await collected(1, ['/stays', '/moves']);
  const second = await collected(2, ['/stays']);
  expect(second.counts).toMatchObject({ pages: 0, dropped: 1, goneOnce: 0, gone: 0 });
  expect(second.reasons).toEqual({ forbidden: 1 });
  expect((await createPageShelf(on.store).read(pageId(site.url('/stays'))))?.gone).toBeUndefined();
});

test('a page whose server is in trouble keeps its last body for as long as that lasts, and is listed as stale', async () => {
  const answers = [200, 500, 500, 404, 503, 404, 503, 200];
  site.routes.set('/stays', (count) =>
    answers[count] === 200 ? { body: html('/stays'), etag: '"1"' } : { status: answers[count] as number },
  );
  const refs: StageRef[] = [];
  for (const n of answers.keys()) refs.push(await collected(n, ['/stays']));
  const [first, second, third] = refs as [StageRef, StageRef, StageRef];
  expect(second.counts).toMatchObject({ urls: 1, pages: 1, dropped: 0, unchanged: 0, stale: 1 });
  expect([second.reasons, second.outputDigest, third.outputDigest]).toEqual([{}, first.outputDigest, first.outputDigest]);
  const lastHad = (await on.rows(first)).fetches[0]?.checkedAt;
  expect([await changes(second), await changes(third)]).toEqual([{ '/stays': ['stale', lastHad] }, { '/stays': ['stale', lastHad] }]);
  // Gone, in trouble, gone: that makes a tombstone, which trouble does not raise and an answer does.
  const told = refs.slice(3).map(({ counts }) => ['goneOnce', 'stale', 'gone', 'new', 'pages', 'dropped'].map((name) => counts[name]));
  expect(told).toEqual([
    [1, 0, 0, 0, 1, 0],
    [0, 1, 0, 0, 1, 0],
    [0, 0, 1, 0, 0, 1],
    [0, 0, 0, 0, 0, 1],
    [0, 0, 0, 1, 1, 0],
  ]);
});

test('a host that asks for days of quiet does not hold the run, and its pages stay in the data', async () => {
  for (const path of ['/stays', '/other']) site.routes.set(path, { body: html(path), etag: '"1"' });
  const first = await collected(1, ['/stays', '/other']);
  for (const path of ['/stays', '/other']) site.routes.set(path, { status: 503, headers: { 'retry-after': '172800' } });
  const task = await night(2, ['/stays', '/other']);
  expect(await on.collect(task)).toMatchObject({ pending: [], counts: { dropped: 2 } });
  const second = await on.seal(task);
  expect(second.counts).toMatchObject({ pages: 2, dropped: 0, stale: 2 });
  expect(second.outputDigest).toBe(first.outputDigest);
  await on.collectPage(task, site.url('/stays'));
});

test('a page that was never had and does not exist is a dead link, not a tombstone', async () => {
  const refs = [await collected(1, ['/leaves']), await collected(2, ['/leaves'])];
  expect(refs.map(({ counts }) => [counts['dropped'], counts['gone']])).toEqual([
    [1, 0],
    [1, 0],
  ]);
});
