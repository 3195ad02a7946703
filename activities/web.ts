// What all activities of a worker share on the web: connections, each host's turns, and its rules.
import type { PipelineInput } from '../contracts/input';
import type { Clock } from '../io/clock';
import type { Config } from '../io/config';
import { createHostGates, type HostGates } from '../io/host-gates';
import { createHttp, type HttpClient, type HttpRequest, type HttpResponse } from '../io/http';
import { HttpError } from '../io/http-error';
import { createManual, MANUAL_HOST } from '../io/manual';
import { createRobotsDesk, type RobotsDesk } from './robots';
import { inTurn } from './turn';

export interface Web {
  http: HttpClient;
  gates: HostGates;
  robots: RobotsDesk;
}

export interface WebDeps {
  config: Pick<Config, 'allowPrivateHosts'>;
  clock: Clock;
  /** Injected by tests. */
  http?: HttpClient;
}

export const createWeb = ({ config, clock, http: given }: WebDeps): Web => {
  const manual = createManual();
  const own = { [MANUAL_HOST]: () => manual.port() };
  const http = given ?? createHttp({ allowPrivateHosts: config.allowPrivateHosts, now: () => clock.now(), own });
  const gates = createHostGates(clock);
  return { http, gates, robots: createRobotsDesk({ http, clock, gates }) };
};

/** Longest wait for a host that has asked us for quiet, where a whole source hangs on it. */
const PATIENCE_MS = 60_000;

/**
 * One request in its turn at its host, tried again while it may heal; for files about pages: lists and sitemaps.
 * @throws HttpError when it is not to be had, or the signal's reason
 */
export const askPatiently = async (
  { http, gates }: Web,
  clock: Clock,
  source: PipelineInput['source'],
  request: Omit<HttpRequest, 'userAgent' | 'timeoutMs'>,
): Promise<HttpResponse> => {
  const { signal, url } = request;
  const manners = { width: source.perHost, spacingMs: 0, patienceMs: PATIENCE_MS, signal };
  for (let tries = 0; ; tries += 1) {
    try {
      return await inTurn(gates, url, manners, async () =>
        http.get({ ...request, userAgent: source.userAgent, timeoutMs: source.timeoutSeconds * 1000 }),
      );
    } catch (error) {
      if (!(error instanceof HttpError) || error.kind !== 'transient' || tries >= source.retries) throw error;
      await clock.sleep(Math.min(Math.max(error.retryAfterMs ?? 0, 1000 * 2 ** tries), PATIENCE_MS), signal);
    }
  }
};
