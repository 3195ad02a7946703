import { setMaxListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { type BrightDataClient, createBrightData } from '../../io/brightdata';
import { BrightDataError } from '../../io/brightdata-error';
import { createTurns } from '../../io/brightdata-turns';
import { systemClock } from '../../io/clock';
import { Secret } from '../../io/secret';
import { openStore } from '../../io/store';
import { BrightDataStandIn, type Fate, TOKEN, ZONE } from '../support/brightdata';
import { rejection } from '../support/rejection';

let api: BrightDataStandIn;
let client: BrightDataClient;
let folder: string;
const PAGE = 'http://docs.test/a';
const { signal } = new AbortController();
setMaxListeners(0, signal);
const options = { signal, timeoutMs: 2_000 };

const connect = async (token = TOKEN): Promise<BrightDataClient> => {
  const turns = createTurns({ store: await openStore(folder), clock: systemClock, patienceMs: 5_000 });
  return createBrightData({ url: api.url, token: new Secret(token), turns, now: () => Date.now() });
};
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'retune-brightdata-'));
  api = await BrightDataStandIn.open();
  client = await connect();
});
afterEach(async () => {
  await Promise.allSettled([client.close(), api.close()]);
  await rm(folder, { recursive: true, force: true });
});
jest.setTimeout(30_000);

const page = (zone = ZONE): Promise<Buffer> => client.page({ url: PAGE, zone, maxBytes: 1_000_000 }, options);
const errorOf = async (promise: Promise<unknown>): Promise<BrightDataError> => rejection(promise, BrightDataError);
const readAll = async (rows: AsyncIterable<Uint8Array> | null): Promise<string> => {
  const pieces: Uint8Array[] = [];
  for await (const piece of rows ?? []) pieces.push(piece);
  return Buffer.concat(pieces).toString();
};

describe('one page', () => {
  test('comes as Markdown, byte for byte', async () => {
    api.pages.set(PAGE, { markdown: '# Títle\n\nText.\n' });
    expect((await page()).toString()).toBe('# Títle\n\nText.\n');
    expect(api.bill).toEqual([1, 0]);
  });

  const cases: [string, Fate, string, string, string][] = [
    ['a peer that was refused', { error: 'reject_block' }, 'reject_block', 'transient', 'no'],
    ['a captcha', { error: 'resolve_failed_captcha' }, 'resolve_failed_captcha', 'transient', 'no'],
    ['the old spelling of the headers', { error: 'proxy_timeout', old: true }, 'proxy_timeout', 'transient', 'no'],
    ['a rate limit inside', { error: 'sr_rate_limit', status: 429 }, 'sr_rate_limit', 'transient', 'no'],
    ['an empty page', 'empty', 'empty_body', 'transient', 'perhaps'],
    ['a page that is gone, told by the unlocker', { error: 'http_status', text: 'rejected: 410 status code' }, 'gone', 'target', 'no'],
    ['a page whose server is down', { error: 'http_status', text: 'rejected: 500 status code' }, 'http_status', 'transient', 'no'],
    ['the page’s own 404', { own: 404 }, 'not_found', 'target', 'yes'],
    ['the page’s own 503', { own: 503 }, 'server_error', 'transient', 'yes'],
    ['a bad certificate', { error: 'net_err_cert_date_invalid' }, 'net_err_cert_date_invalid', 'target', 'no'],
    ['a policy', { error: 'policy_20130', status: 403 }, 'forbidden', 'configuration', 'no'],
    ['a used up free tier', { error: 'client_10100', status: 403 }, 'payment_required', 'configuration', 'no'],
  ];
  test.each([
    [{ error: 'reject_block' }, true],
    [{ error: 'resolve_failed_captcha' }, true],
    [{ error: 'sr_rate_limit', status: 429 }, false],
    [{ error: 'proxy_timeout' }, false],
  ] as [Fate, boolean][])('only what one peer has met can be tried at once through another: %j', async (fate, peer) => {
    api.pages.set(PAGE, fate);
    expect(await errorOf(page())).toMatchObject({ kind: 'transient', peer });
  });

  test.each(cases)('%s is told from a page although the status is 200', async (_, fate, code, kind, billing) => {
    api.pages.set(PAGE, fate);
    expect(await errorOf(page())).toMatchObject({ code, kind, billing });
  });

  test('of no zone of ours names the variable', async () => {
    expect(await errorOf(page('other'))).toMatchObject({
      code: 'bad_zone',
      kind: 'configuration',
      message: expect.stringContaining('BRIGHTDATA_ZONE'),
    });
  });

  test('larger than allowed is no page, and was paid for', async () => {
    api.pages.set(PAGE, { markdown: 'x'.repeat(2_000_000) });
    expect(await errorOf(page())).toMatchObject({ code: 'too_large', kind: 'target', billing: 'yes' });
  });

  test('whose transfer breaks may have been paid for, and heals', async () => {
    api.pages.set(PAGE, { markdown: '# Title\n'.repeat(10_000) });
    api.fail('request', { cut: true }, { delayMs: 5_000 });
    expect(await errorOf(page())).toMatchObject({ kind: 'transient', billing: 'perhaps' });
    const late = await errorOf(client.page({ url: PAGE, zone: ZONE, maxBytes: 1_000_000 }, { signal, timeoutMs: 200 }));
    expect(late).toMatchObject({ code: 'timeout', kind: 'transient', billing: 'perhaps' });
  });

  test('is given up with the signal’s own reason', async () => {
    const controller = new AbortController();
    const reason = new Error('the run was cancelled');
    api.pages.set(PAGE, { markdown: 'x' });
    api.latencyMs = 5_000;
    setTimeout(() => controller.abort(reason), 100);
    await expect(client.page({ url: PAGE, zone: ZONE, maxBytes: 10 }, { signal: controller.signal, timeoutMs: 10_000 })).rejects.toBe(
      reason,
    );
  });
});

