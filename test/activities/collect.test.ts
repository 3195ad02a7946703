import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { gzipSync } from 'node:zlib';
import { bodyPath } from '../../io/page-shelf';
import { decode } from '../../lib/charset';
import { pageId } from '../../lib/url';
import { type Collecting, mockEnvironment, collectingForEachTest } from '../support/collecting';
import { html, type Site } from '../support/site';
import { rejection } from '../support/rejection';

let site: Site;
let on: Collecting;
collectingForEachTest((opened) => ({ site, on } = opened));
jest.setTimeout(30_000);

const failureOf = async (promise: Promise<unknown>): Promise<ApplicationFailure> => rejection(promise, ApplicationFailure);
const names = (rows: { url?: string; detail?: string | undefined }[]): string[] =>
  rows.map(({ url, detail }) => new URL(url ?? detail?.split(' ')[0] ?? '').pathname).sort();

describe('a shard of pages of every kind', () => {
  const good = ['/plain', '/moved', '/latin', '/markdown', '/slow'];
  const bad = {
    '/dead': 'not_found',
    '/gone': 'gone',
    '/closed': 'robots_denied',
    '/moved-closed': 'robots_denied',
    '/inside': 'private_address',
    '/metadata': 'private_address',
    '/bomb': 'too_large',
    '/film': 'unsupported_type',
    '/empty': 'empty_body',
    '/circle': 'too_many_redirects',
    '/garbage': 'bad_encoding',
  };
  beforeEach(() =>
    site.serve({
      '/robots.txt': { body: 'User-agent: *\nDisallow: /closed\n', headers: { 'content-type': 'text/plain' } },
      '/plain': { body: html('Plain'), etag: '"plain-1"' },
      '/moved': { status: 301, headers: { location: '/target' } },
      '/target': { body: html('Target') },
      '/latin': {
        body: Buffer.from('<p>caf\xe9 \x93quoted\x94</p>', 'latin1'),
        headers: { 'content-type': 'text/html; charset=ISO-8859-1' },
      },
      '/markdown': { body: '# Title\n\nText.\n', headers: { 'content-type': 'text/markdown' } },
      '/slow': { body: html('Slow'), delayMs: 100 },
      '/gone': { status: 410 },
      '/closed': { body: html('Closed') },
      '/moved-closed': { status: 302, headers: { location: '/closed' } },
      '/inside': { status: 302, headers: { location: site.privateUrl('/plain') } },
      '/metadata': { status: 302, headers: { location: 'http://169.254.169.254/latest/meta-data/' } },
      '/bomb': { body: gzipSync(Buffer.alloc(3_000_000)), headers: { 'content-encoding': 'gzip' } },
      '/film': { body: 'x', headers: { 'content-type': 'video/mp4' } },
      '/empty': { body: '' },
      '/circle': { status: 302, headers: { location: '/circle' } },
      '/garbage': { body: html('Garbage'), encoding: 'nonsense' },
    }),
  );

  test('gives each URL one fate, and the sums agree', async () => {
    const task = await on.task([...good, ...Object.keys(bad)].map(site.url), { source: { maxBodyMb: 1 } });
    const { pending, counts } = await on.collect(task);
    expect(pending).toEqual([]);
    expect(counts).toEqual({ urls: 16, due: 16, pages: 5, dropped: 11, pending: 0 });
    const ref = await on.seal(task);
    expect(ref.counts).toEqual({
      ...{ urls: 16, pages: 5, fetched: 5, revalidated: 0, reused: 0, dropped: 11 },
      ...{ new: 5, changed: 0, unchanged: 0, goneOnce: 0, gone: 0, stale: 0 },
    });
    const { pages, dropped, fetches } = await on.rows(ref);
    expect(names(pages)).toEqual([...good].sort());
    expect(Object.fromEntries(dropped.map(({ id, reason }) => [id, reason]))).toEqual(
      Object.fromEntries(Object.entries(bad).map(([path, reason]) => [pageId(site.url(path)), reason])),
    );
    expect(ref.reasons).toEqual({
      not_found: 1,
      gone: 1,
      robots_denied: 2,
      private_address: 2,
      too_large: 1,
      unsupported_type: 1,
      empty_body: 1,
      too_many_redirects: 1,
      bad_encoding: 1,
    });
    expect(fetches.map(({ id }) => id)).toEqual(pages.map(({ id }) => id));
    expect(fetches.find(({ url }) => url === site.url('/moved'))).toMatchObject({
      finalUrl: site.url('/target'),
      status: 200,
      provider: 'direct',
    });
    // The closed page was never asked for, neither directly nor through its redirect.
    expect(site.count('/closed')).toBe(0);
    expect(site.count('/robots.txt')).toBe(1);
  });

  test('keeps bodies byte for byte, and what is needed to read them', async () => {
    const task = await on.task(['/latin', '/markdown'].map(site.url));
    await on.collect(task);
    const { pages } = await on.rows(await on.seal(task));
    const latin = pages.find(({ format }) => format === 'html');
    const body = await on.store.read(bodyPath(latin?.bodySha256 ?? ''));
    expect(decode(body ?? Buffer.alloc(0), latin?.charset ?? null)).toEqual({ text: '<p>café “quoted”</p>', charset: 'windows-1252' });
    expect(pages.find(({ format }) => format === 'markdown')).toMatchObject({ url: site.url('/markdown'), bodyBytes: 15, charset: null });
  });
});

