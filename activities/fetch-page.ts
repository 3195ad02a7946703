// One page over HTTP, with manners: robots first, a turn at the host, a conditional request, the body made durable.
import type { Fetching, Pending } from '../contracts/activities';
import { type Dropped, type Fetch, type Page, RECORD_SCHEMA } from '../contracts/records';
import type { Clock } from '../io/clock';
import type { HttpResponse } from '../io/http';
import { HttpError } from '../io/http-error';
import type { PageShelf } from '../io/page-shelf';
import { charsetOf } from '../lib/charset';
import { droppedUrl, pageFormat } from '../lib/collect';
import { sha256 } from '../lib/hash';
import { withHistory } from '../lib/page-history';
import { canonicalLink } from '../lib/page-links';
import { pageId } from '../lib/url';
import { inTurn } from './turn';
import type { Web } from './web';

export interface FetchPageDeps {
  shelf: PageShelf;
  web: Web;
  clock: Clock;
}

export interface PageRequest {
  /** Canonical. */
  url: string;
  source: Fetching;
  /** The run's date, in ms. */
  date: number;
  /** What we have of it, however old. */
  known: Fetch | null;
  /** Longest wait for a turn at the host. */
  patienceMs: number;
  signal: AbortSignal;
}

/**
 * A page is on the shelf, or it never will be, or a later try may bring it. `heals`: a later run's try, and until then
 * nothing is said about the page.
 */
export type Outcome = { page: Fetch } | { dropped: Dropped; heals?: true } | { pending: Pending; error: HttpError };

/** Longest pause between two requests that a robots.txt can make us keep: beyond it a host's pages would take days. */
const LONGEST_CRAWL_DELAY_MS = 60_000;

const MB = 1024 * 1024;

export const createFetchPage = ({ shelf, web: { http, gates, robots }, clock }: FetchPageDeps) => {
  /** The crawl delay of the page's host. @throws HttpError `robots_denied` and those of the desk */
  const permitted = async (url: string, { source, patienceMs }: PageRequest, signal: AbortSignal): Promise<number> => {
    if (source.robots === 'ignore') return 0;
    const limits = { timeoutMs: source.timeoutSeconds * 1000, width: source.perHost, patienceMs, signal };
    const rules = await robots.rules(url, source.userAgent, limits);
    if (!rules.allowed(url)) throw new HttpError('robots_denied', 'target', `${url} is closed to us by its robots.txt`, { url });
    return Math.min(rules.crawlDelayMs ?? 0, LONGEST_CRAWL_DELAY_MS);
  };

  const ask = async (request: PageRequest): Promise<HttpResponse> => {
    const { url, source, known, patienceMs, signal } = request;
    const spacingMs = await permitted(url, request, signal);
    return inTurn(gates, url, { width: source.perHost, spacingMs, patienceMs, signal }, async () =>
      http.get({
        url,
        userAgent: source.userAgent,
        signal,
        timeoutMs: source.timeoutSeconds * 1000,
        maxBytes: source.maxBodyMb * MB,
        accepts: (type, at) => pageFormat(type, at) !== null,
        // The first address was asked about already; a redirect may lead to a host with other rules. Under the
        // request's own time limit: two hosts that redirect to each other would wait for each other's turn.
        before: async (at, limited) => void (at === url ? 0 : await permitted(at, request, limited)),
        ...(known === null ? {} : { known: { url: known.finalUrl, etag: known.etag, lastModified: known.lastModified } }),
      }),
    );
  };

  const keep = async (request: PageRequest, response: HttpResponse): Promise<Fetch> => {
    const { url, date, known } = request;
    // Never before the run's date, whose clock is the server's: else a slow clock here would make the page due again.
    const now = new Date(Math.max(clock.now(), date)).toISOString();
    const { body } = response;
    if (body === null) {
      if (known === null) throw new HttpError('bad_response', 'target', `${url} says that nothing changed, and we have nothing`, { url });
      const touched = withHistory(
        { ...known, checkedAt: now, etag: response.etag ?? known.etag, lastModified: response.lastModified ?? known.lastModified },
        known,
      );
      await shelf.touch(touched);
      return touched;
    }
    if (body.length === 0) throw new HttpError('empty_body', 'target', `${url} is empty`, { url });
    const id = pageId(url);
    const form: Pick<Page, 'format' | 'charset'> = {
      format: pageFormat(response.contentType, response.url) ?? 'html',
      charset: charsetOf(response.contentType),
    };
    const fresh: Fetch = {
      schema: RECORD_SCHEMA,
      id,
      url,
      finalUrl: response.url,
      status: response.status,
      fetchedAt: now,
      checkedAt: now,
      etag: response.etag,
      lastModified: response.lastModified,
      provider: 'direct',
      page: {
        schema: RECORD_SCHEMA,
        id,
        url,
        bodySha256: sha256(body),
        bodyBytes: body.length,
        ...form,
      },
      canonical: canonicalLink(body, form, response.url),
    };
    const fetch = withHistory(fresh, known);
    await shelf.save(fetch, body);
    return fetch;
  };

  /** @throws what is no fate of a page: the signal's reason, the store's errors, our configuration's */
  return async (request: PageRequest): Promise<Outcome> => {
    const { url } = request;
    try {
      return { page: await keep(request, await ask(request)) };
    } catch (error) {
      if (!(error instanceof HttpError) || error.kind === 'configuration') throw error;
      if (error.isForLater) return { dropped: droppedUrl(url, error.code, error.message), heals: true };
      if (error.kind === 'target') return { dropped: droppedUrl(url, error.code, error.message) };
      return { pending: { url, reason: error.code, retryAfterMs: error.retryAfterMs }, error };
    }
  };
};
