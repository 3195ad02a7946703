// Who may send to Bright Data now. 25 answers of HTTP 429 in 5 minutes block the address on all its requests, so the
// store holds ten turns for all workers: a request needs one, and one that is answered 429 spends it for 5 minutes.
// No more than ten 429s can therefore come in any 5 minutes, and every 429 lowers the concurrency by one.
import { z } from 'zod';
import { BrightDataError } from './brightdata-error';
import type { Clock } from './clock';
import type { Store } from './store';

const TURNS = 10;
const SPENT_MS = 5 * 60_000;
/** A turn goes back to the store after so long even if there is work: other workers wait for it too. */
const SLICE_MS = 5_000;
const LOOK_AGAIN_MS = 200;
/** Those who wait read the quiet of other workers so often; */
const TICK_MS = 50;
/** and whose turn has come goes by what they read, unless it is older: a disk that pauses must not hold up what it has no part in. */
const QUIET_STALE_MS = 1_000;
/** Over the longest request: a turn of a worker that died is free again then. */
const HOLD_MARGIN_MS = 10_000;
/** Without Retry-After, or one that has passed: 2, 4, .. 32 s. */
const BACKOFF_MS = [2_000, 4_000, 8_000, 16_000, 32_000];

const folder = 'brightdata';
const turnPath = (slot: number): string => `${folder}/turns/${slot}.json`;
const quietPath = `${folder}/quiet.json`;
const Until = z.object({ until: z.number() });

/** @param limited the answer was HTTP 429 */
export type Leave = (limited: { retryAfterMs: number | null } | null) => Promise<void>;

export interface Turns {
  /**
   * Waits for a turn.
   * @throws BrightDataError `rate_limited` when it would take longer than the caller's patience, or the signal's reason
   */
  take(wanted: { subject: string; holdMs: number; signal: AbortSignal }): Promise<Leave>;
}

interface Turn {
  slot: number;
  since: number;
  until: number;
}

/** Spread, so that turns that were taken in one moment do not all go back in one. */
const sliceOf = ({ slot }: Turn): number => SLICE_MS * (1 + slot / TURNS);

