// How collecting behaves towards hosts, and what a worker's own configuration lets it do.
import { ApplicationFailure } from '@temporalio/common';
import { createWeb } from '../../activities/web';
import { systemClock } from '../../io/clock';
import { createHttp } from '../../io/http';
import { type Collecting, mockEnvironment, collectingForEachTest, openCollecting } from '../support/collecting';
import { manualClock } from '../support/manual-clock';
import { html, type Site } from '../support/site';
import { rejection } from '../support/rejection';

let site: Site;
let on: Collecting;
collectingForEachTest((opened) => ({ site, on } = opened));
jest.setTimeout(30_000);

const failureOf = async (promise: Promise<unknown>): Promise<ApplicationFailure> => rejection(promise, ApplicationFailure);

describe('manners', () => {
  test('a host meets no more requests at once than asked, over all that one worker collects', async () => {
    const paths = Array.from({ length: 60 }, (_, index) => `/${index}`);
    site.serve(Object.fromEntries(paths.map((path) => [path, { status: 404, delayMs: 2 }])));
    const given = { source: { perHost: 3, robots: 'ignore' as const } };
    const tasks = [await on.task(paths.slice(0, 30).map(site.url), given), await on.task(paths.slice(30).map(site.url), given)];
    await Promise.all(tasks.map(on.collect));
    expect(site.visits.length).toBe(60);
    expect(site.peak).toBe(3);
  });

  test('of many hosts a shard asks eight at once, each as wide as asked', async () => {
    const hosts = Array.from({ length: 20 }, (_, index) => `host-${index}.test`);
    const http = createHttp({
      ...{ allowPrivateHosts: false, now: () => Date.now() },
      own: Object.fromEntries(hosts.map((host) => [host, async () => site.port])),
    });
    const web = createWeb({ config: { allowPrivateHosts: false }, clock: systemClock, http });
    const many = await openCollecting(site, { web });
    try {
      const paths = Array.from({ length: 3 }, (_, index) => `/${index}`);
      site.serve(Object.fromEntries(paths.map((path) => [path, { status: 404, delayMs: 20 }])));
      const urls = hosts.flatMap((host) => paths.map((path) => `http://${host}${path}`));
      await many.collect(await many.task(urls, { source: { perHost: 2, robots: 'ignore' } }));
      expect(site.visits.length).toBe(60);
      expect(site.peak).toBe(16);
    } finally {
      await many.close();
      await http.close();
    }
  });

  test('a crawl delay is kept', async () => {
    site.serve({ '/robots.txt': { body: 'User-agent: *\nCrawl-delay: 0.2', headers: { 'content-type': 'text/plain' } } });
    const task = await on.task(['/a', '/b', '/c'].map(site.url));
    await on.collect(task);
    const starts = site.visits.filter(({ path }) => path !== '/robots.txt').map(({ at }) => at);
    // The server's clock ticks in whole milliseconds, our timers may fire one early.
    for (const [index, at] of starts.slice(1).entries()) expect(at - (starts[index] ?? 0)).toBeGreaterThanOrEqual(198);
  });

  test('a crawl delay of hours is kept as one of a minute', async () => {
    site.serve({ '/robots.txt': { body: 'User-agent: *\nCrawl-delay: 7200', headers: { 'content-type': 'text/plain' } } });
    const clock = manualClock();
    const http = createHttp({ allowPrivateHosts: false, now: () => clock.now(), own: { [site.host]: async () => site.port } });
    const slow = await openCollecting(site, { web: createWeb({ config: { allowPrivateHosts: false }, clock, http }) });
    const environment = mockEnvironment();
    const done = environment.run(slow.activities.collect, await slow.task(['/a', '/b'].map(site.url)));
    const pagesAsked = async (): Promise<number> => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      return site.count('/a') + site.count('/b');
    };
    try {
      expect(await pagesAsked()).toBe(1);
      await clock.pass(59_000);
      expect(await pagesAsked()).toBe(1);
      await clock.pass(2_000);
      expect(await pagesAsked()).toBe(2);
    } finally {
      environment.cancel();
      await done.catch(() => undefined);
      await slow.close();
      await http.close();
    }
  });

  test('robots.txt can be ignored by the input, and is not asked for then', async () => {
    site.serve({ '/robots.txt': { body: 'User-agent: *\nDisallow: /' }, '/a': { body: html('A') } });
    const task = await on.task([site.url('/a')], { source: { robots: 'ignore' } });
    await on.collect(task);
    expect((await on.seal(task)).counts).toMatchObject({ pages: 1 });
    expect(site.count('/robots.txt')).toBe(0);
  });
});

describe('configuration', () => {
  test('Bright Data without a token is refused, and the variable is named', async () => {
    const task = await on.task([site.url('/a')], { source: { provider: 'brightdata' } });
    const failed = await failureOf(mockEnvironment().run(on.activities.triggerBatch, task));
    expect(failed).toMatchObject({ type: 'ConfigMissing', nonRetryable: true });
    expect(failed.message).toContain('BRIGHTDATA_API_TOKEN');
    expect(site.visits.length).toBe(0);
  });

  test('private addresses are fetched only where the operator allows them', async () => {
    site.serve({ '/a': { body: html('A') } });
    for (const allowPrivateHosts of [false, true]) {
      const web = createWeb({ config: { allowPrivateHosts }, clock: systemClock });
      const own = await openCollecting(site, { web });
      const task = await own.task([site.privateUrl('/a')]);
      await own.collect(task);
      expect((await own.seal(task)).reasons).toEqual(allowPrivateHosts ? {} : { private_address: 1 });
      await Promise.all([own.close(), web.http.close()]);
    }
    expect(site.count('/a')).toBe(1);
  });

  test('a worker with another store is refused', async () => {
    const task = await on.task([site.url('/a')]);
    expect(await failureOf(on.collect({ ...task, storeId: 'another' }))).toMatchObject({ type: 'ConfigMissing' });
  });

  test('a clock that is behind the server’s does not make pages due again', async () => {
    site.serve({ '/a': { body: html('A') } });
    const task = await on.task([site.url('/a')], { date: new Date(Date.now() + 60_000).toISOString() });
    await on.collect(task);
    await on.collect(task);
    expect(site.count('/a')).toBe(1);
    expect((await on.seal(task)).counts).toMatchObject({ pages: 1, fetched: 1 });
  });
});