describe('trouble that may heal', () => {
  test('comes back, is tried alone, and ends as a page', async () => {
    site.serve({
      '/flaky': (count) => (count < 2 ? { status: 503, headers: { 'retry-after': '0' } } : { body: html('Flaky') }),
      '/fine': { body: html('Fine') },
    });
    const task = await on.task([site.url('/flaky'), site.url('/fine')]);
    const { pending } = await on.collect(task);
    expect(pending).toEqual([{ url: site.url('/flaky'), reason: 'server_error', retryAfterMs: 0 }]);
    expect(await failureOf(on.collectPage(task, site.url('/flaky')))).toMatchObject({
      type: 'RemoteUnavailable',
      nonRetryable: false,
      nextRetryDelay: 0,
    });
    await on.collectPage(task, site.url('/flaky'));
    // An attempt that ran although its predecessor had succeeded asks nobody.
    await on.collectPage(task, site.url('/flaky'));
    expect([site.count('/flaky'), site.count('/fine')]).toEqual([3, 1]);
    expect((await on.seal(task)).counts).toMatchObject({ pages: 2, fetched: 2, dropped: 0 });
  });

  test('that does not heal ends with its newest reason', async () => {
    site.serve({ '/flaky': (count) => (count === 0 ? { status: 503 } : { hang: 'headers' }) });
    const task = await on.task([site.url('/flaky')]);
    await on.collect(task);
    expect(await failureOf(on.collectPage(task, site.url('/flaky')))).toMatchObject({ type: 'RemoteUnavailable' });
    const ref = await on.seal(task);
    expect(ref.reasons).toEqual({ timeout: 1 });
    expect((await on.rows(ref)).dropped).toMatchObject([{ of: 'url', stage: 'collect', id: pageId(site.url('/flaky')) }]);
  });

  test('that turns out to be for good is recorded without a failure', async () => {
    site.serve({ '/flaky': (count) => (count === 0 ? { status: 503 } : { status: 404 }) });
    const task = await on.task([site.url('/flaky')]);
    await on.collect(task);
    await on.collectPage(task, site.url('/flaky'));
    await on.collectPage(task, site.url('/flaky'));
    expect(site.count('/flaky')).toBe(2);
    expect((await on.seal(task)).reasons).toEqual({ not_found: 1 });
  });

  test('is waited for as long as the host asks, by all its pages', async () => {
    site.serve({
      '/a': (count) => (count === 0 ? { status: 429, headers: { 'retry-after': '1' } } : { body: html('A') }),
      '/b': { body: html('B') },
    });
    const task = await on.task([site.url('/a'), site.url('/b')], { source: { perHost: 1 } });
    const { pending } = await on.collect(task);
    expect(pending).toEqual([{ url: site.url('/a'), reason: 'rate_limited', retryAfterMs: 1000 }]);
    await on.collectPage(task, site.url('/a'));
    const [first, ...later] = site.visits.filter(({ path }) => path !== '/robots.txt');
    for (const { at } of later) expect(at - (first?.at ?? 0)).toBeGreaterThanOrEqual(1000);
  });

  test('of a host that asks for more quiet than we have makes its pages wait', async () => {
    site.serve({ '/a': { status: 429, headers: { 'retry-after': '600' } }, '/b': { body: html('B') } });
    const task = await on.task([site.url('/a'), site.url('/b')], { source: { perHost: 1 } });
    const { pending } = await on.collect(task);
    expect(pending.map(({ reason }) => reason)).toEqual(['rate_limited', 'rate_limited']);
    expect(pending[1]?.retryAfterMs).toBeGreaterThan(590_000);
    const failed = await failureOf(on.collectPage(task, site.url('/b')));
    expect(failed).toMatchObject({ type: 'RateLimited', nonRetryable: false });
    expect(Number(failed.nextRetryDelay)).toBeGreaterThan(590_000);
    expect(site.count('/b')).toBe(0);
  });

  test('of robots.txt keeps every page of its host waiting', async () => {
    site.serve({ '/robots.txt': { status: 500 }, '/a': { body: html('A') }, '/b': { body: html('B') } });
    const task = await on.task([site.url('/a'), site.url('/b')]);
    const { pending } = await on.collect(task);
    expect(pending.map(({ reason }) => reason)).toEqual(['robots_unavailable', 'robots_unavailable']);
    expect([site.count('/a'), site.count('/b')]).toEqual([0, 0]);
    expect((await on.seal(task)).reasons).toEqual({ robots_unavailable: 2 });
  });
});

