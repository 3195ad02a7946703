// Everything that can go wrong with a request, as a stable code and a class that says whether a retry helps.
import { errors } from 'undici';

/** configuration: ours to mend; target: that page will not come; transient: it may come later. */
export type HttpErrorClass = 'configuration' | 'target' | 'transient';

/** A longer wait is not worth holding a run for. */
const LONGEST_WAIT_MS = 3_600_000;

/** `code` is stable and snake_case: it is the reason that manifests count. */
export class HttpError extends Error {
  constructor(
    readonly code: string,
    readonly kind: HttpErrorClass,
    message: string,
    readonly details: { url: string; status?: number; retryAfterMs?: number | null; cause?: unknown },
  ) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = 'HttpError';
  }

  /** The wait that the server asked for; null without one. */
  get retryAfterMs(): number | null {
    return this.details.retryAfterMs ?? null;
  }

  /** It may heal, but not while this run waits: it says nothing about what was asked for. */
  get isForLater(): boolean {
    return kindOfWait(this.retryAfterMs) === 'target';
  }
}

/** What may heal does so for this run only when the wait is no longer than a run is held. @param retryAfterMs null: unknown */
export const kindOfWait = (retryAfterMs: number | null): 'target' | 'transient' =>
  (retryAfterMs ?? 0) > LONGEST_WAIT_MS ? 'target' : 'transient';

/** Longer ones are read as a day: a clock or a header that is wrong by years must not close a host, or our account, for years. */
const LONGEST_BELIEVED_MS = 24 * 3_600_000;

/** `Retry-After` in ms, from seconds or a date; null without a sane value. */
export const parseRetryAfter = (value: string | undefined, now: number): number | null => {
  if (value === undefined) return null;
  const seconds = /^\s*\d+\s*$/.test(value) ? Number(value) : NaN;
  const wait = Number.isNaN(seconds) ? Date.parse(value) - now : seconds * 1000;
  return Number.isFinite(wait) ? Math.min(Math.max(0, wait), LONGEST_BELIEVED_MS) : null;
};

/** Errors below HTTP that say the page's server is set up wrong: a retry meets the same. */
const TARGET_CODES: Record<string, [code: string, text: string]> = {
  RETUNE_PRIVATE_ADDRESS: ['private_address', 'is at a private address (RETUNE_ALLOW_PRIVATE_HOSTS lets such be fetched)'],
  ENOTFOUND: ['unknown_host', 'has no such host'],
  UND_ERR_HEADERS_OVERFLOW: ['bad_response', 'sent too large headers'],
  Z_DATA_ERROR: ['bad_encoding', 'sent a body that does not decompress'],
};
const TLS = /^(?:CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT|UNABLE_TO_|EPROTO$|HOSTNAME_MISMATCH)/;
const TIMEOUTS = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

/** What went wrong below HTTP, in our words. */
export const transportError = (error: unknown, url: string): HttpError => {
  if (error instanceof HttpError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  const name = typeof code === 'string' ? code : '';
  const make = (reason: string, kind: HttpErrorClass, text: string): HttpError =>
    new HttpError(reason, kind, `${url} ${text}`, { url, cause: error });
  const target = TARGET_CODES[name];
  if (target !== undefined) return make(target[0], 'target', target[1]);
  if (name.startsWith('ERR_BROTLI') || name.startsWith('ERR__ERROR_FORMAT'))
    return make('bad_encoding', 'target', 'sent a body that does not decompress');
  if (TLS.test(name)) return make('bad_certificate', 'target', `has no certificate that we trust (${name})`);
  if (TIMEOUTS.has(name)) return make('timeout', 'transient', 'did not answer in time');
  if (name === 'ECONNREFUSED') return make('connection_refused', 'transient', 'refused the connection');
  // A chunked body that ends early reaches the parser as HPE_INVALID_EOF_STATE; its other errors are no HTTP at all.
  if (error instanceof errors.HTTPParserError && name !== 'HPE_INVALID_EOF_STATE')
    return make('bad_response', 'target', `does not speak HTTP (${name})`);
  return make('connection_lost', 'transient', `broke off${name === '' ? '' : ` (${name})`}`);
};

/** What a status means that brings no page. */
export const statusError = (status: number, url: string, retryAfterMs: number | null): HttpError => {
  const make = (code: string, kind: HttpErrorClass, text: string): HttpError =>
    new HttpError(code, kind, `${url} ${text} (HTTP ${status})`, { url, status, retryAfterMs });
  const heals = kindOfWait(retryAfterMs);
  if (status === 404) return make('not_found', 'target', 'does not exist');
  if (status === 410) return make('gone', 'target', 'is gone');
  if (status === 429) return make('rate_limited', heals, 'asks us to wait');
  // 202: it is being made, or a gate keeper's script stands where the page will be.
  if (status === 202 || status === 408 || status === 425) return make('server_error', 'transient', 'asks for another try');
  if (status === 401 || status === 403 || status === 407 || status === 451) return make('forbidden', 'target', 'is not open to us');
  if (status >= 500 && status !== 501 && status !== 505) return make('server_error', heals, 'is in trouble');
  if (status === 206) return make('bad_response', 'target', 'sent a part of itself that nobody asked for');
  return make('refused', 'target', 'refused the request');
};
