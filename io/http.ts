// Fetching by ourselves: one GET, its redirects, its limits. Safe to point at any address that a stranger gives us:
// every connection's address is checked when it is made, so no spelling, redirect or DNS trick reaches a private one.
import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector, request } from 'undici';
import type { Dispatcher } from 'undici';
import { isPrivateAddress } from './address';
import { readBody } from './http-body';
import { HttpError, parseRetryAfter, statusError, transportError } from './http-error';

export interface HttpRequest {
  url: string;
  userAgent: string;
  /** Ends the request with the signal's own reason. */
  signal: AbortSignal;
  /** Over all redirects and the body. */
  timeoutMs: number;
  /** Largest body after decompression. */
  maxBytes: number;
  /** 'cut': keep the first maxBytes instead of failing. */
  onTooLarge?: 'fail' | 'cut';
  /** Validators of the body that we have, and the address that gave them: they mean nothing anywhere else. */
  known?: { url: string; etag: string | null; lastModified: string | null };
  /** Asked before every request, redirects included; throws to refuse. */
  before?: (url: string, signal: AbortSignal) => Promise<void>;
  /** Content types worth a download; others fail with `unsupported_type` before a byte of body is read. */
  accepts?: (contentType: string | null, url: string) => boolean;
  accept?: string;
}

export interface HttpResponse {
  /** 2xx, or 304 when `known` was given. */
  status: number;
  /** After redirects. */
  url: string;
  /** Decompressed; null for 304. */
  body: Buffer | null;
  contentType: string | null;
  etag: string | null;
  lastModified: string | null;
}

export interface HttpClient {
  /** @throws HttpError, or the signal's reason */
  get(request: HttpRequest): Promise<HttpResponse>;
  close(): Promise<void>;
}

export interface HttpOptions {
  /** RETUNE_ALLOW_PRIVATE_HOSTS: private, loopback, link-local and metadata addresses may be fetched. */
  allowPrivateHosts: boolean;
  /** Wall clock in ms, for Retry-After dates. */
  now: () => number;
  /** Hosts that are served by this process itself: name to a port on 127.0.0.1. */
  own?: Record<string, () => Promise<number>>;
  /** DNS; injected by tests. */
  lookup?: LookupFunction;
}

const MAX_REDIRECTS = 5;
const header = (headers: Dispatcher.ResponseData['headers'], name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
};

/** DNS answers are checked here, at the moment of connecting, so no second answer can differ from the checked one. */
const checkedLookup =
  (resolve: LookupFunction): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      const list = Array.isArray(addresses) ? addresses : [];
      // One private address among public ones is refused too: which of them is used is not ours to choose.
      const bad = list.find(({ address }) => isPrivateAddress(address));
      if (bad !== undefined) return callback(privateAddress(hostname, bad.address), '', 0);
      const first = list[0];
      if (first === undefined) return callback(Object.assign(new Error(`no address for ${hostname}`), { code: 'ENOTFOUND' }), '', 0);
      if (options.all === true) return callback(null, list);
      return callback(null, first.address, first.family);
    });
  };

