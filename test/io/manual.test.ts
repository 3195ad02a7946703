import { createHttp, type HttpClient } from '../../io/http';
import { createManual, MANUAL_HOST, manualUrls } from '../../io/manual';
import { HttpError } from '../../io/http-error';

const manual = createManual();
let http: HttpClient;
beforeAll(() => {
  http = createHttp({ allowPrivateHosts: false, now: () => 0, own: { [MANUAL_HOST]: () => manual.port() } });
});
afterAll(async () => {
  await http.close();
  await manual.close();
});
const base = { userAgent: 'retune-test/1', timeoutMs: 5_000, maxBytes: 10_000_000 };
const get = (url: string, known?: { url: string; etag: string | null; lastModified: string | null }) =>
  http.get({ ...base, url, signal: new AbortController().signal, ...(known === undefined ? {} : { known }) });

test('npm brings a manual of many pages, and each of them is served under its lasting address', async () => {
  const urls = await manualUrls();
  expect(urls.length).toBeGreaterThan(80);
  expect(urls).toContain('http://npm-manual.localhost/commands/npm-ci.html');
  for (const url of urls) {
    const page = await get(url);
    expect(page).toMatchObject({ status: 200, url, contentType: 'text/html; charset=utf-8' });
    expect(page.body?.toString()).toMatch(/<html/i);
  }
});

test('any port of the name leads to it, and a page that did not change costs no body', async () => {
  const url = 'http://npm-manual.localhost:8080/commands/npm-ci.html';
  const { etag } = await get(url);
  expect(await get(url, { url, etag, lastModified: null })).toMatchObject({ status: 304, body: null });
});

test.each(['/robots.txt', '/../package.json', '/%2e%2e/%2e%2e/package.json', '/commands/npm-nothing.html', '/commands/'])(
  'it has no %s',
  async (path) => {
    await expect(get(`http://${MANUAL_HOST}${path}`)).rejects.toThrow(HttpError);
  },
);
