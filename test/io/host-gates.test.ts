import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BREAK_AFTER, createHostGates, HostBusy, type HostGates, type Manners } from '../../io/host-gates';
import { manualClock, type ManualClock } from '../support/manual-clock';

const HOST = 'https://example.com';
let clock: ManualClock;
let gates: HostGates;
beforeEach(() => {
  clock = manualClock();
  gates = createHostGates(clock);
});
const manners = (given: Partial<Manners> = {}): Manners => ({
  width: 2,
  spacingMs: 0,
  patienceMs: 1_000,
  signal: new AbortController().signal,
  ...given,
});

/** Asks for a turn and remembers when it came. */
const ask = (given: Partial<Manners> = {}, origin = HOST) => {
  const asked: { at: number | null; error: unknown; leave: (failed: boolean) => void } = { at: null, error: null, leave: () => undefined };
  void gates.enter(origin, manners(given)).then(
    (leave) => Object.assign(asked, { at: clock.monotonic(), leave }),
    (error: unknown) => Object.assign(asked, { error }),
  );
  return asked;
};

test('a host gets at most its width at once, and the next one when somebody leaves', async () => {
  const turns = [ask(), ask(), ask(), ask()];
  await clock.pass(10);
  expect(turns.map(({ at }) => at)).toEqual([0, 0, null, null]);
  turns[0]?.leave(false);
  turns[0]?.leave(false);
  await clock.pass(10);
  expect(turns.map(({ at }) => at !== null)).toEqual([true, true, true, false]);
  expect(ask({}, 'https://other.example').at).toBeNull();
  const other = ask({}, 'https://third.example');
  await clock.pass(0);
  expect(other.at).not.toBeNull();
});

test('a crawl delay keeps requests apart, one at a time', async () => {
  const turns = [ask({ spacingMs: 500 }), ask({ spacingMs: 500 }), ask({ spacingMs: 500 })];
  await clock.pass(100);
  expect(turns.map(({ at }) => at)).toEqual([0, null, null]);
  turns[0]?.leave(false);
  await clock.pass(500);
  expect(turns[1]?.at).toBe(500);
  turns[1]?.leave(false);
  await clock.pass(2_000);
  expect(turns[2]?.at).toBe(1_000);
});

test('a host that asks for quiet gets it; who cannot wait as long is told so', async () => {
  gates.pause(HOST, 800);
  const patient = ask();
  const hurried = ask({ patienceMs: 500 });
  await clock.pass(799);
  expect(patient.at).toBeNull();
  expect(hurried.error).toMatchObject({ code: 'HOST_BUSY', waitMs: 800, because: 'asked_to_wait' });
  await clock.pass(1);
  expect(patient.at).toBe(800);
});

test('a host that only fails is left alone for a while, then gets one probe', async () => {
  for (let count = 0; count < BREAK_AFTER; count++) (await gates.enter(HOST, manners()))(true);
  await expect(gates.enter(HOST, manners({ patienceMs: 3_600_000 }))).rejects.toThrow(HostBusy);
  await clock.pass(30_000);
  const [probe, second] = [ask(), ask()];
  await clock.pass(0);
  expect([probe.at !== null, second.at !== null]).toEqual([true, false]);
  probe.leave(true);
  await clock.pass(0);
  expect(second.error).toMatchObject({ because: 'failing' });
  await clock.pass(30_000);
  (await gates.enter(HOST, manners()))(false);
  const healthy = [ask(), ask()];
  await clock.pass(0);
  expect(healthy.every(({ at }) => at !== null)).toBe(true);
});

test('hosts that are done with are forgotten: a run may meet hundreds of thousands', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const alive = (): number => (collect(), process.memoryUsage().heapUsed);
  const before = alive();
  for (let host = 0; host < 20_000; host += 1) (await gates.enter(`https://host-${host}.example`, manners()))(false);
  expect(alive() - before).toBeLessThan(2_000_000);
});

test('a gate that is forgotten while somebody sleeps for it keeps its width', async () => {
  gates.pause(HOST, 500);
  const sleepers = [ask({ width: 1 }), ask({ width: 1 })];
  await clock.pass(500);
  sleepers[0]?.leave(false);
  const late = [ask({ width: 1 }), ask({ width: 1 })];
  await clock.pass(0);
  expect([...sleepers, ...late].filter(({ at }) => at !== null).length).toBe(2);
});

test('a caller that is cancelled stops waiting, and takes nobody’s turn', async () => {
  const controller = new AbortController();
  const [first, cancelled] = [ask({ width: 1 }), ask({ width: 1, signal: controller.signal })];
  const third = ask({ width: 1 });
  await clock.pass(0);
  const reason = new Error('cancelled');
  controller.abort(reason);
  await clock.pass(0);
  expect(cancelled.error).toBe(reason);
  first.leave(false);
  await clock.pass(0);
  expect(third.at).not.toBeNull();
});
