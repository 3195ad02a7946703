import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../io/clock';
import { systemClock } from '../../io/clock';
import type { Busy, Lease } from '../../io/lease';
import { acquireLease, LeaseLost } from '../../io/lease';
import { isProvablyGone, thisProcess } from '../../io/process-identity';
import type { Store } from '../../io/store';
import { openStore } from '../../io/store';
import { startChild } from '../support/child';

const owner = { runId: 'run', executionId: 'execution', activity: 'train' };
const elsewhere = { host: 'elsewhere', place: 'another machine', pid: 1, started: '1' };
const slow = { beatMs: 60_000, staleMs: 600_000 };

let address: string;
let store: Store;
beforeEach(async () => {
  address = await mkdtemp(join(tmpdir(), 'retune-lease-'));
  store = await openStore(address);
});
afterEach(() => rm(address, { recursive: true, force: true }));

const held = (result: Lease | Busy): Lease => {
  if (result.busy) throw new Error(`busy: ${JSON.stringify(result)}`);
  return result;
};

/** A clock whose monotonic time moves by hand; sleeping is real. */
const manual = (): Clock & { advance(ms: number): void } => {
  let ms = 0;
  return { ...systemClock, monotonic: () => ms, advance: (by) => void (ms += by) };
};

test('one holder at a time; a released lease is followed at once by the next number', async () => {
  const first = held(await acquireLease(store, 'train/k', owner, slow));
  expect(first.n).toBe(1);
  expect(await acquireLease(store, 'train/k', { ...owner, runId: 'other' }, slow)).toMatchObject({ busy: true, n: 1, owner });
  await held(await acquireLease(store, 'train/other', owner, slow)).release();
  await first.check();
  await first.release();
  await first.release();
  const second = held(await acquireLease(store, 'train/k', owner, slow));
  expect(second.n).toBe(2);
  await expect(first.check()).rejects.toThrow(LeaseLost);
  await second.release();
});

test('numbers go on past 9: the newest is the largest number, not the last word', async () => {
  for (let n = 1; n <= 11; n += 1) {
    const lease = held(await acquireLease(store, 'k', owner, slow));
    expect(lease.n).toBe(n);
    await lease.release();
  }
});

test('a beat that stands still is stale only after staleMs of the waiter, counted from the last change it saw', async () => {
  const clock = manual();
  const ask = (): Promise<Lease | Busy> => acquireLease(store, 'k', owner, { ...slow, staleMs: 60_000, clock });
  const silent = held(await acquireLease(store, 'k', owner, { ...slow, process: elsewhere }));
  expect(await ask()).toMatchObject({ busy: true, stillMs: 0 });
  clock.advance(59_999);
  expect(await ask()).toMatchObject({ busy: true, stillMs: 59_999 });
  const file = JSON.parse((await store.read('k/lease/1'))!.toString()) as { beat: number };
  await store.putFile('k/lease/1', JSON.stringify({ ...file, beat: file.beat + 1 }));
  clock.advance(1);
  expect(await ask()).toMatchObject({ busy: true, stillMs: 0 });
  clock.advance(60_000);
  const next = held(await ask());
  expect(next.n).toBe(2);
  await expect(silent.check()).rejects.toMatchObject({ code: 'LEASE_LOST' });
  expect(silent.lost.aborted).toBe(true);
  await silent.release();
  expect(await acquireLease(store, 'k', owner, slow)).toMatchObject({ busy: true, n: 2 });
  await next.release();
});

test('a holder beats, and notices by itself that it was superseded', async () => {
  const lease = held(await acquireLease(store, 'k', owner, { beatMs: 5, staleMs: 600_000 }));
  const beat = async (): Promise<number> => (JSON.parse((await store.read('k/lease/1'))!.toString()) as { beat: number }).beat;
  while ((await beat()) < 2) await systemClock.sleep(2);
  await store.createExclusive('k/lease/2', '{"schema":2}');
  if (!lease.lost.aborted) await new Promise((on) => lease.lost.addEventListener('abort', on));
  expect(lease.lost.reason).toBeInstanceOf(LeaseLost);
  await lease.release();
  expect(await acquireLease(store, 'k', owner, slow)).toMatchObject({ busy: true, n: 2, owner: null });
});

