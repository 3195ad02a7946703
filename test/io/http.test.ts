import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { gzipSync } from 'node:zlib';
import { createHttp, type HttpClient, type HttpOptions, type HttpRequest, type HttpResponse } from '../../io/http';
import { HttpError, parseRetryAfter } from '../../io/http-error';
import { html, openSite, type Site } from '../support/site';
import { rejection } from '../support/rejection';

const NOW = Date.parse('2026-11-24T00:00:00Z');
let site: Site;
jest.setTimeout(30_000);
const clients: HttpClient[] = [];

beforeAll(async () => {
  site = await openSite();
});
afterAll(async () => {
  await Promise.all(clients.map(async (client) => client.close()));
  await site.close();
});

const client = (options: Partial<HttpOptions> = {}): HttpClient => {
  const made = createHttp({ allowPrivateHosts: false, now: () => NOW, own: { [site.host]: async () => site.port }, ...options });
  clients.push(made);
  return made;
};
const get = async (path: string, request: Partial<HttpRequest> = {}, options: Partial<HttpOptions> = {}): Promise<HttpResponse> =>
  client(options).get({
    url: path.startsWith('/') ? site.url(path) : path,
    userAgent: 'retune-test/1',
    signal: new AbortController().signal,
    timeoutMs: 5_000,
    maxBytes: 100_000,
    ...request,
  });
const failureOf = async (promise: Promise<unknown>): Promise<HttpError> => rejection(promise, HttpError);

