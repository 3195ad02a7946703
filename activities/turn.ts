// A request in its turn at its host, whose gate hears how it went.
import { HostBusy, type HostGates, type Manners } from '../io/host-gates';
import { HttpError, kindOfWait } from '../io/http-error';

/**
 * @param url decides the host
 * @throws HttpError `rate_limited` or `host_failing` when the turn would come too late, what `act` throws, or the
 * signal's reason
 */
export const inTurn = async <T>(gates: HostGates, url: string, manners: Manners, act: () => Promise<T>): Promise<T> => {
  const { origin } = new URL(url);
  const leave = await gates.enter(origin, manners).catch((error: unknown) => {
    if (!(error instanceof HostBusy)) throw error;
    const code = error.because === 'failing' ? 'host_failing' : 'rate_limited';
    const { waitMs } = error;
    throw new HttpError(code, kindOfWait(waitMs), `${url}: ${error.message}`, { url, retryAfterMs: waitMs, cause: error });
  });
  let failed = false;
  try {
    return await act();
  } catch (error) {
    if (error instanceof HttpError) {
      failed = error.kind === 'transient' && error.code !== 'rate_limited';
      if (error.retryAfterMs !== null) gates.pause(origin, error.retryAfterMs);
    }
    throw error;
  } finally {
    leave(failed);
  }
};
