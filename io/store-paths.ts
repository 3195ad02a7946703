// Paths inside a store: '/'-separated, the same on a disk and in a bucket, never able to leave the store.
import { createHash } from 'node:crypto';

export type StoreErrorCode = 'NOT_FOUND' | 'BAD_PATH' | 'UNSUPPORTED' | 'FORMAT' | 'NO_SPACE' | 'IO';

/** What a store throws; match by `code`. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  constructor(
    readonly code: StoreErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** First segment of everything that a store keeps for itself; list() never shows it. */
export const RESERVED = '.store';

const MAX_SEGMENT_BYTES = 255; // of ext4, xfs, apfs; S3 allows 1024 for the whole key

/**
 * Checks a path and returns it.
 * @throws StoreError BAD_PATH for an empty, absolute or climbing path, empty segments, NUL, a backslash or a reserved name
 */
export const checkPath = (path: string): string => {
  const bad = (why: string): StoreError => new StoreError('BAD_PATH', `store path ${JSON.stringify(path)}: ${why}`);
  if (path === '') throw bad('it is empty');
  if (path.startsWith('/')) throw bad('it is absolute');
  if (path.includes('\0') || path.includes('\\')) throw bad('NUL and backslash are not allowed');
  const segments = path.split('/');
  for (const segment of segments) {
    if (segment === '' || segment === '.' || segment === '..') throw bad(`segment "${segment}" is not allowed`);
    if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) throw bad('a segment is longer than 255 bytes');
  }
  if (segments[0] === RESERVED) throw bad(`${RESERVED} is the store's own`);
  return path;
};

const PLAIN_LENGTH = 160;

/**
 * Any name (a workflow id, a Hub repository) as one path segment: percent-encoded, so that people can read it;
 * a long one is cut and ends in its hash. Different names give different segments.
 * @throws StoreError BAD_PATH for an empty name
 */
export const pathSegment = (name: string): string => {
  if (name === '') throw new StoreError('BAD_PATH', 'an empty name has no path segment');
  const wellFormed = Buffer.from(name).toString(); // encodeURIComponent throws on a lone surrogate
  const encoded = encodeURIComponent(wellFormed)
    .replace(/[!~*'()]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/^\./, '%2E');
  if (encoded.length <= PLAIN_LENGTH) return encoded;
  return `${encoded.slice(0, PLAIN_LENGTH).replace(/%.?$/, '')}~${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
};