describe('a second run', () => {
  const bodies = () => site.visits.filter(({ path, status }) => path !== '/robots.txt' && status === 200).length;
  const run = async (name: string, urls: string[], source = {}) => {
    const task = await on.task(urls, { run: name, source });
    await on.collect(task);
    return on.seal(task);
  };

  test('downloads no body of what did not change, and its result is the same', async () => {
    site.serve({
      '/etag': { body: html('Etag'), etag: '"1"' },
      '/modified': { body: html('Modified'), lastModified: 'Mon, 23 Nov 2026 00:00:00 GMT' },
    });
    const urls = ['/etag', '/modified'].map(site.url);
    const first = await run('first', urls);
    const second = await run('second', urls);
    expect(bodies()).toBe(2);
    expect(second.counts).toMatchObject({ pages: 2, fetched: 0, revalidated: 2 });
    expect(second.outputDigest).toBe(first.outputDigest);
    expect(second.key).not.toBe(first.key);
  });

  test('sees what changed', async () => {
    site.serve({ '/a': (count) => ({ body: html(`Version ${count}`), etag: `"${count}"` }) });
    const first = await run('first', [site.url('/a')]);
    const second = await run('second', [site.url('/a')]);
    expect(second.counts).toMatchObject({ pages: 1, fetched: 1, revalidated: 0 });
    expect(second.outputDigest).not.toBe(first.outputDigest);
  });

  test('asks for nothing that is younger than maxAge', async () => {
    site.serve({ '/a': { body: html('A') } });
    const first = await run('first', [site.url('/a')]);
    const second = await run('second', [site.url('/a')], { maxAgeHours: 1 });
    expect(site.count('/a')).toBe(1);
    expect(second.counts).toMatchObject({ pages: 1, reused: 1 });
    expect(second.outputDigest).toBe(first.outputDigest);
  });

  test('that failed for another reason last night has the same result', async () => {
    site.serve({ '/a': (count) => ({ status: count === 0 ? 404 : 410 }), '/b': { body: html('B'), etag: '"b"' } });
    const urls = ['/a', '/b'].map(site.url);
    expect((await run('second', urls)).outputDigest).toBe((await run('first', urls)).outputDigest);
  });

  test('is sealed once: whoever comes later gets what stands', async () => {
    site.serve({ '/a': { body: html('A') } });
    const task = await on.task([site.url('/a')]);
    await on.collect(task);
    const ref = await on.seal(task);
    await on.store.remove('pages');
    expect(await on.seal(task)).toEqual(ref);
  });
});

describe('an attempt that ends early', () => {
  test('leaves all that it brought, and the next asks only for the rest', async () => {
    const urls = Array.from({ length: 12 }, (_, index) => `/page-${index}`);
    site.serve(Object.fromEntries(urls.map((path) => [path, { body: html(path), delayMs: 30 }])));
    site.serve({ '/page-0': { status: 404 } });
    const task = await on.task(urls.map(site.url), { source: { perHost: 2 } });
    const environment = mockEnvironment();
    const beats: unknown[] = [];
    environment.on('heartbeat', (details: unknown) => beats.push(details));
    const attempt = environment.run(on.activities.collect, task);
    while (site.visits.filter(({ status }) => status !== 0).length < 6) await new Promise((resolve) => setTimeout(resolve, 5));
    environment.cancel();
    await expect(attempt).rejects.toThrow(CancelledFailure);
    expect(beats.at(-1)).toMatchObject({ urls: 12 });
    const answered = site.visits.filter(({ status, path }) => status !== 0 && path !== '/robots.txt').length;
    expect(answered).toBeLessThan(12);
    await on.collect(task);
    expect((await on.seal(task)).counts).toMatchObject({ urls: 12, pages: 11, dropped: 1 });
    const twice = urls.filter((path) => site.count(path) > 1);
    // At most those whose answers were on their way.
    expect(twice.length).toBeLessThanOrEqual(2);
    expect(site.count('/page-0')).toBe(1);
  });
});
