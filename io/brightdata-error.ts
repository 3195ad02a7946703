// What an answer of Bright Data means. Its outer status is 200 whatever happened to the page: the outcome stands in
// x-brd-* headers (docs: scraping-automation/web-unlocker/error-codes), older spellings in x-luminati-*.
import { HttpError, type HttpErrorClass, parseRetryAfter, statusError } from './http-error';

/** Whether the request was paid for; 'perhaps' where the answer did not arrive whole. */
export type Billing = 'no' | 'yes' | 'perhaps';

export class BrightDataError extends HttpError {
  constructor(
    code: string,
    kind: HttpErrorClass,
    message: string,
    details: ConstructorParameters<typeof HttpError>[3] & { billing: Billing; peer?: boolean },
  ) {
    super(code, kind, message, details);
    this.name = 'BrightDataError';
    this.billing = details.billing;
    this.peer = details.peer ?? false;
  }

  readonly billing: Billing;
  /** Of the peer that this request went through: the next one has another, so there is nothing to wait for. */
  readonly peer: boolean;
}

export interface Answer {
  status: number;
  header: (name: string) => string | undefined;
  /** The page's address, or what else was asked for. */
  subject: string;
  now: number;
}

/** Codes that say that the account cannot pay for more. */
const UNPAID = /^(?:client_10100|client_10020|policy_20000)$/;
/** Codes about our account, zone or parameters. */
const OURS = /^(?:policy_|client_|feature_not_active$|auth)/;
/** Codes about one page that no other peer gets either. */
const PAGES = /^(?:premium$|ub_bad_endpoint_robots$|expect_element$|net_err_|dead_page$)/;
/** Codes of one peer. */
const PEERS = /^(?:reject_block$|resolve_failed|captcha$)/;
const NO_ACCOUNT = /customer is not active|account is (?:not active|suspended)|\bbalance\b|insufficient (?:funds|credit)/i;

const make = (
  code: string,
  kind: HttpErrorClass,
  answer: Answer,
  text: string,
  billing: Billing = 'no',
  retryAfterMs: number | null = null,
): BrightDataError =>
  new BrightDataError(code, kind, `${answer.subject}: ${text}`, { url: answer.subject, status: answer.status, retryAfterMs, billing });

/**
 * The error of an answer whose own status is no 2xx.
 * @param text the start of the body, already without the token
 */
export const outerError = (answer: Answer, text: string): BrightDataError => {
  const { status } = answer;
  const said = text === '' ? '' : `: ${text}`;
  if (status === 401)
    return make('unauthorized', 'configuration', answer, `Bright Data does not accept BRIGHTDATA_API_TOKEN (HTTP 401)${said}`);
  if (status === 402 || (status < 500 && NO_ACCOUNT.test(text)))
    return make('payment_required', 'configuration', answer, `Bright Data asks for payment (HTTP ${status})${said}`);
  if (status === 429)
    return make(
      'rate_limited',
      'transient',
      answer,
      `Bright Data asks us to wait (HTTP 429)${said}`,
      'no',
      parseRetryAfter(answer.header('retry-after'), answer.now),
    );
  if (status === 403 || status === 407)
    return make('forbidden', 'configuration', answer, `BRIGHTDATA_API_TOKEN may not do this (HTTP ${status})${said}`);
  if (status === 400 && /\bzone\b/i.test(text))
    return make('bad_zone', 'configuration', answer, `BRIGHTDATA_ZONE is not a zone of this account (HTTP 400)${said}`);
  if (status === 400 && /\burl\b/i.test(text))
    return make('refused', 'target', answer, `Bright Data takes it for no address (HTTP 400)${said}`);
  if (status === 400) return make('bad_request', 'configuration', answer, `Bright Data refuses the request (HTTP 400)${said}`);
  if (status === 404) return make('not_found', 'target', answer, `Bright Data does not know it (HTTP 404)${said}`);
  if (status === 408 || status >= 500)
    return make('server_error', 'transient', answer, `Bright Data is in trouble (HTTP ${status})${said}`, 'perhaps');
  return make('refused', 'target', answer, `Bright Data refuses it (HTTP ${status})${said}`);
};

const first = (answer: Answer, names: readonly string[]): string =>
  names.map((name) => answer.header(name)?.trim() ?? '').find((value) => value !== '') ?? '';

/** The true status of a page, which stands only in the text of `http_status`. */
const statusIn = (text: string): number | null => {
  const found = /\b([45]\d\d)\b/.exec(text)?.[1];
  return found === undefined ? null : Number(found);
};

/**
 * Why an answer with the outer status 200 brought no page; null when it may have brought one (an empty body has not).
 * Errors of the unlocker are not billed; pages of the target with its own 4xx are.
 */
export const unlockError = (answer: Answer): BrightDataError | null => {
  const code = first(answer, ['x-brd-error-code', 'x-brd-err-code', 'x-luminati-error-code']);
  const text = first(answer, ['x-brd-error', 'x-brd-err-msg', 'x-luminati-error']).slice(0, 200);
  const outcome = Number(first(answer, ['x-brd-status-code']) || '200');
  const said = [code, text].filter((part) => part !== '').join(': ');
  if (code === '' && text === '') {
    if (outcome >= 200 && outcome <= 299) return null;
    const own = statusError(outcome, answer.subject, null);
    return new BrightDataError(own.code, own.kind, own.message, {
      url: answer.subject,
      status: outcome,
      retryAfterMs: null,
      billing: 'yes',
    });
  }
  if (UNPAID.test(code) || NO_ACCOUNT.test(text))
    return make('payment_required', 'configuration', answer, `the account cannot pay for more (${said})`);
  if (OURS.test(code) || (code === '' && outcome === 407))
    return make('forbidden', 'configuration', answer, `refused because of the account, its token or BRIGHTDATA_ZONE (${said})`);
  if (PAGES.test(code)) return make(code.replace(/\W+/g, '_'), 'target', answer, `cannot be had (${said})`);
  const page = code === 'http_status' ? statusIn(text) : null;
  if (page !== null && page < 500 && page !== 408 && page !== 429) {
    const own = statusError(page, answer.subject, null);
    return make(own.code, 'target', answer, `the page itself answers ${page} (${said})`);
  }
  // What the peer or this attempt caused: each request takes a new peer.
  if (code !== '')
    return new BrightDataError(
      code.toLowerCase().replace(/\W+/g, '_'),
      'transient',
      `${answer.subject}: this attempt was refused (${said})`,
      { url: answer.subject, status: answer.status, retryAfterMs: null, billing: 'no', peer: PEERS.test(code) },
    );
  return make(
    'unlock_failed',
    outcome >= 400 && outcome < 500 && outcome !== 429 ? 'target' : 'transient',
    answer,
    `not unlocked (${outcome}: ${text})`,
  );
};
