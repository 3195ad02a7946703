// Ctrl-C and SIGTERM, one after the other: what the first means, what the second.

/** npm forwards a Ctrl-C that the terminal has sent to us already: two so close are one. */
const SAME_PRESS_MS = 400;

export interface StopSignals {
  /** True after the first one. */
  received: boolean;
  /** What the next one does; resolves when it came and `act` ran. */
  next(act: () => void): Promise<void>;
  /** Gives the signals back to Node. */
  release(): void;
}

/** @param first what a signal does while nothing else is set */
export const onStopSignals = (first: () => void): StopSignals => {
  let act = first;
  let last = -Infinity;
  const listener = (): void => {
    const now = performance.now();
    if (now - last < SAME_PRESS_MS) return;
    last = now;
    signals.received = true;
    act();
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const signals: StopSignals = {
    received: false,
    async next(then) {
      await new Promise<void>((resolve) => {
        act = () => {
          then();
          resolve();
        };
      });
    },
    release() {
      for (const name of names) process.off(name, listener);
    },
  };
  for (const name of names) process.on(name, listener);
  return signals;
};
