// Errors of io/ as failures of the table: the one place where that is decided.
import type { ApplicationFailure } from '@temporalio/activity';
import { failure } from '../contracts/errors';
import type { HttpError } from '../io/http-error';

/** Waits longer than this are cut by nobody here: HttpError calls them final already. */
const wait = (error: HttpError): { retryAfterMs?: number } => (error.retryAfterMs === null ? {} : { retryAfterMs: error.retryAfterMs });

/** @returns the failure that an activity throws for an error of the HTTP client */
export const httpFailure = (error: HttpError): ApplicationFailure => {
  const options = { cause: error, details: { reason: error.code } };
  if (error.code === 'payment_required') return failure('QuotaExhausted', error.message, options);
  if (error.kind === 'configuration') return failure('ConfigMissing', error.message, options);
  if (error.kind === 'target') return failure('RemoteRefused', error.message, options);
  return failure(error.code === 'rate_limited' ? 'RateLimited' : 'RemoteUnavailable', error.message, { ...options, ...wait(error) });
};