describe('a body', () => {
  const text = html('Encodings');
  test.each(['gzip', 'br', 'deflate', 'raw-deflate', undefined] as const)('sent as %s comes out as it was', async (encoding) => {
    site.routes.set('/page', {
      body: text,
      ...(encoding === undefined ? {} : { encoding }),
      etag: '"a"',
      lastModified: 'Mon, 23 Nov 2026 00:00:00 GMT',
    });
    expect(await get('/page')).toEqual({
      status: 200,
      url: site.url('/page'),
      body: Buffer.from(text),
      contentType: 'text/html; charset=utf-8',
      etag: '"a"',
      lastModified: 'Mon, 23 Nov 2026 00:00:00 GMT',
    });
  });

  test('is asked for with our name and no cookie', async () => {
    site.routes.set('/named', { body: text, headers: { 'set-cookie': 'a=b' } });
    const http = client();
    const request = {
      url: site.url('/named'),
      userAgent: 'retune-test/1',
      signal: new AbortController().signal,
      timeoutMs: 5_000,
      maxBytes: 100_000,
    };
    await http.get(request);
    await http.get(request);
    for (const { headers } of site.visits.filter(({ path }) => path === '/named')) {
      expect(headers['user-agent']).toBe('retune-test/1');
      expect(headers.cookie).toBeUndefined();
      expect(headers.host).toBe(site.host);
    }
  });

  test('comes over the connection of one before, unchanged pages, dead ones and redirects included', async () => {
    site.routes.set('/kept', { body: text, etag: '"k"' });
    const http = client();
    const before = site.connections;
    const known = { url: site.url('/kept'), etag: '"k"', lastModified: null };
    site.routes.set('/moved', { status: 302, headers: { location: '/kept' } });
    const asked = ['/kept', '/kept', '/moved', '/nowhere'].map((path) => ({ url: site.url(path), known }));
    for (const request of [...asked, ...asked, ...asked]) {
      const limits = { userAgent: 'retune-test/1', signal: new AbortController().signal, timeoutMs: 5_000, maxBytes: 100_000 };
      await http.get({ ...request, ...limits }).catch((error: unknown) => expect(error).toMatchObject({ code: 'not_found' }));
    }
    // undici opens a second one when it is asked again at the very moment in which an answer ends.
    expect(site.connections - before).toBeLessThanOrEqual(2);
  });

  test.each([
    ['a bomb of 50 MB in 50 kB', { body: gzipSync(Buffer.alloc(50_000_000)), headers: { 'content-encoding': 'gzip' } }],
    ['a plain one', { body: Buffer.alloc(200_000) }],
  ] as const)('that is too large is refused: %s', async (_, page) => {
    site.routes.set('/large', page);
    const before = process.memoryUsage().arrayBuffers;
    expect(await failureOf(get('/large'))).toMatchObject({ code: 'too_large', kind: 'target' });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
  });

  test('can be cut at the limit instead', async () => {
    site.routes.set('/long', { body: Buffer.alloc(200_000, 'x'), encoding: 'br' });
    expect((await get('/long', { onTooLarge: 'cut', maxBytes: 1_000 })).body).toEqual(Buffer.alloc(1_000, 'x'));
  });

  test.each(['length', 'chunked'] as const)('that breaks off (%s) may heal', async (cut) => {
    site.routes.set('/cut', { body: text, cut });
    expect(await failureOf(get('/cut'))).toMatchObject({ code: 'connection_lost', kind: 'transient' });
  });

  test('that does not decompress will not', async () => {
    site.routes.set('/garbage', { body: text, encoding: 'nonsense' });
    expect(await failureOf(get('/garbage'))).toMatchObject({ code: 'bad_encoding', kind: 'target' });
    site.routes.set('/garbage', { body: text, headers: { 'content-encoding': 'br' } });
    expect(await failureOf(get('/garbage'))).toMatchObject({ code: 'bad_encoding', kind: 'target' });
    site.routes.set('/garbage', { body: text, headers: { 'content-encoding': 'zstd' } });
    expect(await failureOf(get('/garbage'))).toMatchObject({ code: 'bad_encoding', kind: 'target' });
  });

  test('in more encodings than anybody needs is not decompressed', async () => {
    const header = Array.from({ length: 2_000 }, () => 'gzip').join(',');
    site.routes.set('/deep', { body: gzipSync(text), headers: { 'content-encoding': header } });
    const before = process.memoryUsage();
    const error = await failureOf(get('/deep'));
    expect(error).toMatchObject({ code: 'bad_encoding', kind: 'target', message: expect.stringContaining('2000 encodings') });
    expect(process.memoryUsage().rss - before.rss).toBeLessThan(30_000_000);
    site.routes.set('/deep', { body: gzipSync(gzipSync(text)), headers: { 'content-encoding': 'gzip, gzip' } });
    expect((await get('/deep')).body).toEqual(Buffer.from(text));
  });

  test('of a type that nobody wants is not read', async () => {
    site.routes.set('/film', { body: 'x', headers: { 'content-type': 'video/mp4' } });
    expect(await failureOf(get('/film', { accepts: (type) => type === 'text/html' }))).toMatchObject({
      code: 'unsupported_type',
      kind: 'target',
    });
  });
});

describe('a status', () => {
  test.each([
    [404, 'not_found', 'target', null],
    [410, 'gone', 'target', null],
    [401, 'forbidden', 'target', null],
    [403, 'forbidden', 'target', null],
    [418, 'refused', 'target', null],
    [429, 'rate_limited', 'transient', 7_000],
    [500, 'server_error', 'transient', 7_000],
    [503, 'server_error', 'transient', 7_000],
    [501, 'refused', 'target', 7_000],
    [408, 'server_error', 'transient', null],
    [304, 'refused', 'target', null],
    [300, 'refused', 'target', null],
    [202, 'server_error', 'transient', 7_000],
    [206, 'bad_response', 'target', null],
  ] as const)('%i is %s, %s', async (status, code, kind, wait) => {
    site.routes.set('/status', { status, headers: wait === null ? {} : { 'retry-after': '7' } });
    const error = await failureOf(get('/status'));
    expect(error).toMatchObject({ code, kind, details: { status } });
    expect(error.retryAfterMs).toBe(wait);
  });

  test('that asks to wait for a day is not worth the wait', async () => {
    site.routes.set('/status', { status: 503, headers: { 'retry-after': '86400' } });
    expect(await failureOf(get('/status'))).toMatchObject({ kind: 'target' });
  });

  test.each([
    ['12', 12_000],
    ['Tue, 24 Nov 2026 00:01:00 GMT', 60_000],
    ['Mon, 23 Nov 2026 00:00:00 GMT', 0],
    ['99999999', 86_400_000],
    [`1${'0'.repeat(300)}`, 86_400_000],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 86_400_000],
    ['soon', null],
    [undefined, null],
  ])('Retry-After %s is %s ms', (value, expected) => expect(parseRetryAfter(value, NOW)).toBe(expected));
});