/** @param patienceMs longest wait for a turn: the work is then left to a later attempt */
export const createTurns = ({ store, clock, patienceMs }: { store: Store; clock: Clock; patienceMs: number }): Turns => {
  const free: Turn[] = [];
  const sleeping = new Set<() => void>();
  let waiting = 0;
  let active = 0;
  let refusals = 0;
  /** This worker's own 429s at once, those of others by the file. */
  let quietUntil = 0;
  let quietReadAt = -Infinity;
  let reading: Promise<void> | null = null;
  let tick: Promise<void> | null = null;
  const ours = new Set<number>();
  const lookAgainAt: number[] = [];

  const untilOf = (data: Uint8Array): number => Until.parse(JSON.parse(Buffer.from(data).toString('utf8'))).until;

  /** Sets the time of a file to at least `until`, or to what it returns. */
  const move = async (path: string, next: (now: number | null) => number | null): Promise<boolean> => {
    for (;;) {
      const current = await store.readTagged(path);
      const until = next(current === null ? null : untilOf(current.data));
      if (until === null) return false;
      const data = JSON.stringify({ until });
      if (current === null ? await store.createExclusive(path, data) : await store.replaceIfMatch(path, data, current.etag)) return true;
    }
  };

  /** The first free turn of those that nobody here has or tries for, so that many may look at once. */
  const grab = async (holdMs: number): Promise<Turn | null> => {
    for (let slot = 0; slot < TURNS; slot++) {
      const now = clock.now();
      if (ours.has(slot) || now < (lookAgainAt[slot] ?? 0)) continue;
      ours.add(slot);
      const until = now + holdMs + HOLD_MARGIN_MS;
      let taken = false;
      try {
        taken = await move(turnPath(slot), (other) => (other !== null && other > now ? null : until));
      } finally {
        if (!taken) {
          lookAgainAt[slot] = now + LOOK_AGAIN_MS;
          ours.delete(slot);
        }
      }
      if (taken) return { slot, since: now, until };
    }
    return null;
  };

  /** Only ours while its time has not passed: afterwards somebody else may have it. */
  const giveBack = async (turn: Turn, until: number): Promise<void> => {
    await move(turnPath(turn.slot), (held) => (held === turn.until || until > (held ?? 0) ? until : null)).finally(() =>
      ours.delete(turn.slot),
    );
  };

  const readQuiet = async (): Promise<void> => {
    const asOf = clock.monotonic();
    const bytes = await store.read(quietPath);
    if (bytes !== null) quietUntil = Math.max(quietUntil, untilOf(bytes));
    quietReadAt = asOf;
  };

  /** One reading for all who want one now. */
  const refreshQuiet = (): Promise<void> => (reading ??= readQuiet().finally(() => (reading = null)));

  const quietFor = async (): Promise<number> => {
    if (clock.monotonic() - quietReadAt >= QUIET_STALE_MS) await refreshQuiet();
    return quietUntil - clock.now();
  };

  /** The one that has waited longest, and only once: of several turns freed in one moment each wakes another. */
  const wake = (): void => {
    for (const one of sleeping) {
      sleeping.delete(one);
      return one();
    }
  };

  /** One timer for all who wait. It reads the file for them, so that nobody whose turn has come stands in line for the disk. */
  const nextTick = (): Promise<void> =>
    (tick ??= clock
      .sleep(TICK_MS)
      .then(refreshQuiet)
      .finally(() => (tick = null)));

  /** Until a turn is freed here, or the next tick. */
  const look = async (): Promise<void> => {
    let stop: () => void = () => undefined;
    const woken = new Promise<void>((resolve) => (stop = resolve));
    sleeping.add(stop);
    await Promise.race([woken, nextTick()]).finally(() => sleeping.delete(stop));
  };

  /** A turn that is here and lasts long enough; the others go back. */
  const usable = async (holdMs: number): Promise<Turn | null> => {
    for (let turn = free.shift(); turn !== undefined; turn = free.shift()) {
      if (turn.until - clock.now() >= holdMs) return turn;
      await giveBack(turn, 0);
    }
    return null;
  };

  /** Kept for the next one here while there is work, but not for long: other workers wait too. */
  const settle = async (turn: Turn): Promise<void> => {
    const busy = waiting > 0 || active > 0;
    const now = clock.now();
    free.push(turn);
    const tooLong = free.filter((one) => !busy || now - one.since >= sliceOf(one));
    for (const one of tooLong) free.splice(free.indexOf(one), 1);
    for (const one of tooLong) await giveBack(one, 0);
  };

  const leaving =
    (turn: Turn): Leave =>
    async (limited) => {
      active -= 1;
      try {
        if (limited !== null) {
          const backoff = BACKOFF_MS[Math.min(refusals, BACKOFF_MS.length - 1)] ?? 0;
          const wait = limited.retryAfterMs === null || limited.retryAfterMs === 0 ? backoff : limited.retryAfterMs;
          refusals += 1;
          const now = clock.now();
          quietUntil = Math.max(quietUntil, now + wait);
          await move(quietPath, (quiet) => (quiet !== null && quiet >= now + wait ? null : now + wait));
          await giveBack(turn, now + SPENT_MS);
          return;
        }
        refusals = 0;
        await settle(turn);
      } finally {
        wake();
      }
    };

  const wait = async ({ subject, holdMs, signal }: Parameters<Turns['take']>[0]): Promise<Turn> => {
    const since = clock.monotonic();
    for (;;) {
      signal.throwIfAborted();
      const quiet = await quietFor();
      const left = patienceMs - (clock.monotonic() - since);
      if (quiet > left || left <= 0)
        throw new BrightDataError(
          'rate_limited',
          'transient',
          `${subject}: Bright Data has asked us to wait, or all ${TURNS} turns are taken`,
          {
            url: subject,
            retryAfterMs: Math.max(Math.ceil(quiet), LOOK_AGAIN_MS),
            billing: 'no',
          },
        );
      if (quiet > 0) {
        await clock.sleep(quiet, signal);
        continue;
      }
      const turn = (await usable(holdMs)) ?? (await grab(holdMs));
      if (turn === null) {
        await look();
        continue;
      }
      // Looked at again: a 429 may have come while this one stood in line.
      if ((await quietFor()) <= 0) return turn;
      free.push(turn);
    }
  };

  return {
    async take(wanted) {
      waiting += 1;
      try {
        const turn = await wait(wanted);
        active += 1;
        return leaving(turn);
      } finally {
        waiting -= 1;
        // The last one went away without a turn: nobody is left to give these back.
        if (waiting === 0 && active === 0) for (const spare of free.splice(0)) await giveBack(spare, 0);
      }
    },
  };
};
