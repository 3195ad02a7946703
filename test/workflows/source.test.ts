// From whatever names pages to sealed shards on a real server: sitemaps, links in waves, files, variants.
import { WorkflowFailedError } from '@temporalio/client';
import { mkdir, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { PipelineInput } from '../../contracts/input';
import { Secret } from '../../io/secret';
import { BrightDataStandIn, TOKEN, ZONE } from '../support/brightdata';
import type { collectAll } from '../support/collect-workflow';
import { type Collecting, openCollecting } from '../support/collecting';
import { openReplaying, type Replaying } from '../support/replaying-worker';
import { html, openSite, type Site } from '../support/site';
import { until } from '../support/stack';

jest.setTimeout(180_000);

let server: Replaying;
let stop: () => Promise<void>;
let site: Site;
let api: BrightDataStandIn;
let on: Collecting;

beforeAll(async () => void (server = await openReplaying()));
afterAll(async () => server.close());
beforeEach(async () => {
  site = await openSite();
  api = await BrightDataStandIn.open();
  api.words = ['ready'];
  on = await openCollecting(site, { config: { brightData: { url: api.url, token: new Secret(TOKEN), zone: ZONE } } });
  stop = await server.work('sources', 'test/support/collect-workflow', on.activities);
});
afterEach(async () => {
  await stop();
  await Promise.allSettled([on.close(), api.close(), site.close()]);
});

type Result = Awaited<ReturnType<typeof collectAll>>;
const run = async (source: Record<string, unknown>, budget = {}): Promise<Result> => {
  const input = PipelineInput.parse({ source: { provider: 'direct', timeoutSeconds: 5, retries: 0, ...source }, budget });
  const identity = { runId: randomUUID(), executionId: '1' };
  return server.stack.client.workflow.execute<typeof collectAll>('collectAll', {
    taskQueue: 'sources',
    workflowId: identity.runId,
    args: [{ run: identity, storeId: on.store.storeId, input }, new Date().toISOString()],
  });
};
const failed = async (source: Record<string, unknown>, budget = {}): Promise<unknown> => {
  const error: unknown = await run(source, budget).catch((reason: unknown) => reason);
  const cause = error instanceof WorkflowFailedError ? error.cause : error;
  return (cause as { cause?: { cause?: unknown } }).cause?.cause ?? (cause as { cause?: unknown }).cause ?? cause;
};
const sums = ({ pages }: Result): Record<string, number> => {
  const sum: Record<string, number> = {};
  for (const { counts, reasons } of Object.values(pages))
    for (const [name, count] of Object.entries({ ...counts, ...reasons })) sum[name] = (sum[name] ?? 0) + count;
  return sum;
};
const urlsOf = async ({ pages }: Result): Promise<string[]> =>
  (await Promise.all(Object.values(pages).map((ref) => on.rows(ref)))).flatMap((rows) => rows.pages.map(({ url }) => url)).sort();
const digests = ({ pages }: Result): string[] => Object.entries(pages).map(([bucket, { outputDigest }]) => `${bucket} ${outputDigest}`);
const doc = (title: string, links: readonly string[] = [], head = ''): string =>
  html(title)
    .replace('</head>', `${head}</head>`)
    .replace('</main>', `${links.map((href) => `<a href="${href}">x</a>`).join('\n')}</main>`);
const serve = (pages: Record<string, string>): void => {
  for (const [path, body] of Object.entries(pages)) site.routes.set(path, { body });
};
const of = (...paths: string[]): string[] => paths.map(site.url).sort();

test('sitemaps, links and files come together, each page once, one page under several addresses as one', async () => {
  serve({
    '/robots.txt': `User-agent: *\nDisallow: /closed\nSitemap: ${site.url('/index.xml')}\n`,
    '/index.xml': `<sitemapindex><sitemap><loc>${site.url('/map.xml')}</loc></sitemap></sitemapindex>`,
    '/map.xml': `<urlset><url><loc>${site.url('/start')}</loc></url><url><loc>${site.url('/a')}</loc></url></urlset>`,
    '/start': doc('Start', ['/a', '/b#x', 'https://elsewhere.test/', '/closed', '/moved', '/picture.png', '/skipped/x']),
    '/a': doc('A', ['/a?print=1', '/start']),
    '/a?print=1': doc('A', ['/deep'], '<link rel="canonical" href="/a">'),
    '/b': doc('B', ['/c', '/dead']),
    '/c': doc('C', ['/d']),
    '/d': doc('D'),
    '/deep': doc('Deep'),
    '/target': doc('Target', ['/e']),
    '/e': doc('E'),
    '/closed': doc('Closed'),
    '/skipped/x': doc('Skipped'),
  });
  site.routes.set('/moved', { status: 301, headers: { location: '/target' } });
  serve({ '/b': doc('B', ['/c', '/dead', '/target']) });
  await mkdir(join(on.filesRoot, 'notes'));
  await writeFile(join(on.filesRoot, 'notes', 'n.md'), '# Notes\n\nA text.\n');

  const source = { sitemaps: [site.url('/')], files: ['notes'], links: { depth: 2 }, exclude: ['/skipped/**'] };
  const result = await run(source);
  expect(await urlsOf(result)).toEqual(['files:///notes/n.md', ...of('/start', '/a', '/b', '/c', '/deep', '/e', '/target')].sort());
  expect(sums(result)).toMatchObject({ urls: 12, pages: 8, dropped: 4, duplicate_of: 2, robots_denied: 1, not_found: 1 });
  expect(result.summary).toEqual({ counts: { sitemaps: 2, waves: 3 }, reasons: {}, examples: {} });
  const visits = site.visits.filter(({ path }) => path !== '/target').map(({ path }) => path);
  expect(visits.length).toBe(new Set(visits).size);
  const dropped = (await Promise.all(Object.values(result.pages).map((ref) => on.rows(ref)))).flatMap((rows) => rows.dropped);
  const duplicates = dropped.filter(({ reason }) => reason === 'duplicate_of').map(({ url, detail }) => [url, detail]);
  expect(duplicates.sort()).toEqual([
    [site.url('/a?print=1'), site.url('/a')],
    [site.url('/moved'), site.url('/target')],
  ]);
});

test('what later stages see does not depend on the wave in which a page was found', async () => {
  const many = Array.from({ length: 1100 }, (_, number) => `/page-${number}`);
  serve({ '/': doc('Front', many.slice(0, 600)), '/page-0': doc('Zero', many.slice(600)) });
  for (const path of many.slice(1)) serve({ [path]: doc(path) });
  const crawled = await run({ urls: [site.url('/')], links: { depth: 2 }, perHost: 32 });
  expect(sums(crawled)).toMatchObject({ urls: 1101, pages: 1101, new: 1101 });
  expect(crawled.summary.counts).toMatchObject({ waves: 3 });
  expect(Object.keys(crawled.pages)).toEqual(['0-of-2', '1-of-2']);
  const listed = await run({ urls: ['/', ...many].map(site.url), perHost: 32 });
  expect(digests(listed)).toEqual(digests(crawled));
});

test('maxPages ends a crawl and says so', async () => {
  serve({ '/': doc('Front', ['/c', '/b', '/a']), '/a': doc('A', ['/x']), '/b': doc('B', ['/y']), '/c': doc('C') });
  const result = await run({ urls: [site.url('/')], links: { depth: 5 }, maxPages: 3 });
  expect(await urlsOf(result)).toEqual(of('/', '/a', '/b'));
  expect(result.summary).toEqual({
    counts: { left_out: 1, waves: 2 },
    reasons: { max_pages: 1 },
    examples: { max_pages: [site.url('/c')] },
  });
});

test('nothing is left of two addresses of one page but one, and that is no missing page', async () => {
  serve({ '/a?v=1': doc('A', [], '<link rel="canonical" href="/a">'), '/a?v=2': doc('A', [], '<link rel="canonical" href="/a">') });
  const result = await run({ urls: of('/a?v=1', '/a?v=2'), minSuccess: 1 });
  expect(await urlsOf(result)).toEqual(of('/a?v=1'));
  const again = await run({ urls: of('/a?v=1', '/a?v=2'), minSuccess: 1 });
  expect(digests(again)).toEqual(digests(result));
});

test('a site that is down fails the run by name and loses nothing; with some pages down the others carry it', async () => {
  const paths = ['/a', '/b', '/c'];
  for (const path of paths) serve({ [path]: doc(path) });
  const first = await run({ urls: of(...paths) });
  for (const path of paths) site.routes.set(path, { status: 503 });
  const down = await failed({ urls: of(...paths) });
  expect(down).toMatchObject({ type: 'SourceEmpty', message: expect.stringMatching(/^0 of 3 URLs .*server_error 3 \(/) });
  for (const path of ['/a', '/b']) serve({ [path]: doc(path) });
  const again = await run({ urls: of(...paths) });
  expect(sums(again)).toMatchObject({ pages: 3, dropped: 0, unchanged: 2, stale: 1 });
  expect(digests(again)).toEqual(digests(first));
});

test('links are followed as far as include says, beyond the site too', async () => {
  serve({
    '/': doc('Front', ['/docs/a', '/blog/b', 'http://docs.test/c']),
    '/docs/a': doc('A', ['/docs/d', '/']),
    '/docs/d': doc('D'),
    '/blog/b': doc('B'),
  });
  const result = await run({ urls: [site.url('/')], links: { depth: 2 }, include: [site.url('/docs/**'), 'http://docs.test/*'] });
  expect(await urlsOf(result)).toEqual(of('/', '/docs/a', '/docs/d'));
  expect(sums(result)).toMatchObject({ urls: 4, dropped: 1 });
});

test('less than source.minSuccess fails the run with reasons and examples, as much as that does not', async () => {
  serve({ '/a': doc('A') });
  site.routes.set('/c', { status: 410 });
  const failure = await failed({ urls: of('/a', '/b', '/c') });
  expect(failure).toMatchObject({
    type: 'SourceEmpty',
    message: `1 of 3 URLs brought a page (source.minSuccess asks for 50 %): gone 1 (${site.url('/c')}), not_found 1 (${site.url('/b')})`,
  });
  expect(sums(await run({ urls: of('/a', '/b') }))).toMatchObject({ pages: 1, dropped: 1 });
  expect(sums(await run({ urls: of('/a', '/b', '/c'), minSuccess: 0.3 }))).toMatchObject({ pages: 1, dropped: 2 });
});

describe('through Bright Data', () => {
  const at = (path: string): string => `http://docs.test${path}`;
  const pages = (all: Record<string, string>): void => {
    for (const [path, markdown] of Object.entries(all)) api.pages.set(at(path), { markdown });
  };
  beforeEach(() => pages({ '/': '# Front\n\n[a](/a) [b](b "B")\n', '/a': '# A\n\n[c](/c)\n', '/b': '# B\n', '/c': '# C\n' }));

  test('links of Markdown are followed, and what each wave cost is counted once', async () => {
    const result = await run({ urls: [at('/')], provider: 'auto', links: { depth: 3 } });
    expect(await urlsOf(result)).toEqual([at('/'), at('/a'), at('/b'), at('/c')]);
    expect(sums(result)).toMatchObject({ pages: 4, requests: 4, billed: 4, possiblyBilled: 0 });
    expect(api.bill).toEqual([4, 0]);
    const again = await run({ urls: [at('/')], provider: 'auto', links: { depth: 3 } });
    expect(sums(again)).toMatchObject({ pages: 4, reused: 4, requests: 0, billed: 0 });
    expect([api.bill, digests(again)]).toEqual([[4, 0], digests(result)]);
  });

  test('budget.maxRequests holds over all waves, and what came is kept', async () => {
    const source = { urls: [at('/')], provider: 'brightdata', links: { depth: 3 } };
    expect(await failed(source, { maxRequests: 3 })).toMatchObject({ type: 'QuotaExhausted' });
    expect(api.bill).toEqual([3, 0]);
    expect(sums(await run(source, { maxRequests: 3 }))).toMatchObject({ pages: 4, reused: 3, billed: 1 });
  });
});

test('a worker that is killed in mid-crawl loses no page and no wave', async () => {
  const layer = (name: string, next: string): [string, string][] =>
    Array.from({ length: 20 }, (_, number) => [`/${name}-${number}`, doc(`${name} ${number}`, [`/${next}-${number}`])]);
  const all = Object.fromEntries([
    [
      '/',
      doc(
        'Front',
        layer('one', '').map(([path]) => path),
      ),
    ],
    ...layer('one', 'two'),
    ...layer('two', 'three'),
    ...layer('three', 'four'),
  ]);
  for (const [path, body] of Object.entries(all)) site.routes.set(path, { body, delayMs: 100 });
  const first = await server.stack.startWorker('cpu');
  const source = { urls: [site.privateUrl('/')], links: { depth: 3 }, provider: 'direct', minSuccess: 0.1, perHost: 4 };
  await server.stack.start('crawl', { source, model: { base: 'tiny-gpt-oss' }, limits: { heartbeatSeconds: 5 } });
  await until('the second wave', 60, () => site.visits.filter(({ path, status }) => path.startsWith('/two') && status === 200).length >= 5);
  await server.stack.kill(first);
  await server.stack.startWorker('cpu');
  await until('the end of collecting', 100, async () =>
    (await server.stack.progress('crawl')).stages.some(({ verb, state }) => verb === 'collect' && state === 'done'),
  );
  const collect = (await server.stack.progress('crawl')).stages.find(({ verb }) => verb === 'collect');
  await server.stack.client.workflow.getHandle('crawl').cancel();
  expect(collect?.counts).toMatchObject({ urls: 61, pages: 61, waves: 4 });
  // Asked twice: what was on its way or not yet durable at the kill.
  const twice = Object.keys(all).filter((path) => site.count(path) > 1);
  expect(twice.length).toBeLessThanOrEqual(8);
  expect(twice.every((path) => path.startsWith('/two'))).toBe(true);
});