describe('a page that we have', () => {
  const known = { url: 'http://site.test/known', etag: '"v1"', lastModified: null };

  test('costs no body while it stays the same', async () => {
    site.routes.set('/known', { body: html('Known'), etag: '"v1"' });
    expect(await get('/known', { known })).toMatchObject({ status: 304, body: null, etag: '"v1"' });
    site.routes.set('/known', { body: html('Known'), lastModified: 'Mon, 23 Nov 2026 00:00:00 GMT' });
    expect(await get('/known', { known: { ...known, etag: null, lastModified: 'Mon, 23 Nov 2026 00:00:00 GMT' } })).toMatchObject({
      status: 304,
      body: null,
    });
  });

  test('comes whole when it changed', async () => {
    site.routes.set('/known', { body: html('Changed'), etag: '"v2"' });
    expect(await get('/known', { known })).toMatchObject({ status: 200, etag: '"v2"', body: Buffer.from(html('Changed')) });
  });

  test('lends its validators to no other address', async () => {
    site.routes.set('/known', { status: 302, headers: { location: '/elsewhere' } });
    site.routes.set('/elsewhere', { body: html('Elsewhere'), etag: '"v1"' });
    expect(await get('/known', { known })).toMatchObject({ status: 200, url: site.url('/elsewhere') });
  });
});

describe('a redirect', () => {
  test('is followed, and each of its hops is asked about first', async () => {
    site.routes.set('/a', { status: 301, headers: { location: '/b?x#y' } });
    site.routes.set('/b?x', { status: 307, headers: { location: site.url('/c') } });
    site.routes.set('/c', { body: 'here' });
    const asked: string[] = [];
    const response = await get('/a', {
      before: async (url) => {
        asked.push(url);
      },
    });
    expect(response).toMatchObject({ url: site.url('/c'), body: Buffer.from('here') });
    expect(asked).toEqual([site.url('/a'), site.url('/b?x'), site.url('/c')]);
  });

  test('that turns in a circle ends', async () => {
    site.routes.set('/circle', { status: 302, headers: { location: '/circle' } });
    expect(await failureOf(get('/circle'))).toMatchObject({ code: 'too_many_redirects', kind: 'target' });
    expect(site.count('/circle')).toBe(6);
  });

  test.each([
    ['to a file', 'file:///etc/passwd', 'bad_redirect'],
    ['to a script', 'javascript:alert(1)', 'bad_redirect'],
    ['with a password', 'http://user:secret@site.test/', 'bad_redirect'],
    ['to nothing', '', 'bad_redirect'],
    ['to a metadata service', 'http://169.254.169.254/latest/meta-data/', 'private_address'],
    ['to the metadata service in IPv6', 'http://[fd00:ec2::254]/', 'private_address'],
  ])('%s is refused', async (_, location, code) => {
    site.routes.set('/evil', { status: 302, headers: location === '' ? {} : { location } });
    expect(await failureOf(get('/evil'))).toMatchObject({ code, kind: 'target' });
  });

  test('to our own machine is refused before a byte reaches it', async () => {
    site.routes.set('/inside', { body: 'secret' });
    site.routes.set('/evil', { status: 302, headers: { location: site.privateUrl('/inside') } });
    expect(await failureOf(get('/evil'))).toMatchObject({ code: 'private_address', kind: 'target' });
    expect(site.count('/inside')).toBe(0);
  });
});

