// A large snapshot is streamed: what a worker's process needs for it does not grow with it.
import { fileURLToPath } from 'node:url';
import { Secret } from '../../io/secret';
import { BrightDataStandIn, TOKEN, ZONE } from '../support/brightdata';
import { startChild } from '../support/child';
import { type Collecting, mockEnvironment, openCollecting } from '../support/collecting';
import { openSite, type Site } from '../support/site';

jest.setTimeout(120_000);

const MB = 1024 * 1024;
const PAGES = 500;
let site: Site;
let api: BrightDataStandIn;
let on: Collecting;
beforeEach(async () => {
  site = await openSite();
  api = await BrightDataStandIn.open();
  on = await openCollecting(site, { config: { brightData: { url: api.url, token: new Secret(TOKEN), zone: ZONE } } });
});
afterEach(async () => void (await Promise.allSettled([on.close(), api.close(), site.close()])));

/** Settles a batch in a process of its own; says by how many bytes more were alive at most than before. */
const SETTLE = `
  const { MockActivityEnvironment } = require('@temporalio/testing');
  const { Secret } = at('io/secret');
  const activities = at('activities/brightdata').createBrightDataActivities({
    store: await at('io/store').openStore(args.folder), clock: at('io/clock').systemClock, log: { debug() {} },
    config: { brightData: { url: args.url, token: new Secret(args.token), zone: args.zone } },
  });
  const environment = new MockActivityEnvironment();
  require('node:v8').setFlagsFromString('--expose-gc');
  const collect = require('node:vm').runInNewContext('gc');
  // What is alive: resident memory also holds what V8 has not given back, more of it the busier the machine.
  const alive = () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = alive();
  let most = before;
  let looks = 0;
  let timer;
  // Half of the time at most: on a busy machine a collection takes longer than the time between two looks.
  const look = () => {
    const start = performance.now();
    looks += 1;
    most = Math.max(most, alive());
    timer = setTimeout(look, Math.max(50, performance.now() - start));
  };
  look();
  const settled = await environment.run(activities.settleBatch, ...args.given);
  clearTimeout(timer);
  console.log(JSON.stringify({ grew: most - before, looks, counts: settled.counts }));
  process.exit(0);
`;

test('a snapshot of 50 MB costs a fraction of itself in memory', async () => {
  const urls = Array.from({ length: PAGES }, (_, n) => `http://docs.test/page-${n}`);
  // Not the same bytes twice: the store keeps one body of each content.
  for (const url of urls) api.pages.set(url, { markdown: '', html: `<h1>${url}</h1>${'<p>Prose.</p>'.repeat(8200)}` });
  api.words = ['ready'];
  const given = await on.task(urls, { source: { provider: 'brightdata' } });
  const started: unknown = await mockEnvironment().run(on.activities.triggerBatch, given);
  const child = startChild(SETTLE, {
    ...{ folder: fileURLToPath(on.store.uri), url: api.url, token: TOKEN, zone: ZONE },
    given: [given, started],
  });
  const said = JSON.parse(await child.line(/grew/)) as { grew: number; looks: number; counts: Record<string, number> };
  await child.exited;
  expect(said.counts).toEqual({ delivered: PAGES, pending: 0 });
  expect(api.sent).toBeGreaterThan(50 * MB);
  expect(said.looks).toBeGreaterThan(10);
  // 15 to 26 with what the first requests load; 51 where rows are read ahead of who makes them durable.
  expect(said.grew).toBeLessThan(40 * MB);
});
