import { httpFailure } from '../../activities/translate';
import { HttpError, type HttpErrorClass } from '../../io/http-error';

const error = (code: string, kind: HttpErrorClass, retryAfterMs: number | null): HttpError =>
  new HttpError(code, kind, 'https://example.com/ did something', { url: 'https://example.com/', retryAfterMs });

test.each<[string, HttpErrorClass, number | null, string, boolean]>([
  ['rate_limited', 'transient', 7_000, 'RateLimited', false],
  ['server_error', 'transient', null, 'RemoteUnavailable', false],
  ['timeout', 'transient', null, 'RemoteUnavailable', false],
  ['not_found', 'target', null, 'RemoteRefused', true],
  ['unauthorised', 'configuration', null, 'ConfigMissing', true],
])('%s (%s) is thrown as %3$s', (code, kind, wait, type, final) => {
  const failed = httpFailure(error(code, kind, wait));
  expect(failed).toMatchObject({ type, nonRetryable: final, message: 'https://example.com/ did something', details: [{ reason: code }] });
  expect(failed.nextRetryDelay ?? null).toBe(wait);
});
