// robots.txt of each host, asked for once an hour by a worker, whatever number of pages wait for it.
import type { Clock } from '../io/clock';
import type { HostGates } from '../io/host-gates';
import type { HttpClient } from '../io/http';
import { HttpError, kindOfWait } from '../io/http-error';
import { ALLOW_ALL, parseRobots, readRobotsStatus, ROBOTS_MAX_BYTES, type Robots, robotsUrl } from '../lib/robots';
import { inTurn } from './turn';

/** RFC 9309, 2.4: not longer than a day; an hour lets a changed file take effect within a long run. */
const KEEP_MS = 3_600_000;
/** Hosts whose rules are kept: a list of addresses may name hundreds of thousands. */
export const KEPT_HOSTS = 2_000;
/** How long a host whose robots.txt could not be had is not asked for it again. */
const RETRY_MS = 5_000;

export interface RobotsLimits {
  timeoutMs: number;
  /** Requests at once to a host: its robots.txt is one of them. */
  width: number;
  /** Longest wait for a host that has asked us for quiet. */
  patienceMs: number;
  signal: AbortSignal;
}

export interface RobotsDesk {
  /**
   * @throws HttpError `robots_unavailable` when the host's rules cannot be known now (transient) or today; any other is
   * what every page of that host would meet too
   */
  rules(pageUrl: string, userAgent: string, limits: RobotsLimits): Promise<Robots>;
}

export const createRobotsDesk = ({ http, clock, gates }: { http: HttpClient; clock: Clock; gates: HostGates }): RobotsDesk => {
  const kept = new Map<string, { until: number; answer: Robots | HttpError }>();
  const flights = new Map<string, Promise<void>>();

  const ask = async (address: string, userAgent: string, limits: RobotsLimits): Promise<Robots | HttpError> => {
    const { timeoutMs, width, patienceMs, signal } = limits;
    try {
      const { body } = await inTurn(gates, address, { width, spacingMs: 0, patienceMs, signal }, async () =>
        http.get({
          url: address,
          userAgent,
          timeoutMs,
          signal,
          maxBytes: ROBOTS_MAX_BYTES,
          onTooLarge: 'cut',
          accept: 'text/plain, */*;q=0.1',
        }),
      );
      return parseRobots(address, body?.toString('utf8') ?? '', userAgent);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      const { status } = error.details;
      if (status !== undefined && readRobotsStatus(status) === 'allow') return ALLOW_ALL;
      // A host that is private, unknown or speaks no HTTP is so for its pages too.
      if (
        status === undefined &&
        error.kind !== 'transient' &&
        !['bad_redirect', 'too_many_redirects', 'bad_encoding'].includes(error.code)
      )
        return error;
      // RFC 9309, 2.3.1.2: redirects that lead nowhere are read like a missing file.
      if (error.kind !== 'transient' && status === undefined) return ALLOW_ALL;
      return new HttpError(
        'robots_unavailable',
        kindOfWait(error.retryAfterMs),
        `${address} cannot be had, so nothing of its host may be fetched: ${error.message}`,
        {
          ...error.details,
          cause: error,
        },
      );
    }
  };

  return {
    async rules(pageUrl, userAgent, limits) {
      const address = robotsUrl(pageUrl);
      const name = `${userAgent}\n${address}`;
      for (;;) {
        limits.signal.throwIfAborted();
        const entry = kept.get(name);
        if (entry !== undefined && entry.until > clock.monotonic()) {
          if (entry.answer instanceof HttpError) throw entry.answer;
          return entry.answer;
        }
        const flight = flights.get(name);
        if (flight !== undefined) {
          // Somebody is asking; when that caller was cancelled, the next one asks.
          await flight;
          continue;
        }
        const own = ask(address, userAgent, limits).then((answer) => {
          const keepMs = answer instanceof HttpError ? Math.max(RETRY_MS, answer.retryAfterMs ?? 0) : KEEP_MS;
          kept.delete(name);
          // The oldest goes; if it is needed again it is asked for again.
          const oldest = kept.keys().next();
          if (kept.size >= KEPT_HOSTS && oldest.done !== true) kept.delete(oldest.value);
          kept.set(name, { until: clock.monotonic() + keepMs, answer });
        });
        flights.set(
          name,
          own.then(
            () => undefined,
            () => undefined,
          ),
        );
        try {
          await own;
        } finally {
          flights.delete(name);
        }
      }
    },
  };
};
