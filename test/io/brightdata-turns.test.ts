import { setMaxListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBrightData } from '../../io/brightdata';
import { BrightDataError } from '../../io/brightdata-error';
import { createTurns, type Turns } from '../../io/brightdata-turns';
import { type Clock, systemClock } from '../../io/clock';
import { Secret } from '../../io/secret';
import { openStore } from '../../io/store';
import { BrightDataStandIn, TOKEN, ZONE } from '../support/brightdata';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'retune-turns-'))));
afterEach(async () => rm(folder, { recursive: true, force: true }));
jest.setTimeout(60_000);

const { signal } = new AbortController();
setMaxListeners(0, signal);
/** A wall clock that is moved by hand; sleeping moves it at once. */
const jumping = (): Clock & { by: number } => {
  const clock = {
    by: 0,
    now: () => 1_800_000_000_000 + clock.by,
    monotonic: () => clock.by,
    sleep: async (ms: number) => {
      clock.by += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
  return clock;
};
const turnsOf = async (clock: Clock, patienceMs = 1_000): Promise<Turns> =>
  createTurns({ store: await openStore(folder), clock, patienceMs });
const take = (turns: Turns) => turns.take({ subject: 'a page', holdMs: 1_000, signal });

test('ten turns are all there are, for all workers of a store together', async () => {
  const [one, other] = [await turnsOf(systemClock), await turnsOf(systemClock, 300)];
  const taken = await Promise.all([1, 2, 3, 4, 5, 6, 7].map(() => take(one)));
  const more = await Promise.all([1, 2, 3].map(() => take(other)));
  await expect(take(other)).rejects.toBeInstanceOf(BrightDataError);
  for (const leave of taken) await leave(null);
  const late = await take(other);
  for (const leave of [...more, late]) await leave(null);
});

test('a worker that always has work gives its turns back now and then, for others', async () => {
  const clock = jumping();
  const [busy, other] = [await turnsOf(clock), await turnsOf(clock)];
  const taken = await Promise.all(Array.from({ length: 10 }, async () => take(busy)));
  await taken[0]?.(null);
  // Kept: the busy one has nine requests under way and may need it.
  await expect(take(other)).rejects.toBeInstanceOf(BrightDataError);
  clock.by += 6_000;
  await taken[1]?.(null);
  for (const leave of [await take(other), await take(other), ...taken.slice(2)]) await leave(null);
});

test('a 429 spends its turn for five minutes, and after ten nobody sends', async () => {
  const clock = jumping();
  const turns = await turnsOf(clock, 10_000);
  for (let count = 0; count < 10; count++) await (await take(turns))({ retryAfterMs: 1 });
  await expect(take(turns)).rejects.toMatchObject({ code: 'rate_limited', kind: 'transient', billing: 'no' });
  await expect(take(await turnsOf(clock, 10_000))).rejects.toMatchObject({ code: 'rate_limited' });
  clock.by = 5 * 60_000 + 1_000;
  await (
    await take(turns)
  )(null);
});

test.each([null, 0])('a 429 with Retry-After %s is waited for longer each time', async (retryAfterMs) => {
  const clock = jumping();
  const turns = await turnsOf(clock, 60_000);
  const waits: number[] = [];
  for (let count = 0; count < 4; count++) {
    const before = clock.by;
    const leave = await take(turns);
    waits.push(clock.by - before);
    await leave({ retryAfterMs });
  }
  expect(waits).toEqual([0, 2_000, 4_000, 8_000]);
});

test('turns of a worker that died are free again when its requests must be over', async () => {
  const clock = jumping();
  const dead = await turnsOf(clock);
  for (let count = 0; count < 10; count++) await take(dead);
  const alive = await turnsOf(clock, 20_000);
  const before = clock.by;
  await (
    await take(alive)
  )(null);
  expect(clock.by - before).toBeGreaterThan(1_000);
  expect(clock.by - before).toBeLessThan(15_000);
});

test('a burst of 429 keeps below the block, nothing is sent before Retry-After, and every page comes once', async () => {
  const api = await BrightDataStandIn.open();
  const clients = await Promise.all(
    [1, 2].map(async () =>
      createBrightData({ url: api.url, token: new Secret(TOKEN), turns: await turnsOf(systemClock, 20_000), now: () => Date.now() }),
    ),
  );
  try {
    api.latencyMs = 30;
    api.limit = { atOnce: 5, retryAfter: 1 };
    // Two workers: a durable write of the one and a look of the other, on a machine that is busy with other tests.
    api.onItsWayMs = 400;
    const pages = Array.from({ length: 60 }, (_, index) => `http://docs.test/${index}`);
    for (const url of pages) api.pages.set(url, { markdown: url });
    const fetchOne = async (url: string, index: number): Promise<string> => {
      for (;;) {
        try {
          return (
            await (clients[index % 2] as (typeof clients)[0]).page({ url, zone: ZONE, maxBytes: 1000 }, { signal, timeoutMs: 5_000 })
          ).toString();
        } catch (error) {
          if (!(error instanceof BrightDataError) || error.code !== 'rate_limited') throw error;
        }
      }
    };
    expect(await Promise.all(pages.map(fetchOne))).toEqual(pages);
    expect(api.calls.filter(({ status }) => status === 429).length).toBeLessThanOrEqual(10);
    expect(api.calls.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
    expect(api.early).toBe(0);
    expect(api.bill).toEqual([60, 0]);
  } finally {
    await Promise.all([...clients.map((client) => client.close()), api.close()]);
  }
});
