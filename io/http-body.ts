// The body of a response: decompressed, and bounded by what comes out.
import { pipeline } from 'node:stream/promises';
import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { HttpError } from './http-error';

/** One inside the other. Each takes memory of its own, and a header has room for ten thousand. */
const MAX_DECODERS = 4;

/** Decoders for a Content-Encoding, innermost last; a header that we did not ask for is not guessed at. */
const decoders = (encoding: string | undefined, firstByte: number, url: string): Transform[] => {
  const names = (encoding ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity');
  if (names.length > MAX_DECODERS)
    throw new HttpError('bad_encoding', 'target', `${url} sent a body in ${names.length} encodings, one inside the other`, { url });
  return names.reverse().map((name) => {
    if (name === 'gzip' || name === 'x-gzip') return createGunzip();
    if (name === 'br') return createBrotliDecompress();
    // "deflate" is zlib by the standard and raw deflate at some servers; zlib's first byte has 8 in its low bits.
    if (name === 'deflate') return (firstByte & 0x0f) === 8 ? createInflate() : createInflateRaw();
    throw new HttpError('bad_encoding', 'target', `${url} sent a body in an encoding that we did not ask for (${name})`, { url });
  });
};

const tooLarge = (url: string, maxBytes: number): HttpError =>
  new HttpError('too_large', 'target', `${url} is larger than ${maxBytes} bytes (source.maxBodyMb)`, { url });

class Enough extends Error {}

/** Reads a body, decompressing; the limit is on what comes out, so a small bomb stops early. */
export const readBody = async (
  body: Readable,
  encoding: string | undefined,
  { url, maxBytes, onTooLarge = 'fail' }: { url: string; maxBytes: number; onTooLarge?: 'fail' | 'cut' },
): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const collect = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of source) {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        if (onTooLarge === 'fail') throw tooLarge(url, maxBytes);
        chunks.push(chunk.subarray(0, chunk.length - (bytes - maxBytes)));
        throw new Enough();
      }
      chunks.push(chunk);
    }
  };
  const iterator = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first = await iterator.next();
  if (first.done === true) return Buffer.alloc(0);
  const whole = async function* (): AsyncGenerator<Buffer> {
    yield first.value;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  };
  try {
    // The types of pipeline() know no list that ends in a function; its documentation does.
    const stages: unknown[] = [whole, ...decoders(encoding, first.value[0] ?? 0, url), collect];
    await pipeline(stages as unknown as NodeJS.ReadWriteStream[]);
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  } finally {
    body.destroy();
  }
  return Buffer.concat(chunks);
};
