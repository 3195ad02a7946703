import { collectingForEachTest, type Collecting } from '../support/collecting';
import { startChild } from '../support/child';
import { html, type Site } from '../support/site';
import { fileURLToPath } from 'node:url';

let site: Site;
let on: Collecting;
collectingForEachTest((opened) => ({ site, on } = opened));
jest.setTimeout(60_000);

/** A worker's collect in a process of its own, on the same store. */
const COLLECT = `
  const { MockActivityEnvironment } = require('@temporalio/testing');
  const store = await at('io/store').openStore(args.folder);
  const http = at('io/http').createHttp({ allowPrivateHosts: false, now: Date.now, own: { [args.host]: async () => args.port } });
  const clock = at('io/clock').systemClock;
  const { collect } = at('activities/collect').createCollect({
    store, clock, host: 'child', versions: {}, log: { debug() {} },
    web: at('activities/web').createWeb({ config: { allowPrivateHosts: false }, clock, http }),
  });
  console.log(JSON.stringify(await new MockActivityEnvironment().run(collect, args.task)));
  process.exit(0);
`;

test('a worker that is killed with -9 loses no page: its successor asks only for what had not arrived', async () => {
  const paths = Array.from({ length: 40 }, (_, index) => `/page-${index}`);
  for (const path of paths) site.routes.set(path, { body: html(path), delayMs: 20 });
  site.routes.set('/page-3', { status: 404 });
  const task = await on.task(paths.map(site.url), { source: { perHost: 4 } });
  const args = { folder: fileURLToPath(on.store.uri), host: site.host, port: site.port, task };

  const first = startChild(COLLECT, args);
  while (site.visits.filter(({ status }) => status !== 0).length < 20) await new Promise((resolve) => setTimeout(resolve, 2));
  first.kill('SIGKILL');
  expect(await first.exited).toBeNull();
  const arrived = (await on.store.list('pages')).length;
  expect(arrived).toBeGreaterThan(0);
  expect(arrived).toBeLessThan(39);

  const second = startChild(COLLECT, args);
  expect(await second.exited).toBe(0);
  expect(JSON.parse(second.lines[0] ?? '')).toMatchObject({ pending: [], counts: { urls: 40, pages: 39, dropped: 1 } });
  expect((await on.seal(task)).counts).toMatchObject({ urls: 40, pages: 39, fetched: 39, dropped: 1 });
  // Asked twice: only what was on its way (four) or not yet durable (four) at the kill.
  const twice = paths.filter((path) => site.count(path) > 1);
  expect(twice.length).toBeLessThanOrEqual(8);
  expect(site.visits.length).toBeLessThanOrEqual(40 + 8 + 2);
});
