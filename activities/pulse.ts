// The heartbeat of a long activity: on a timer, since a model that loads or a page that hangs reports nothing.
import { setMaxListeners } from 'node:events';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { HEARTBEAT_EVERY_MS } from '../contracts/policies';

export interface Pulse {
  /** Aborted when the activity must end: cancelled, timed out, paused, worker leaving. */
  signal: AbortSignal;
  /** What the next heartbeats carry; cheap, to be called as often as there is news. */
  details: (newest: unknown) => void;
}

/**
 * Runs an activity's work under a heartbeat. When the signal is aborted the work ends by throwing, whatever, and
 * the activity ends with the signal's own reason, which is what Temporal takes for a cancellation.
 */
export const withPulse = async <T>(act: (pulse: Pulse) => Promise<T>): Promise<T> => {
  // Taken now: in an abort listener Context.current() throws, and there that ends the worker process.
  const context = Context.current();
  const signal = context.cancellationSignal;
  // One listener for each request under way; Node would take the eleventh for a leak.
  setMaxListeners(0, signal);
  let newest: unknown = context.info.heartbeatDetails;
  const beat = (): void => context.heartbeat(newest);
  beat();
  // Two beats may be late before the worker counts as dead, also where a run asks for a short timeout.
  const timer = setInterval(beat, Math.min(HEARTBEAT_EVERY_MS, (context.info.heartbeatTimeoutMs ?? Infinity) / 3));
  try {
    return await act({
      signal,
      details: (details) => {
        newest = details;
      },
    });
  } catch (error) {
    if (!signal.aborted || error instanceof ApplicationFailure) throw error;
    // Kept by the server also when the worker is leaving: the next attempt starts with it.
    beat();
    throw signal.reason;
  } finally {
    clearInterval(timer);
  }
};
