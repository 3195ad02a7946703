import { gzipSync } from 'node:zlib';
import { mkdtemp, rm, symlink, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createResolveSource } from '../../activities/resolve-source';
import { writeShards } from '../../activities/shard-lists';
import { createWeb } from '../../activities/web';
import type { ResolvedSource } from '../../contracts/activities';
import { PipelineInput } from '../../contracts/input';
import { SHARD } from '../../contracts/policies';
import { systemClock } from '../../io/clock';
import { createHttp, type HttpClient } from '../../io/http';
import { openStore, type Store } from '../../io/store';
import { mockEnvironment } from '../support/collecting';
import { openSite, type Site } from '../support/site';

let folder: string;
let store: Store;
let site: Site;
let http: HttpClient;
let root: string | null;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'retune-source-'));
  root = join(folder, 'files');
  await mkdir(root);
  store = await openStore(join(folder, 'store'));
  site = await openSite();
  http = createHttp({ allowPrivateHosts: false, now: () => Date.now(), own: { [site.host]: async () => site.port } });
});
afterEach(async () => {
  await Promise.allSettled([http.close(), site.close()]);
  await rm(folder, { recursive: true, force: true });
});

test('more shards than a history holds are refused by number before anything is written, waves of links included', async () => {
  const run = { runId: 'a', executionId: 'a-1' };
  const urls = Array.from({ length: 3000 }, (_, n) => `https://docs.example/${n}`);
  expect((await writeShards(store, run, urls, SHARD.most - 4)).length).toBe(4);
  const written = await store.list('urls');
  await expect(writeShards(store, run, urls, SHARD.most - 3)).rejects.toMatchObject({
    type: 'InvalidInput',
    nonRetryable: true,
    message: expect.stringMatching(
      /3000 pages make 4 shards after 1021 of earlier waves of links, and one run holds 1024, .*source\.maxPages.*source\.include/,
    ),
  });
  expect(await store.list('urls')).toEqual(written);
});

const resolve = async (source: Record<string, unknown>, runId = 'a'): Promise<ResolvedSource> => {
  const web = createWeb({ config: { allowPrivateHosts: false }, clock: systemClock, http });
  const { resolveSource } = createResolveSource({ store, clock: systemClock, web, filesRoot: root });
  return mockEnvironment().run(resolveSource, {
    run: { runId, executionId: `${runId}-1` },
    storeId: store.storeId,
    source: PipelineInput.parse({ source: { timeoutSeconds: 2, ...source } }).source,
  });
};
const lines = async (path: string): Promise<string[]> =>
  ((await store.read(path))?.toString() ?? '').split('\n').filter((line) => line !== '');
const all = async ({ shards }: ResolvedSource): Promise<string[]> =>
  (await Promise.all(shards.map(({ path }) => lines(path)))).flat().sort();