test('the lease of a process that was killed here is taken over without waiting', async () => {
  const child = startChild(
    `const store = await at('io/store').openStore(args.address);
     const lease = await at('io/lease').acquireLease(store, 'k', args.owner, { beatMs: 20, staleMs: 600000 });
     console.log('n ' + lease.n); setInterval(() => {}, 1000);`,
    { address, owner },
  );
  expect(await child.line(/^n /)).toBe('n 1');
  expect(await acquireLease(store, 'k', owner, slow)).toMatchObject({ busy: true, n: 1 });
  child.kill('SIGKILL');
  await child.exited;
  const lease = held(await acquireLease(store, 'k', owner, slow));
  expect(lease.n).toBe(2);
  await lease.release();
});

test('a process that was stopped past the limit finds its lease lost when it goes on', async () => {
  const child = startChild(
    `const store = await at('io/store').openStore(args.address);
     const lease = await at('io/lease').acquireLease(store, 'k', args.owner, { beatMs: 20, staleMs: 600000 });
     console.log('held'); lease.lost.addEventListener('abort', () => console.log('noticed'));
     process.stdin.once('data', () => lease.check().then(() => console.log('still mine'), (error) => { console.log(error.code); process.exit(); }));`,
    { address, owner },
  );
  await child.line(/held/);
  child.kill('SIGSTOP');
  for (;;) {
    const lease = await acquireLease(store, 'k', owner, { beatMs: 60_000, staleMs: 500 });
    if (!lease.busy) {
      expect(lease.n).toBe(2);
      await lease.release();
      break;
    }
    await systemClock.sleep(50);
  }
  child.process.stdin?.write('go');
  child.kill('SIGCONT');
  await child.exited;
  expect(child.lines).toContain('LEASE_LOST');
  expect(child.lines).not.toContain('still mine');
});

test('only a process of this place is ever called gone', async () => {
  const own = await thisProcess();
  expect(await isProvablyGone(own)).toBe(false);
  expect(await isProvablyGone({ ...own, started: '12' })).toBe(true);
  expect(await isProvablyGone({ ...own, started: '' })).toBe(false);
  expect(await isProvablyGone({ ...own, place: 'another boot', pid: 999_999_999 })).toBe(false);
});

// As decided: many processes, many crashes, no overlap, no number twice. A line is written on taking and on leaving;
// half of the processes claim to be elsewhere, so that nobody can prove their death and the beat has to tell.
test('many processes with crashes never overlap and never get a number twice', async () => {
  const log = join(address, '..', `${address.split('/').pop()}.log`);
  await appendFile(log, '');
  const body = `
    const { appendFileSync } = require('node:fs'); const store = await at('io/store').openStore(args.address);
    const { acquireLease } = at('io/lease'); const sleep = (ms) => new Promise((on) => setTimeout(on, ms));
    const options = { beatMs: 50, staleMs: 1500, ...(args.elsewhere ? { process: { host: 'x', place: 'x' + process.pid, pid: 1, started: '1' } } : {}) };
    for (let done = 0; done < args.rounds;) {
      const lease = await acquireLease(store, 'k', args.owner, options);
      if (lease.busy) { await sleep(3 + Math.random() * 10); continue; }
      appendFileSync(args.log, 'take ' + lease.n + '\\n');
      await sleep(Math.random() * 10);
      done += 1;
      if (args.crash && done === args.rounds) process.kill(process.pid, 'SIGKILL');
      await lease.check(); appendFileSync(args.log, 'leave ' + lease.n + '\\n'); await lease.release();
    }`;
  const workers = Array.from({ length: 5 }, (_, index) =>
    (async () => {
      for (let life = 0; life < 3; life += 1)
        await startChild(body, { address, owner, log, rounds: 4, crash: life < 2, elsewhere: index === 0 }).exited;
    })(),
  );
  await Promise.all(workers);
  const lines = (await readFile(log, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => line.split(' ') as [string, string]);
  await rm(log);
  let current = 0;
  for (const [what, n] of lines) {
    if (what === 'take') expect(Number(n)).toBe(current + 1);
    else expect(Number(n)).toBe(current);
    current = Number(n);
  }
  expect(lines.filter(([what]) => what === 'take')).toHaveLength(60);
  expect(lines.filter(([what]) => what === 'leave')).toHaveLength(50);
}, 60_000);
