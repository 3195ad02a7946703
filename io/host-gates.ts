// Manners towards each host, kept by all activities of a worker together: how many requests at once, how far
// apart, not before the host said, and not at all for a while when it only fails.
import type { Clock } from './clock';

/** The turn would come later than the caller can wait. */
export class HostBusy extends Error {
  readonly code = 'HOST_BUSY';
  constructor(
    readonly origin: string,
    readonly waitMs: number,
    readonly because: 'asked_to_wait' | 'failing',
  ) {
    super(
      `${origin} ${because === 'failing' ? 'has failed many times in a row' : 'has asked us to wait'}: next try in ${Math.ceil(waitMs / 1000)} s`,
    );
    this.name = 'HostBusy';
  }
}

export interface Manners {
  /** Requests at once. */
  width: number;
  /** From the start of one request to the start of the next; 0: none. */
  spacingMs: number;
  /** Longest wait for a pause to end. */
  patienceMs: number;
  signal: AbortSignal;
}

export interface HostGates {
  /**
   * Waits for a turn at an origin.
   * @returns call it when the request is over; `failed`: the host itself was not reached or is in trouble
   * @throws HostBusy, or the signal's reason
   */
  enter(origin: string, manners: Manners): Promise<(failed: boolean) => void>;
  /** The host asked for quiet. */
  pause(origin: string, waitMs: number): void;
}

interface Gate {
  active: number;
  /** By the monotonic clock. */
  nextStart: number;
  pausedUntil: number;
  failures: number;
  waiting: Set<() => void>;
}

/** Failures in a row after which a host gets one try now and then instead of all its URLs' time-outs. */
export const BREAK_AFTER = 10;
const BREAK_MS = 30_000;

export const createHostGates = (clock: Clock): HostGates => {
  const gates = new Map<string, Gate>();
  const gateOf = (origin: string): Gate => {
    const found = gates.get(origin) ?? { active: 0, nextStart: 0, pausedUntil: 0, failures: 0, waiting: new Set() };
    gates.set(origin, found);
    return found;
  };

  /** Until somebody leaves, or the signal. */
  const turn = async (gate: Gate, signal: AbortSignal): Promise<void> => {
    await new Promise<void>((resolve, reject) => {
      const wake = (): void => {
        gate.waiting.delete(wake);
        signal.removeEventListener('abort', stop);
        resolve();
      };
      const stop = (): void => {
        gate.waiting.delete(wake);
        reject(signal.reason as Error);
      };
      gate.waiting.add(wake);
      signal.addEventListener('abort', stop, { once: true });
    });
  };

  /** Forgotten when nobody is there and nothing is known against it: a run may meet hundreds of thousands of hosts. */
  const tidy = (origin: string, gate: Gate): void => {
    const now = clock.monotonic();
    if (gate.active + gate.waiting.size + gate.failures === 0 && gate.pausedUntil <= now && gate.nextStart <= now) gates.delete(origin);
  };

  const leave = (origin: string, gate: Gate) => {
    let left = false;
    return (failed: boolean): void => {
      if (left) return;
      left = true;
      gate.active -= 1;
      gate.failures = failed ? gate.failures + 1 : 0;
      if (gate.failures >= BREAK_AFTER) gate.pausedUntil = Math.max(gate.pausedUntil, clock.monotonic() + BREAK_MS);
      tidy(origin, gate);
      for (const wake of [...gate.waiting]) wake();
    };
  };

  return {
    async enter(origin, { width, spacingMs, patienceMs, signal }) {
      for (;;) {
        signal.throwIfAborted();
        // Anew each time: while this one slept the gate may have been forgotten and made again.
        const gate = gateOf(origin);
        const paused = gate.pausedUntil - clock.monotonic();
        const failing = gate.failures >= BREAK_AFTER;
        if (paused > 0 && (failing || paused > patienceMs))
          throw new HostBusy(origin, Math.ceil(paused), failing ? 'failing' : 'asked_to_wait');
        // A host that was failing gets one probe, whatever its width.
        if (gate.active >= (spacingMs > 0 || failing ? 1 : width)) {
          await turn(gate, signal);
          continue;
        }
        const wait = Math.max(paused, gate.nextStart - clock.monotonic());
        if (wait <= 0) {
          gate.active += 1;
          gate.nextStart = clock.monotonic() + spacingMs;
          return leave(origin, gate);
        }
        await clock.sleep(wait, signal);
      }
    },
    pause(origin, waitMs) {
      const gate = gateOf(origin);
      gate.pausedUntil = Math.max(gate.pausedUntil, clock.monotonic() + waitMs);
    },
  };
};