const failed = async (source: Record<string, unknown>): Promise<Error & { type?: string }> => {
  const error: unknown = await resolve(source).catch((reason: unknown) => reason);
  if (!(error instanceof Error)) throw new Error('it did not fail');
  return error;
};
const xml = (...urls: string[]): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${urls.map((url) => `<url><loc>${url}</loc><lastmod>2026-01-01</lastmod></url>`).join('\n')}</urlset>`;
const index = (...urls: string[]): string =>
  `<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${urls.map((url) => `<sitemap><loc>${url}</loc></sitemap>`).join('')}</sitemapindex>`;
const serve = (path: string, body: string | Buffer, status = 200): void =>
  void site.routes.set(path, { body, status, headers: { 'content-type': 'application/octet-stream' } });

describe('addresses', () => {
  test('spellings of one page are one URL', async () => {
    const { shards } = await resolve({
      urls: ['https://example.com/a#x', 'https://EXAMPLE.com:443/a', 'https://example.com/a?utm_source=b', 'https://example.com/b'],
    });
    expect(shards).toMatchObject([{ bucket: '0-of-1', urls: 2 }]);
    expect(await lines(shards[0]?.path ?? '')).toEqual(['https://example.com/a', 'https://example.com/b']);
  });

  test('many URLs become shards of at most a thousand, each URL in one of them', async () => {
    const urls = Array.from({ length: 2500 }, (_, number) => `https://example.com/${number}`);
    const resolved = await resolve({ urls });
    expect(resolved.shards.length).toBe(4);
    expect(await all(resolved)).toEqual([...urls].sort());
    for (const { urls: size } of resolved.shards) expect(size).toBeLessThanOrEqual(1000);
  });

  test('order and repetition change nothing; another run has keys of its own', async () => {
    const urls = ['https://example.com/b', 'https://example.com/a'];
    const first = await resolve({ urls });
    expect(await resolve({ urls: [...urls, ...urls].reverse() })).toEqual(first);
    const other = await resolve({ urls }, 'b');
    expect(other.shards.map(({ path }) => path)).toEqual(first.shards.map(({ path }) => path));
    expect(other.shards[0]?.key).not.toBe(first.shards[0]?.key);
  });

  test('a password is refused by name and not repeated', async () => {
    const error = await failed({ urls: ['https://example.com/', 'https://user:secret@example.com/'] });
    expect(error).toMatchObject({ type: 'InvalidInput', nonRetryable: true });
    expect(error.message).toContain('source.urls: 1 of 2');
    expect(error.message).not.toContain('secret');
    for (const [field, source] of [
      ['source.urls', { urls: ['https://user:se@cret@example.com/'] }],
      ['source.list', { list: site.url('/list.txt').replace('//', '//user:se@cret@') }],
      ['source.sitemaps.0', { sitemaps: [site.url('/').replace('//', '//user:se@cret@')] }],
      ['source.sitemaps.0', { sitemaps: [site.url('/sitemap.xml').replace('//', '//user:se@cret@')] }],
    ] as const) {
      const refused = await failed(source);
      expect(refused).toMatchObject({ type: 'InvalidInput', message: expect.stringContaining(field) });
      expect(refused.message).not.toContain('cret');
    }
    expect(site.visits).toEqual([]);
    expect(await failed({ urls: [] })).toMatchObject({
      type: 'SourceEmpty',
      message: expect.stringContaining('source.urls, list, sitemaps or files'),
    });
  });

  test('maxPages takes the first and counts the rest', async () => {
    const resolved = await resolve({ urls: ['https://example.com/c', 'https://example.com/a', 'https://example.com/b'], maxPages: 2 });
    expect(await all(resolved)).toEqual(['https://example.com/a', 'https://example.com/c']);
    expect(resolved.summary).toEqual({
      counts: { left_out: 1 },
      reasons: { max_pages: 1 },
      examples: { max_pages: ['https://example.com/b'] },
    });
  });
});

const utf16 = (text: string): Buffer => Buffer.from(`\uFEFF${text}`, 'utf16le');

