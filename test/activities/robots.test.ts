import { createRobotsDesk, KEPT_HOSTS, type RobotsDesk } from '../../activities/robots';
import { createHostGates } from '../../io/host-gates';
import { createHttp, type HttpClient } from '../../io/http';
import { HttpError } from '../../io/http-error';
import { manualClock, type ManualClock } from '../support/manual-clock';
import { openSite, type Route, type Site } from '../support/site';

let site: Site;
let http: HttpClient;
let clock: ManualClock;
let desk: RobotsDesk;
beforeEach(async () => {
  site = await openSite();
  http = createHttp({ allowPrivateHosts: false, now: () => Date.now(), own: { [site.host]: async () => site.port } });
  clock = manualClock();
  desk = createRobotsDesk({ http, clock, gates: createHostGates(clock) });
});
afterEach(async () => void (await Promise.allSettled([http.close(), site.close()])));

const rules = (path = '/a', signal = new AbortController().signal) =>
  desk.rules(site.url(path), 'retune/0.1', { timeoutMs: 500, width: 4, patienceMs: 1000, signal });
const serve = (route: Route): void => void site.routes.set('/robots.txt', route);
const TEXT = { 'content-type': 'text/plain' };

test('rules are asked for once an hour, whatever number of pages wait for them', async () => {
  serve({ body: 'User-agent: *\nDisallow: /b\n', headers: TEXT, delayMs: 20 });
  const all = await Promise.all(['/a', '/b', '/c'].map((path) => rules(path)));
  expect(all.map((robots, index) => robots.allowed(site.url(['/a', '/b', '/c'][index] ?? '')))).toEqual([true, false, true]);
  await clock.pass(3_599_000);
  await rules();
  expect(site.count('/robots.txt')).toBe(1);
  await clock.pass(2_000);
  await rules();
  expect(site.count('/robots.txt')).toBe(2);
});

test.each<[string, Route]>([
  ['no file', { status: 404 }],
  ['a closed one', { status: 403 }],
  ['one without content', { status: 204 }],
  ['one that turns in a circle', { status: 302, headers: { location: '/robots.txt' } }],
])('%s means that everything is allowed', async (_, route) => {
  serve(route);
  expect((await rules()).allowed(site.url('/a'))).toBe(true);
});

test.each<[string, Route]>([
  ['in trouble', { status: 503 }],
  ['asking us to wait', { status: 429 }],
  ['behind a gate keeper', { status: 202, body: '<script>challenge</script>' }],
  ['silent', { hang: 'headers' }],
  ['cut short', { body: 'User-agent: *\nDisallow: /', cut: 'length' }],
])('a host that is %s keeps its pages closed, and is asked again a little later', async (_, route) => {
  serve(route);
  await expect(rules()).rejects.toMatchObject({ code: 'robots_unavailable', kind: 'transient' });
  await expect(rules()).rejects.toMatchObject({ code: 'robots_unavailable' });
  expect(site.count('/robots.txt')).toBe(1);
  await clock.pass(5_000);
  serve({ body: '', headers: TEXT });
  expect((await rules()).allowed(site.url('/a'))).toBe(true);
});

test('rules beyond 500 KiB are not read, those before are', async () => {
  serve({ body: `User-agent: *\nDisallow: /a\n${'# padding\n'.repeat(60_000)}Disallow: /b\n`, headers: TEXT });
  const robots = await rules();
  expect([robots.allowed(site.url('/a')), robots.allowed(site.url('/b'))]).toEqual([false, true]);
});

test('rules of so many hosts are kept and no more, the oldest going first', async () => {
  let asked = 0;
  const counting = {
    ...http,
    get: async () => ((asked += 1), Promise.reject(new HttpError('not_found', 'target', '', { url: '', status: 404 }))),
  };
  const many = createRobotsDesk({ http: counting, clock, gates: createHostGates(clock) });
  const limits = { timeoutMs: 500, width: 4, patienceMs: 1000, signal: new AbortController().signal };
  const of = async (host: number) => many.rules(`http://host-${host}.test/`, 'retune/0.1', limits);
  for (let host = 0; host <= KEPT_HOSTS; host += 1) await of(host);
  await of(KEPT_HOSTS);
  expect(asked).toBe(KEPT_HOSTS + 1);
  await of(0);
  expect(asked).toBe(KEPT_HOSTS + 2);
});

test('a private host is named as such', async () => {
  await expect(
    desk.rules('http://127.0.0.1/', 'retune/0.1', { timeoutMs: 500, width: 4, patienceMs: 1000, signal: new AbortController().signal }),
  ).rejects.toMatchObject({
    code: 'private_address',
    kind: 'target',
  });
});

test('a caller that is cancelled does not fail the others', async () => {
  serve((count) => (count === 0 ? { hang: 'headers' } : { body: 'User-agent: *\nDisallow: /b\n', headers: TEXT }));
  const controller = new AbortController();
  const cancelled = rules('/a', controller.signal);
  const other = rules('/b');
  while (site.count('/robots.txt') === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const reason = new Error('cancelled');
  controller.abort(reason);
  await expect(cancelled).rejects.toBe(reason);
  expect((await other).allowed(site.url('/b'))).toBe(false);
});
