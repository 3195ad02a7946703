// Files that are whole or absent, and durable once they are there: temporary file, fsync, rename(2) or link(2),
// fsync of the folder. What the disk store is made of.
import { createHash, randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RESERVED, StoreError } from './store-paths';

const BUFFER_BYTES = 256 * 1024;

export type Data = string | Uint8Array | AsyncIterable<Uint8Array | string>;
export interface Written {
  sha256: string;
  bytes: number;
}

export const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | null)?.code;
export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';

/** Errors of the file system as StoreError; errors of the caller's own stream pass through. */
export const translate = (error: unknown, path: string): unknown => {
  const code = codeOf(error);
  if (error instanceof StoreError || code === undefined || !/^E[A-Z]+$/.test(code)) return error;
  if (isMissing(error)) return new StoreError('NOT_FOUND', `${path} is not in the store`, { cause: error });
  if (code === 'ENOSPC' || code === 'EDQUOT') return new StoreError('NO_SPACE', `${path}: the disk of the store is full`, { cause: error });
  return new StoreError('IO', `${path}: ${code}`, { cause: error });
};

export const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** mkdir -p, durable: the entry of every new folder is synced in its parent. */
export const makeFolder = async (folder: string): Promise<void> => {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let parent = dirname(folder); ; parent = dirname(parent)) {
    await syncFolder(parent);
    if (parent === dirname(first) || parent === dirname(parent)) return;
  }
};

/** Writes all of `data` through the handle, hashing on the way. */
const pour = async (handle: FileHandle, data: Data): Promise<Written> => {
  const hash = createHash('sha256');
  let bytes = 0;
  const write = async (chunk: Uint8Array): Promise<void> => {
    hash.update(chunk);
    bytes += chunk.byteLength;
    await handle.writeFile(chunk);
  };
  if (typeof data === 'string') await write(Buffer.from(data));
  else if (data instanceof Uint8Array) await write(data);
  else {
    let pending: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of data) {
      // Copied: a producer may reuse its buffer while it waits here.
      const part = Buffer.from(chunk as string);
      pending.push(part);
      size += part.byteLength;
      if (size < BUFFER_BYTES) continue;
      await write(Buffer.concat(pending));
      pending = [];
      size = 0;
    }
    if (size > 0) await write(Buffer.concat(pending));
  }
  return { sha256: hash.digest('hex'), bytes };
};

export const temporaryFolder = (root: string): string => join(root, RESERVED, 'tmp');

/** Gives a fresh name on the store's own file system, and removes what is left of it. */
export const withTemporary = async <T>(root: string, work: (temporary: string) => Promise<T>): Promise<T> => {
  const temporary = join(temporaryFolder(root), randomUUID());
  try {
    return await work(temporary);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
};

/**
 * Writes `data` under a fresh name and moves it to `target`. Apart from withTemporary because it is how every page is
 * kept: what was moved leaves nothing to look for and remove.
 */
export const writeAndMove = async (root: string, target: string, data: Data): Promise<Written> => {
  const temporary = join(temporaryFolder(root), randomUUID());
  try {
    const written = await writeDurably(temporary, data);
    // The folder stands nearly always.
    if (!(await renameUnless(temporary, target, ['ENOENT']))) {
      await makeFolder(dirname(target));
      await rename(temporary, target);
    }
    await syncFolder(dirname(target));
    return written;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
};

/** False when it fails with one of these codes. */
export const renameUnless = (from: string, to: string, codes: string[]): Promise<boolean> =>
  rename(from, to).then(
    () => true,
    (error: unknown) => {
      if (codes.includes(codeOf(error) ?? '')) return false;
      throw error;
    },
  );

/** A file's content and the name of this version of it; null when there is no such file. */
export const readVersion = async (file: string): Promise<{ data: Buffer; etag: string } | null> => {
  const handle = await open(file, 'r').catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (handle === null) return null;
  try {
    const found = await handle.stat({ bigint: true });
    if (!found.isFile()) return null;
    const data = await handle.readFile();
    const sha256 = createHash('sha256').update(data).digest('hex');
    return { data, etag: `${sha256}-${found.ino.toString(36)}-${found.mtimeNs.toString(36)}` };
  } finally {
    await handle.close();
  }
};

export const writeDurably = async (file: string, data: Data): Promise<Written> => {
  const handle = await open(file, 'wx');
  try {
    const written = await pour(handle, data);
    await handle.sync();
    return written;
  } finally {
    await handle.close();
  }
};

export const hashAndSync = async (file: string): Promise<Written> => {
  const handle = await open(file, 'r');
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of handle.createReadStream({ autoClose: false, highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.byteLength;
    }
    await handle.sync();
    return { sha256: hash.digest('hex'), bytes };
  } finally {
    await handle.close();
  }
};

export const linkExclusive = (root: string, target: string, data: string | Uint8Array): Promise<boolean> =>
  withTemporary(root, async (temporary) => {
    await writeDurably(temporary, data);
    await makeFolder(dirname(target));
    try {
      await link(temporary, target);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    }
    await syncFolder(dirname(target));
    return true;
  });