describe('a private address', () => {
  test.each([
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.1',
    '0',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '0x7f.1',
    '127。0。0。1',
    'localhost',
  ])('is refused when written as %s', async (host) => {
    site.routes.set('/inside', { body: 'secret' });
    const visits = site.visits.length;
    expect(await failureOf(get(`http://${host}:${site.port}/inside`))).toMatchObject({ code: 'private_address', kind: 'target' });
    expect(site.visits.length).toBe(visits);
  });

  const answering = (...answers: string[][]): { lookup: LookupFunction; asked: () => number } => {
    let asked = 0;
    const lookup: LookupFunction = (_hostname, _options, callback) => {
      const addresses = answers[Math.min(asked++, answers.length - 1)] ?? [];
      callback(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      );
    };
    return { lookup, asked: () => asked };
  };

  test('is refused behind a name, alone or beside a public one', async () => {
    for (const addresses of [['127.0.0.1'], ['192.0.43.8', '127.0.0.1']])
      expect(await failureOf(get(`http://rebind.test:${site.port}/inside`, {}, answering(addresses)))).toMatchObject({
        code: 'private_address',
      });
  });

  test('is refused when DNS gives a public address first and a private one later', async () => {
    // The address that is connected to is the one that was checked: there is one question for each connection.
    const { lookup, asked } = answering(['127.0.0.1'], ['192.0.43.8']);
    expect(await failureOf(get(`http://rebind.test:${site.port}/inside`, {}, { lookup }))).toMatchObject({ code: 'private_address' });
    expect(asked()).toBe(1);
  });

  test('can be allowed by the operator', async () => {
    site.routes.set('/inside', { body: 'open' });
    expect((await get(site.privateUrl('/inside'), {}, { allowPrivateHosts: true })).body).toEqual(Buffer.from('open'));
    expect((await get(`http://localhost:${site.port}/inside`, {}, { allowPrivateHosts: true, lookup: systemLookup })).body).toEqual(
      Buffer.from('open'),
    );
  });
});

describe('a host', () => {
  test('that nobody knows is a target failure', async () => {
    const lookup: LookupFunction = (hostname, _options, callback) =>
      callback(Object.assign(new Error(`ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' }), '', 0);
    expect(await failureOf(get('http://nowhere.test/', {}, { lookup }))).toMatchObject({ code: 'unknown_host', kind: 'target' });
  });

  test('that DNS cannot tell now may heal', async () => {
    const lookup: LookupFunction = (hostname, _options, callback) =>
      callback(Object.assign(new Error(`EAI_AGAIN ${hostname}`), { code: 'EAI_AGAIN' }), '', 0);
    expect(await failureOf(get('http://nowhere.test/', {}, { lookup }))).toMatchObject({ code: 'connection_lost', kind: 'transient' });
  });

  test('that refuses connections may heal', async () => {
    const gone = await openSite();
    await gone.close();
    expect(await failureOf(get(gone.privateUrl('/'), {}, { allowPrivateHosts: true }))).toMatchObject({
      code: 'connection_refused',
      kind: 'transient',
    });
  });
});

describe('time', () => {
  test.each(['headers', 'body'] as const)('runs out for a page that hangs in its %s', async (hang) => {
    site.routes.set('/hang', { hang, body: html('Hang') });
    expect(await failureOf(get('/hang', { timeoutMs: 200 }))).toMatchObject({ code: 'timeout', kind: 'transient' });
  });

  test('ends with the caller, whose reason is passed on', async () => {
    site.routes.set('/hang', { hang: 'body', body: html('Hang') });
    const controller = new AbortController();
    const pending = get('/hang', { signal: controller.signal });
    const reason = new Error('cancelled by a person');
    setTimeout(() => controller.abort(reason), 50);
    await expect(pending).rejects.toBe(reason);
    await expect(get('/hang', { signal: controller.signal })).rejects.toBe(reason);
  });
});
