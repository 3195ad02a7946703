// Who may compute a stage's key: leases numbered 1, 2, 3 ... under <folder>/lease/. The number is the fencing token.
// Exactly one process creates lease n (createExclusive), and n + 1 is made only when n is released, its process is
// provably gone, or its beat has stood still for staleMs of the waiter's own monotonic clock: no clocks are compared.
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Clock } from './clock';
import { systemClock } from './clock';
import type { ProcessIdentity } from './process-identity';
import { isProvablyGone, thisProcess } from './process-identity';
import type { Store } from './store';

const LEASE_SCHEMA = 1;
const Owner = z.object({ runId: z.string(), executionId: z.string(), activity: z.string() });
const LeaseFile = z.object({
  schema: z.literal(LEASE_SCHEMA),
  owner: Owner,
  process: z.object({ host: z.string(), place: z.string(), pid: z.int(), started: z.string() }),
  beat: z.int(),
  released: z.boolean(),
});
type LeaseFile = z.infer<typeof LeaseFile>;

/** Who asks, for people that look into the store. */
export type LeaseOwner = z.infer<typeof Owner>;

export interface LeaseOptions {
  /** The holder shows a sign of life this often. */
  beatMs: number;
  /** A beat that stands still for this long belongs to nobody; several times beatMs. */
  staleMs: number;
  /** Ends the asking; a lease that is held goes on until release(). */
  signal?: AbortSignal;
  clock?: Clock;
  /** For tests: as which process to ask. */
  process?: ProcessIdentity;
}

/** Somebody else computes; come back later, in this process: it remembers how long the beat has stood still. */
export interface Busy {
  busy: true;
  n: number;
  /** Null when the file is of a newer release. */
  owner: LeaseOwner | null;
  host: string | null;
  /** How long this process has seen the beat stand still. */
  stillMs: number;
}

/** The lease has gone to another: stop, write nothing more. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
  readonly code = 'LEASE_LOST';
  constructor(path: string) {
    super(`${path} was taken over by another process`);
  }
}

export interface Lease {
  busy: false;
  /** The fencing token; part of every name that the holder writes. */
  n: number;
  /** Aborted, with LeaseLost as its reason, when a newer lease is seen. */
  lost: AbortSignal;
  /**
   * Before every rename and before the manifest.
   * @throws LeaseLost when a newer lease exists
   */
  check(): Promise<void>;
  /** Ends the beat and lets the next one in without waiting. Safe to call twice, and after a loss. */
  release(): Promise<void>;
}

/**
 * Beats seen by this process. A waiter gives its slot free between two looks, so this outlives a call. An equal
 * beat at two looks has stood still in between, since beats only grow. One small entry a folder that was once busy.
 */
const watched = new Map<string, { beat: string; since: number }>();

const newest = async (store: Store, folder: string): Promise<number> =>
  Math.max(
    0,
    ...(await store.list(`${folder}/lease`)).map((path) => Number(path.slice(path.lastIndexOf('/') + 1))).filter(Number.isSafeInteger),
  );

/**
 * Asks once; never waits.
 * @param folder of the stage's key, `<verb>/<key>`
 */
export const acquireLease = async (store: Store, folder: string, owner: LeaseOwner, options: LeaseOptions): Promise<Lease | Busy> => {
  const clock = options.clock ?? systemClock;
  const watch = `${store.storeId} ${folder}`;
  const holder = options.process ?? (await thisProcess());
  options.signal?.throwIfAborted();

  const last = await newest(store, folder);
  if (last > 0) {
    const busy = await look(store, `${folder}/lease/${last}`, last, watch, options.staleMs, clock);
    if (busy !== null) return busy;
  }
  options.signal?.throwIfAborted();
  const file: LeaseFile = { schema: LEASE_SCHEMA, owner, process: holder, beat: 0, released: false };
  const path = `${folder}/lease/${last + 1}`;
  if (!(await store.createExclusive(path, JSON.stringify(file)))) {
    const winner = parse(await store.read(path));
    return { busy: true, n: last + 1, owner: winner?.owner ?? null, host: winner?.process.host ?? null, stillMs: 0 };
  }
  watched.delete(watch);
  return hold(store, folder, last + 1, file, options.beatMs);
};

/** Null when lease n may be followed by n + 1. */
const look = async (store: Store, path: string, n: number, watch: string, staleMs: number, clock: Clock): Promise<Busy | null> => {
  const data = await store.read(path);
  const file = parse(data);
  if (file?.released === true || (file !== null && (await isProvablyGone(file.process)))) return null;
  const beat = `${n} ${data?.toString() ?? ''}`;
  const seen = watched.get(watch);
  const since = seen?.beat === beat ? seen.since : clock.monotonic();
  watched.set(watch, { beat, since });
  const stillMs = clock.monotonic() - since;
  if (stillMs >= staleMs) return null;
  return { busy: true, n, owner: file?.owner ?? null, host: file?.process.host ?? null, stillMs };
};

const parse = (data: Buffer | null): LeaseFile | null => {
  try {
    return LeaseFile.safeParse(JSON.parse(data?.toString() ?? 'null')).data ?? null;
  } catch {
    return null;
  }
};

const hold = (store: Store, folder: string, n: number, file: LeaseFile, beatMs: number): Lease => {
  const path = `${folder}/lease/${n}`;
  const lost = new AbortController();
  const stop = new AbortController();
  const check = async (): Promise<void> => {
    // Numbers have no holes, so a newer lease means that the next one exists.
    if (!lost.signal.aborted && (await store.stat(`${folder}/lease/${n + 1}`)) !== null) lost.abort(new LeaseLost(path));
    lost.signal.throwIfAborted();
  };
  const beating = (async () => {
    for (let beat = 1; ; beat += 1) {
      // Not on the injected clock, and unreferenced: a lease nobody released must not keep its process alive.
      await delay(beatMs, undefined, { signal: stop.signal, ref: false });
      // A store that cannot be written for a moment costs a beat; one that stays so costs the lease, and check() says it.
      await check()
        .then(() => store.putFile(path, JSON.stringify({ ...file, beat })))
        .catch(() => undefined);
      if (lost.signal.aborted) return;
    }
  })().catch(() => undefined);
  let released: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    stop.abort();
    await beating; // a beat under way must not come after the last word
    if (!lost.signal.aborted) await store.putFile(path, JSON.stringify({ ...file, released: true }));
  };
  return { busy: false, n, lost: lost.signal, check, release: () => (released ??= end()) };
};
