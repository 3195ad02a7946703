// The row codec of every shelf: JSON Lines, UTF-8, one record a line, '\n' after each.
import { TextDecoder } from 'node:util';
import type { z } from 'zod';

/** A file that is not what it should be: names the line, never shows the record. */
export class LineError extends Error {
  override readonly name = 'LineError';
  readonly code = 'BAD_LINE';
  constructor(
    /** From 1. */
    readonly line: number,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`line ${line}: ${problem}`, options);
  }
}

/**
 * Records of a stream of bytes, one at a time. Fields that the schema does not know are left out.
 * @param stream chunks cut anywhere, also inside a character
 * @throws LineError for bytes that are not UTF-8, a line that is not JSON or not a record, an empty line
 */
export async function* parseLines<T>(stream: AsyncIterable<Uint8Array>, schema: z.ZodType<T>): AsyncGenerator<T, void, undefined> {
  let number = 0;
  for await (const line of textLines(stream)) {
    number += 1;
    yield parseLine(line, number, schema);
  }
}

/** A record with the bytes of its line, from `start` on. */
export interface PlacedRow<T> {
  row: T;
  start: number;
  bytes: number;
}

/** The same, for a reader that will come back for single lines. */
export async function* parsePlacedLines<T>(
  stream: AsyncIterable<Uint8Array>,
  schema: z.ZodType<T>,
): AsyncGenerator<PlacedRow<T>, void, undefined> {
  let [number, start] = [0, 0];
  for await (const line of textLines(stream)) {
    number += 1;
    const bytes = Buffer.byteLength(line) + 1;
    yield { row: parseLine(line, number, schema), start, bytes };
    start += bytes;
  }
}

/** One record as a line; fields stand in the order in which the object has them. */
export const toLine = (record: object): string => `${JSON.stringify(record)}\n`;

/** Lines of a stream of bytes, without their ends. @throws LineError for bytes that are not UTF-8 */
export async function* textLines(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let parts: string[] = []; // of a line that goes over several chunks
  let number = 0;
  const decode = (chunk?: Uint8Array): string => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch (error) {
      throw new LineError(number + 1, 'it, or one soon after it, is not UTF-8', { cause: error });
    }
  };
  for await (const chunk of stream) {
    const pieces = decode(chunk).split('\n');
    for (const piece of pieces.slice(0, -1)) {
      yield parts.join('') + piece;
      parts = [];
      number += 1;
    }
    parts.push(pieces.at(-1) ?? '');
  }
  parts.push(decode());
  const rest = parts.join('');
  if (rest !== '') yield rest;
}

const parseLine = <T>(line: string, number: number, schema: z.ZodType<T>): T => {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new LineError(number, line === '' ? 'it is empty' : 'it is not JSON', { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  if (field === 'schema')
    throw new LineError(number, `schema ${JSON.stringify((value as { schema?: unknown }).schema)} is not one that this release reads`);
  throw new LineError(number, `${field === '' ? 'the record' : field}: ${issue?.message ?? 'is not valid'}`, { cause: parsed.error });
};
