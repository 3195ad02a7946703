// Long work in this thread, with pauses: heartbeats must come through, and a cancellation must be noticed.
import { setImmediate } from 'node:timers/promises';

const EVERY = 256;

/** The same items. */
export async function* paced<T>(items: Iterable<T>, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  let seen = 0;
  for (const item of items) {
    yield item;
    if (++seen % EVERY !== 0) continue;
    signal.throwIfAborted();
    await setImmediate();
  }
}

/** The result of steps that pause where they may. */
export const stepwise = async <T>(steps: Generator<void, T, undefined>, signal: AbortSignal): Promise<T> => {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    signal.throwIfAborted();
    await setImmediate();
  }
};
