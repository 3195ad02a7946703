// Where artifacts live. One interface; a folder today, S3-compatible storage when several machines share it.
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { openDiskStore } from './disk-store';
import { StoreError } from './store-paths';

export { pathSegment, StoreError } from './store-paths';

export interface Written {
  /** Over the bytes as written. */
  sha256: string;
  bytes: number;
}

/**
 * Paths are checked (store-paths.ts); names that people chose go through pathSegment() first.
 * A path that is replaced with replaceIfMatch is never put: a put does not look whether a comparison is under way.
 */
export interface Store {
  /** UUID of the store, in its store.json: two workers with the same id resolve the same references. */
  readonly storeId: string;
  /** For people: file:///... */
  readonly uri: string;
  /** Writes or replaces a file, whole or not at all; on return it is durable. */
  putFile(path: string, data: string | Uint8Array | AsyncIterable<Uint8Array | string>): Promise<Written>;
  /** Takes over a finished local file (hard link or copy), which must not be changed in place afterwards. */
  putLocal(path: string, localFile: string): Promise<Written>;
  /** The whole file; null when there is none. */
  read(path: string): Promise<Buffer | null>;
  /** @throws StoreError NOT_FOUND */
  open(path: string): Promise<Readable>;
  /** Null when there is no such file. */
  stat(path: string): Promise<{ bytes: number } | null>;
  /** Sorted paths of the files below the folder `prefix` ('' = all), in code unit order. */
  list(prefix: string): Promise<string[]>;
  /** Creates the file with this content; false when it exists. Of many at once exactly one gets true. */
  createExclusive(path: string, data: string | Uint8Array): Promise<boolean>;
  readTagged(path: string): Promise<{ data: Buffer; etag: string } | null>;
  /** Replaces the version that carries `etag`; false when it is no longer the current one. */
  replaceIfMatch(path: string, data: string | Uint8Array, etag: string): Promise<boolean>;
  /**
   * A local path of the file or folder, to read only.
   * @throws StoreError NOT_FOUND
   */
  local(path: string): Promise<string>;
  /** Removes the file or folder; silent when there is none. */
  remove(prefix: string): Promise<void>;
}

/**
 * Opens a store, making it on first use.
 * @param address a folder, or file:///...
 * @throws StoreError UNSUPPORTED for any other scheme, FORMAT for a store of a newer release
 */
export const openStore = async (address: string): Promise<Store> => {
  if (address.startsWith('file:')) return openDiskStore(fileURLToPath(address));
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(address)?.[1]?.toLowerCase();
  if (scheme === 's3')
    throw new StoreError('UNSUPPORTED', `RETUNE_STORE ${address}: S3-compatible stores come in a later release; give a folder`);
  if (scheme !== undefined)
    throw new StoreError('UNSUPPORTED', `RETUNE_STORE ${address}: ${scheme}:// is not a kind of store; give a folder`);
  return openDiskStore(address);
};
