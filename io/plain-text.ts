// Text out of bytes that may be compressed, whatever their name says: what sitemaps and URL lists come as.
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { TextDecoder } from 'node:util';
import { createGunzip } from 'node:zlib';

export class TextTooLarge extends Error {
  override readonly name = 'TextTooLarge';
  readonly code = 'TEXT_TOO_LARGE';
  constructor(readonly maxBytes: number) {
    super(`larger than ${maxBytes} bytes when decompressed`);
  }
}

/** Bytes of a body between two turns of the event loop. */
const PIECE_BYTES = 256 * 1024;

/** A body in memory as a stream. */
export async function* pieces(body: Buffer): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < body.length; at += PIECE_BYTES) {
    // Heartbeats and other activities get their turn.
    await setImmediate();
    yield body.subarray(at, at + PIECE_BYTES);
  }
}

/** The same stream, decompressed when it begins like gzip (1f 8b). */
async function* plainBytes(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  let done = false;
  while (!done && head.length < 2) {
    const next = await iterator.next();
    if (next.done === true) done = true;
    else head = Buffer.concat([head, next.value]);
  }
  const whole = async function* (): AsyncGenerator<Buffer, void, undefined> {
    if (head.length > 0) yield head;
    if (!done) for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  };
  if (head[0] !== 0x1f || head[1] !== 0x8b) return yield* whole();
  const input = Readable.from(whole());
  const gunzip = createGunzip();
  input.once('error', (error) => gunzip.destroy(error));
  yield* input.pipe(gunzip) as AsyncIterable<Buffer>;
}

/** By the byte order mark, which some editors and shells write with UTF-16, else UTF-8. */
const decoderOf = (head: Uint8Array): TextDecoder => {
  if (head[0] === 0xff && head[1] === 0xfe) return new TextDecoder('utf-16le');
  return new TextDecoder(head[0] === 0xfe && head[1] === 0xff ? 'utf-16be' : 'utf-8');
};

/**
 * The text of a stream of bytes: gzip by content, UTF-8 or, by its mark, UTF-16; without a byte order mark.
 * @param maxBytes limit of what comes out, so that a small bomb stops early
 * @throws TextTooLarge; zlib's Z_DATA_ERROR or Z_BUF_ERROR for broken gzip
 */
export async function* plainText(source: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<string, void, undefined> {
  let decoder: TextDecoder | null = null;
  let bytes = 0;
  for await (const chunk of plainBytes(source)) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new TextTooLarge(maxBytes);
    // The first chunk holds the mark: pieces and files are read in chunks of kilobytes.
    decoder ??= decoderOf(chunk);
    yield decoder.decode(chunk, { stream: true });
  }
  if (decoder !== null) yield decoder.decode();
}

/** Lines of a text that comes in pieces; of a longer line only `maxChars` are kept. */
export async function* textLines(text: AsyncIterable<string>, maxChars: number): AsyncGenerator<string, void, undefined> {
  let parts: string[] = []; // of a line that goes over several pieces: joined once, since a row may be megabytes
  let chars = 0;
  const add = (part: string): void => {
    parts.push(part.slice(0, maxChars - chars));
    chars = Math.min(chars + part.length, maxChars);
  };
  const end = (): string => {
    const line = parts.join('');
    parts = [];
    chars = 0;
    return line;
  };
  for await (const piece of text) {
    const lines = piece.split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      add(line);
      yield end();
    }
    if (rest !== '') add(rest);
  }
  if (chars > 0) yield end();
}
