// From what the Hub said to the one failure that a run shows.
import type { ApplicationFailure } from '@temporalio/common';
import { failure } from '../contracts/errors';
import type { HubError } from '../io/hub';

/** @param error what io/hub threw; its message holds no secret */
export const hubFailure = (error: HubError): ApplicationFailure => {
  const wait = error.retryAfterMs === null ? {} : { retryAfterMs: error.retryAfterMs };
  switch (error.code) {
    case 'DENIED':
      return failure('HubDenied', `${error.message}: check HF_TOKEN and its write scope`);
    case 'CONFLICT':
      return failure('HubConflict', error.message, wait);
    case 'UNAVAILABLE':
      return failure(error.status === 429 ? 'RateLimited' : 'RemoteUnavailable', error.message, wait);
    case 'NOT_FOUND':
    case 'REFUSED':
      return failure('RemoteRefused', error.message);
  }
};