describe('a list', () => {
  const text =
    '# pages\n\nhttps://example.com/a\r\n  https://example.com/b#x  \nnonsense\nhttps://example.com/b\nhttps://user:s@ecret@example.com/\nuser:s/ecret@example.com\n';

  test.each([
    ['a file below RETUNE_FILES_ROOT', async (): Promise<string> => (await writeFile(join(root ?? '', 'list.txt'), text), 'list.txt')],
    ['a gzip file, whatever its name', async (): Promise<string> => (await writeFile(join(root ?? '', 'list'), gzipSync(text)), 'list')],
    ['UTF-16, as Windows writes it', async (): Promise<string> => (await writeFile(join(root ?? '', 'list'), utf16(text)), 'list')],
    ['UTF-16 in gzip', async (): Promise<string> => (serve('/list.gz', gzipSync(utf16(text).swap16())), site.url('/list.gz'))],
    ['an address', async (): Promise<string> => (serve('/list.txt', text), site.url('/list.txt'))],
    ['an address of a gzip file', async (): Promise<string> => (serve('/list.gz', gzipSync(text)), site.url('/list.gz'))],
  ])('is read from %s; what is no address is counted, and a password is not repeated', async (_, place) => {
    const resolved = await resolve({ list: await place() });
    expect(await all(resolved)).toEqual(['https://example.com/a', 'https://example.com/b']);
    expect(resolved.summary).toEqual({
      counts: { left_out: 3 },
      reasons: { not_a_url: 3 },
      examples: { not_a_url: ['nonsense', 'https://[password]@example.com/', '[password]@example.com'] },
    });
  });

  test('of many addresses is cut into shards by their hash, whatever their order', async () => {
    const urls = Array.from({ length: 20_000 }, (_, number) => `https://example.com/page/${number}`);
    await writeFile(join(root ?? '', 'a.txt'), urls.join('\n'));
    await writeFile(join(root ?? '', 'b.txt'), urls.reverse().join('\n'));
    const first = await resolve({ list: 'a.txt' });
    expect(first.shards.length).toBe(32);
    expect(await resolve({ list: 'b.txt' })).toEqual(first);
    expect((await all(first)).length).toBe(20_000);
  });

  test('patterns hold for what it names and not for urls', async () => {
    await writeFile(
      join(root ?? '', 'list.txt'),
      ['a.html', 'b.pdf', 'old/c.html'].map((name) => `https://example.com/docs/${name}`).join('\n'),
    );
    const resolved = await resolve({
      urls: ['https://example.com/b.pdf'],
      list: 'list.txt',
      include: ['https://example.com/docs/**.html'],
      exclude: ['/docs/old/**'],
    });
    expect(await all(resolved)).toEqual(['https://example.com/b.pdf', 'https://example.com/docs/a.html']);
    expect(resolved.summary.reasons).toEqual({ not_included: 1, excluded: 1 });
  });

  test.each([
    ['../outside.txt', 'InvalidInput', 'source.list: "../outside.txt" is not below RETUNE_FILES_ROOT'],
    ['/etc/hostname', 'InvalidInput', 'is not below RETUNE_FILES_ROOT'],
    ['link.txt', 'InvalidInput', 'is not below RETUNE_FILES_ROOT'],
    ['missing.txt', 'InvalidInput', 'source.list: "missing.txt" does not exist'],
    ['.', 'InvalidInput', 'source.list: that is a folder'],
    ['broken.gz', 'InvalidInput', 'does not decompress'],
  ])('%s is refused, and the message names the field', async (list, type, message) => {
    await writeFile(join(folder, 'outside.txt'), 'https://example.com/');
    await symlink(join(folder, 'outside.txt'), join(root ?? '', 'link.txt'));
    await writeFile(join(root ?? '', 'broken.gz'), Buffer.concat([gzipSync(text).subarray(0, 12), Buffer.from('broken')]));
    expect(await failed({ list })).toMatchObject({ type, message: expect.stringContaining(message) });
  });

  test('needs RETUNE_FILES_ROOT for a file, and so do files, before anything is fetched', async () => {
    root = null;
    expect(await failed({ files: ['docs'], sitemaps: [site.url('/')] })).toMatchObject({
      type: 'ConfigMissing',
      message: expect.stringMatching(/^source\.files\.0: "docs" .*RETUNE_FILES_ROOT is not set/),
    });
    expect(site.visits).toEqual([]);
    expect(await failed({ list: 'list.txt' })).toMatchObject({
      type: 'ConfigMissing',
      message: expect.stringContaining('RETUNE_FILES_ROOT is not set'),
    });
  });

  test('is refused at a private address, and tried again where that may heal', async () => {
    expect(await failed({ list: site.privateUrl('/list.txt') })).toMatchObject({
      type: 'RemoteRefused',
      message: expect.stringMatching(/^source\.list: .*private address/),
    });
    site.routes.set('/list.txt', (count) => (count === 0 ? { status: 503 } : { body: 'https://example.com/' }));
    expect(await all(await resolve({ list: site.url('/list.txt') }))).toEqual(['https://example.com/']);
  });
});