describe('outer statuses', () => {
  test('name the variable and never hold the token, even when the server repeats it', async () => {
    await client.close();
    client = await connect('another-token-of-ours');
    const error = await errorOf(page());
    expect(error).toMatchObject({ code: 'unauthorized', kind: 'configuration', message: expect.stringContaining('BRIGHTDATA_API_TOKEN') });
    expect(inspect(error, { depth: 10 }) + JSON.stringify(error)).not.toContain('another-token-of-ours');
  });

  test.each([
    [402, 'Payment Required', 'payment_required', 'configuration'],
    [400, 'Customer is not active', 'payment_required', 'configuration'],
    [400, 'Invalid url', 'refused', 'target'],
    [400, '{"validation_errors":["x"]}', 'bad_request', 'configuration'],
    [500, '', 'server_error', 'transient'],
    [503, 'the load balancer has no balance of servers', 'server_error', 'transient'],
  ])('%i %s', async (status, body, code, kind) => {
    api.fail('request', { status, body });
    expect(await errorOf(page())).toMatchObject({ code, kind });
  });
});

describe('a batch', () => {
  const urls = ['http://docs.test/a', 'http://docs.test/b'];
  beforeEach(() => {
    for (const url of urls) api.pages.set(url, { markdown: url });
  });

  test('is triggered, awaited and read, though the snapshot is still being built when it is ready', async () => {
    api.building = 1;
    const id = await client.trigger(urls, options);
    const states: string[] = [];
    for (let state = ''; state !== 'ready';) states.push((state = (await client.progress(id, options)).state));
    expect(states).toEqual(['waiting', 'waiting', 'ready']);
    expect(await client.snapshot(id, options)).toBeNull();
    const rows = (await readAll(await client.snapshot(id, options)))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { input: { url: string }; markdown: string });
    expect(rows.map(({ input, markdown }) => [input.url, markdown])).toEqual([
      [urls[1], urls[1]],
      [urls[0], urls[0]],
    ]);
    expect(api.bill).toEqual([2, 0]);
  });

  test.each(['failed', 'error', 'cancelled'])('that says %s has ended', async (word) => {
    api.words = [word];
    expect(await client.progress(await client.trigger(urls, options), options)).toMatchObject({ state: 'ended', status: word });
  });

  test.each(['collecting', 'digesting', 'building', 'a word of next year'])('that says %s is waited for', async (word) => {
    api.words = [word];
    expect(await client.progress(await client.trigger(urls, options), options)).toMatchObject({ state: 'waiting' });
  });

  test('can be found again by its time and its addresses, and cancelled', async () => {
    const since = new Date(Date.now() - 1000).toISOString();
    const id = await client.trigger(urls, options);
    expect((await client.snapshots(since, options)).map((one) => one.id)).toEqual([id]);
    expect(await client.inputs(id, options)).toEqual(urls);
    await client.cancel(id, options);
    expect(await client.progress(id, options)).toMatchObject({ state: 'ended' });
  });

  test('whose rows break off fails instead of ending early', async () => {
    api.words = ['ready'];
    for (const url of urls) api.pages.set(url, { markdown: 'x'.repeat(100_000) });
    api.fail('snapshot', { cut: true });
    const id = await client.trigger(urls, options);
    expect(await errorOf(client.snapshot(id, options).then(readAll))).toMatchObject({ kind: 'transient' });
  });

  test('that is unknown is no reason to try again', async () => {
    expect(await errorOf(client.progress('s_none', options))).toMatchObject({ code: 'not_found', kind: 'target' });
  });
});