const privateAddress = (host: string, address: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${host} is at ${address}, a private address`), { code: 'RETUNE_PRIVATE_ADDRESS' });

const connector = ({ allowPrivateHosts, own = {}, lookup = systemLookup }: HttpOptions): buildConnector.connector => {
  const connect = buildConnector({ timeout: 10_000, lookup: allowPrivateHosts ? lookup : checkedLookup(lookup) });
  const connectOwn = buildConnector({ timeout: 10_000 });
  return (target, callback) => {
    const port = own[target.hostname];
    if (port !== undefined && target.protocol === 'http:') {
      port().then(
        (number) => connectOwn({ ...target, hostname: '127.0.0.1', port: String(number) }, callback),
        (error: unknown) => callback(error as Error, null),
      );
      return;
    }
    const literal = target.hostname.replace(/^\[|\]$/g, '');
    // net.connect never asks `lookup` about an address that is written out.
    if (!allowPrivateHosts && isIP(literal) !== 0 && isPrivateAddress(literal)) {
      callback(privateAddress(target.hostname, literal), null);
      return;
    }
    connect(target, callback);
  };
};

/** Not URL.canParse: once Node 20.20 has optimised its caller, it refuses every address with a Latin-1 letter. */
const redirectTarget = (location: string | undefined, base: string, status: number): string => {
  try {
    if (location !== undefined) return new URL(location, base).href;
  } catch {
    // no address: below
  }
  throw new HttpError('bad_redirect', 'target', `${base} redirects to nowhere`, { url: base, status });
};

/** Accepted and partial content: what came is not the page. */
const NOT_WHOLE = new Set([202, 206]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Keep-alive over all requests of the process; close() when it ends. */
export const createHttp = (options: HttpOptions): HttpClient => {
  // Concurrency is decided by the caller; undici only keeps connections. One response at a time on each.
  const agent = new Agent({ connect: connector(options), pipelining: 1, headersTimeout: 0, bodyTimeout: 0, maxHeaderSize: 64 * 1024 });

  /** One request without following its redirect. */
  const hop = async (url: string, wanted: HttpRequest, signal: AbortSignal): Promise<HttpResponse | { redirect: string }> => {
    const { known } = wanted;
    const conditional = known !== undefined && known.url === url && (known.etag !== null || known.lastModified !== null);
    const response = await request(url, {
      dispatcher: agent,
      signal,
      headers: {
        'user-agent': wanted.userAgent,
        accept: wanted.accept ?? 'text/html, application/xhtml+xml, text/markdown;q=0.9, */*;q=0.1',
        'accept-encoding': 'gzip, deflate, br',
        ...(conditional && known.etag !== null ? { 'if-none-match': known.etag } : {}),
        ...(conditional && known.lastModified !== null ? { 'if-modified-since': known.lastModified } : {}),
      },
    });
    const { statusCode: status, headers, body } = response;
    // A body that is not read is dropped with its connection; nobody waits for it.
    const drop = (): void => void body.on('error', () => undefined).destroy();
    const contentType = header(headers, 'content-type') ?? null;
    const about = { url, contentType, etag: header(headers, 'etag') ?? null, lastModified: header(headers, 'last-modified') ?? null };
    if (status === 304 && conditional) {
      await body.dump();
      return { ...about, status, body: null };
    }
    if (REDIRECTS.has(status)) {
      drop();
      return { redirect: redirectTarget(header(headers, 'location'), url, status) };
    }
    if (status < 200 || status > 299 || NOT_WHOLE.has(status)) {
      drop();
      throw statusError(status, url, parseRetryAfter(header(headers, 'retry-after'), options.now()));
    }
    if (wanted.accepts !== undefined && !wanted.accepts(contentType, url)) {
      drop();
      throw new HttpError('unsupported_type', 'target', `${url} is ${contentType ?? 'of no stated type'}, no HTML or Markdown`, {
        url,
        status,
      });
    }
    return { ...about, status, body: await readBody(body, header(headers, 'content-encoding'), { ...wanted, url }) };
  };

  const follow = async (wanted: HttpRequest, signal: AbortSignal, at: { url: string }): Promise<HttpResponse> => {
    at.url = wanted.url;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const { protocol, username, password } = new URL(at.url);
      if (protocol !== 'http:' && protocol !== 'https:')
        throw new HttpError('bad_redirect', 'target', `${wanted.url} redirects to ${protocol} address`, { url: wanted.url });
      if (username !== '' || password !== '')
        throw new HttpError('bad_redirect', 'target', `${wanted.url} leads to an address with a password`, { url: wanted.url });
      await wanted.before?.(at.url, signal);
      const answer = await hop(at.url, wanted, signal);
      if (!('redirect' in answer)) return answer;
      // A fragment is the browser's affair.
      at.url = answer.redirect.replace(/#.*$/, '');
    }
    throw new HttpError('too_many_redirects', 'target', `${wanted.url} redirects more than ${MAX_REDIRECTS} times`, { url: wanted.url });
  };

  return {
    async get(wanted) {
      wanted.signal.throwIfAborted();
      // Not AbortSignal.any: on Node 20 its followers stay attached to a signal that lives as long as an activity.
      const controller = new AbortController();
      const cancel = (): void => controller.abort(wanted.signal.reason);
      wanted.signal.addEventListener('abort', cancel, { once: true });
      const late = new HttpError('timeout', 'transient', `${wanted.url} did not answer within ${wanted.timeoutMs} ms`, { url: wanted.url });
      const timer = setTimeout(() => controller.abort(late), wanted.timeoutMs);
      const at = { url: wanted.url };
      try {
        return await follow(wanted, controller.signal, at);
      } catch (error) {
        if (wanted.signal.aborted) throw wanted.signal.reason;
        if (controller.signal.aborted) throw late;
        throw transportError(error, at.url);
      } finally {
        clearTimeout(timer);
        wanted.signal.removeEventListener('abort', cancel);
      }
    },
    close: () => agent.destroy(),
  };
};