describe('sitemaps', () => {
  const page = (name: string): string => site.url(`/${name}`);

  test('an index leads to sitemaps of every kind; bad entries are counted', async () => {
    serve(
      '/sitemap.xml',
      index(page('one.xml'), page('two.xml.gz'), page('deep.xml'), page('three.txt'), page('dead.xml'), page('page.html'), page('cut.xml')),
    );
    serve('/one.xml', xml(`${page('a?x=1&amp;y=2')}`, page('b'), 'https://elsewhere.example/', 'ftp://x/', page('x'.repeat(3000))));
    serve('/two.xml.gz', gzipSync(xml(page('c'))));
    serve('/deep.xml', index(page('sitemap.xml'), page('four.xml')));
    serve(
      '/four.xml',
      `<sm:urlset xmlns:sm="x"><sm:url><sm:loc><![CDATA[${page('d')}]]></sm:loc><image:image><image:loc>${page('i.png')}</image:loc></image:image></sm:url></sm:urlset>`,
    );
    serve('/three.txt', `${page('e')}\r\n${page('b')}#x\n`);
    serve('/page.html', '<!doctype html><html><body><p>No sitemap</p></body></html>');
    serve('/cut.xml', xml(page('f'), page('g')).slice(0, -40));
    const resolved = await resolve({ sitemaps: [page('sitemap.xml')] });
    expect(await all(resolved)).toEqual(['a?x=1&y=2', 'b', 'c', 'd', 'e', 'f', 'g'].map(page));
    expect(resolved.summary.reasons).toEqual({
      other_site: 1,
      not_a_url: 1,
      url_too_long: 1,
      sitemap_not_found: 1,
      not_a_sitemap: 1,
      sitemap_truncated: 1,
    });
    expect(resolved.summary.counts).toEqual({ sitemaps: 9, left_out: 6 });
  });

  test('a bare origin means what its robots.txt names, else /sitemap.xml', async () => {
    serve('/sitemap.xml', xml(page('default')));
    expect(await all(await resolve({ sitemaps: [page('')] }))).toEqual([page('default')]);
    serve('/robots.txt', `User-agent: *\nDisallow: /x\nSitemap: /named.xml\nSitemap: ${page('other.xml')}\n`);
    serve('/named.xml', xml(page('named')));
    serve('/other.xml', xml(page('other')));
    expect(await all(await resolve({ sitemaps: [site.url('/')] }))).toEqual([page('named'), page('other')]);
  });

  test('of 50,000 addresses, in UTF-16, that names itself as an index too, is read whole', async () => {
    serve('/sitemap.xml', index(page('sitemap.xml'), page('large.xml')));
    const names = Array.from({ length: 50_000 }, (_, n) => page(`docs/${n}`));
    serve('/large.xml', utf16(xml(...names)));
    const resolved = await resolve({ sitemaps: [page('sitemap.xml')] });
    expect((await all(resolved)).length).toBe(50_000);
    expect(resolved.summary).toEqual({ counts: { sitemaps: 2 }, reasons: {}, examples: {} });
  });

  test('include lets pages of other hosts in', async () => {
    serve('/sitemap.xml', xml('https://docs.example/a', 'https://elsewhere.example/', page('b')));
    const resolved = await resolve({ sitemaps: [page('sitemap.xml')], include: ['https://docs.example/**'] });
    expect(await all(resolved)).toEqual(['https://docs.example/a']);
    expect(resolved.summary.reasons).toEqual({ not_included: 2 });
  });

  test('maxPages ends the reading', async () => {
    serve('/sitemap.xml', index(page('one.xml'), page('two.xml')));
    serve('/one.xml', xml(page('a'), page('b'), page('c')));
    serve('/two.xml', xml(page('d')));
    const resolved = await resolve({ sitemaps: [page('sitemap.xml')], maxPages: 2 });
    expect(resolved.summary).toMatchObject({ counts: { sitemaps: 2, left_out: 2 }, reasons: { max_pages: 1, sitemap_not_read: 1 } });
    expect(site.count('/two.xml')).toBe(0);
  });

  test.each<[string, () => string | Buffer]>([
    [
      'entities that would grow',
      () => `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>${xml(site.url('/a'), `${site.url('/')}&b;&b;`)}`,
    ],
    ['elements without end', () => `${xml(site.url('/a'), site.url('/&b;&b;')).replace('</urlset>', '')}${'<x>'.repeat(200_000)}`],
    ['a bomb', () => gzipSync(Buffer.concat([Buffer.from(xml(site.url('/a'), site.url('/&b;&b;'))), Buffer.alloc(60 * 1024 * 1024, 32)]))],
  ])('%s do no harm', async (_, body) => {
    serve('/sitemap.xml', body());
    expect(await all(await resolve({ sitemaps: [page('sitemap.xml')] }))).toEqual([page('&b;&b;'), page('a')]);
  });

  test.each<[string, () => void, string, RegExp]>([
    ['that is not there', () => serve('/sitemap.xml', '', 404), 'RemoteRefused', /^source\.sitemaps\.0: .*does not exist/],
    ['that is a page', () => serve('/sitemap.xml', '<html></html>'), 'InvalidInput', /^source\.sitemaps\.0: .*is no sitemap/],
    [
      'that names no page',
      () => serve('/sitemap.xml', xml('https://elsewhere.example/')),
      'SourceEmpty',
      /other_site 1, for example https:\/\/elsewhere/,
    ],
    ['that is in trouble', () => serve('/sitemap.xml', '', 500), 'RemoteUnavailable', /^source\.sitemaps\.0/],
  ])('one %s fails the run by name', async (_, prepare, type, message) => {
    prepare();
    expect(await failed({ sitemaps: [page('sitemap.xml')], retries: 0 })).toMatchObject({ type, message: expect.stringMatching(message) });
  });

  test('the sitemaps of an index are asked for together and read in their order', async () => {
    const names = Array.from({ length: 7 }, (_, n) => `map-${n}.xml`);
    serve('/sitemap.xml', index(...names.map(page)));
    // The first answers last.
    for (const [n, name] of names.entries()) site.routes.set(`/${name}`, { body: xml(page(`p${n}`)), delayMs: 700 - 100 * n });
    const found = { sitemaps: [page('sitemap.xml')], maxPages: 3 };
    expect(await all(await resolve({ ...found, perHost: 8, maxPages: 100 }))).toEqual(names.map((_, n) => page(`p${n}`)));
    expect(site.peak).toBe(4);
    for (const name of names) expect(site.count(`/${name}`)).toBe(1);
    expect(await all(await resolve(found, 'b'))).toEqual([page('p0'), page('p1'), page('p2')]);
  });

  test('a sitemap of an index that is in trouble is waited for: half a site must not look like all of it', async () => {
    serve('/sitemap.xml', index(page('one.xml'), page('two.xml')));
    serve('/one.xml', xml(page('a')));
    site.routes.set('/two.xml', (count) => (count === 0 ? { status: 503 } : { body: xml(page('b')) }));
    expect(await all(await resolve({ sitemaps: [page('sitemap.xml')] }))).toEqual([page('a'), page('b')]);
    serve('/two.xml', '', 503);
    expect(await failed({ sitemaps: [page('sitemap.xml')], retries: 0 })).toMatchObject({ type: 'RemoteUnavailable', nonRetryable: false });
  });

  test('a host that asks for days of quiet ends the run by name: it is neither waited for nor done without', async () => {
    serve('/sitemap.xml', index(page('one.xml'), page('two.xml')));
    site.routes.set('/one.xml', { status: 503, headers: { 'retry-after': '172800' } });
    serve('/two.xml', xml(page('b')));
    expect(await failed({ sitemaps: [page('sitemap.xml')] })).toMatchObject({
      type: 'RemoteRefused',
      nonRetryable: true,
      message: expect.stringMatching(/^source\.sitemaps\.0: .*one\.xml is in trouble/),
    });
    site.routes.set('/robots.txt', { status: 429, headers: { 'retry-after': '172800' } });
    expect(await failed({ sitemaps: [page('')] })).toMatchObject({ nonRetryable: true });
  });
});
