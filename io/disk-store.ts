// A store in a folder of a POSIX file system that keeps inode numbers and has hard links.
// Every write goes to a temporary file, is fsynced, and appears under its name by rename(2) or link(2).
import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, mkdir, open, readFile, readdir, realpath, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import type { Data, Written } from './durable-file';
import {
  codeOf,
  isMissing,
  translate,
  syncFolder,
  makeFolder,
  temporaryFolder,
  withTemporary,
  renameUnless,
  readVersion,
  writeDurably,
  writeAndMove,
  hashAndSync,
  linkExclusive,
} from './durable-file';
import { checkPath, RESERVED, StoreError } from './store-paths';

const STORE_SCHEMA = 1;
/** A temporary file that nobody has written to for this long belongs to nobody. */
const ORPHAN_MS = 24 * 3_600_000;

class DiskStore {
  readonly uri: string;
  constructor(
    private readonly root: string,
    readonly storeId: string,
  ) {
    this.uri = pathToFileURL(root).href;
  }

  private at(path: string): string {
    return join(this.root, checkPath(path));
  }

  async putFile(path: string, data: Data): Promise<Written> {
    const target = this.at(path);
    return this.guard(path, () => writeAndMove(this.root, target, data));
  }

  async putLocal(path: string, localFile: string): Promise<Written> {
    const target = this.at(path);
    return this.guard(path, () =>
      withTemporary(this.root, async (temporary) => {
        const source = await realpath(localFile);
        try {
          await link(source, temporary);
        } catch (error) {
          if (!['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP'].includes(codeOf(error) ?? '')) throw error;
          await copyFile(source, temporary, constants.COPYFILE_FICLONE);
        }
        const written = await hashAndSync(temporary);
        await makeFolder(dirname(target));
        // Two names of one inode: rename(2) then does nothing, and the temporary name is removed below.
        await rename(temporary, target);
        await syncFolder(dirname(target));
        return written;
      }),
    );
  }

  async read(path: string): Promise<Buffer | null> {
    const file = this.at(path);
    try {
      return await readFile(file);
    } catch (error) {
      if (isMissing(error) || codeOf(error) === 'EISDIR') return null;
      throw translate(error, path);
    }
  }

  async open(path: string): Promise<Readable> {
    const file = this.at(path);
    return this.guard(path, async () => {
      const handle = await open(file, 'r');
      if ((await handle.stat()).isFile()) return handle.createReadStream();
      await handle.close();
      throw new StoreError('NOT_FOUND', `${path} is a folder`);
    });
  }

  async stat(path: string): Promise<{ bytes: number } | null> {
    const file = this.at(path);
    try {
      const found = await stat(file);
      return found.isFile() ? { bytes: found.size } : null;
    } catch (error) {
      if (isMissing(error)) return null;
      throw translate(error, path);
    }
  }

  async list(prefix: string): Promise<string[]> {
    const found: string[] = [];
    const walk = async (path: string): Promise<void> => {
      const entries = await readdir(join(this.root, path), { withFileTypes: true }).catch((error: unknown) => {
        if (isMissing(error)) return []; // also a folder that is being removed
        throw translate(error, path);
      });
      for (const entry of entries) {
        const below = path === '' ? entry.name : `${path}/${entry.name}`;
        if (below === RESERVED) continue;
        if (entry.isDirectory()) await walk(below);
        else if (entry.isFile()) found.push(below);
      }
    };
    await walk(prefix === '' ? '' : checkPath(prefix.replace(/\/$/, '')));
    return found.sort();
  }

  async createExclusive(path: string, data: string | Uint8Array): Promise<boolean> {
    const target = this.at(path);
    return this.guard(path, () => linkExclusive(this.root, target, data));
  }

  async readTagged(path: string): Promise<{ data: Buffer; etag: string } | null> {
    const file = this.at(path);
    return this.guard(path, () => readVersion(file));
  }

  /**
   * Compare and swap without a lock, hence without a time-out that could be wrong. An etag names one version of a
   * file: content, inode, time of writing. Who replaces it moves a folder {previous, next} to claims/<path, etag>
   * with rename(2), which fails when a folder that is not empty stands there; `previous` stays in it: one winner a
   * version, for ever. `previous` is a hard link to the version, so its inode cannot come back as another version.
   * The winner moves `next` over the file; that consumes `next`, so it happens once, whoever does it. A winner that
   * dies in between leaves `next`, and the next comer applies it: the swap then took place.
   */
  async replaceIfMatch(path: string, data: string | Uint8Array, etag: string): Promise<boolean> {
    const target = this.at(path);
    const claim = join(this.root, RESERVED, 'claims', createHash('sha256').update(`${path}\0${etag}`).digest('hex'));
    return this.guard(path, () =>
      withTemporary(this.root, async (temporary) => {
        await mkdir(temporary);
        const previous = join(temporary, 'previous');
        const pinned = await link(target, previous).then(
          () => readVersion(previous),
          (error: unknown) => {
            if (isMissing(error)) return null;
            throw error;
          },
        );
        if (pinned?.etag !== etag) return false;
        await writeDurably(join(temporary, 'next'), data);
        await syncFolder(temporary);
        const won = await renameUnless(temporary, claim, ['ENOTEMPTY', 'EEXIST']);
        await syncFolder(dirname(claim));
        await renameUnless(join(claim, 'next'), target, ['ENOENT']);
        await syncFolder(dirname(target));
        return won;
      }),
    );
  }

  async local(path: string): Promise<string> {
    const file = this.at(path);
    return this.guard(path, async () => {
      await stat(file);
      return file;
    });
  }

  async remove(prefix: string): Promise<void> {
    const target = this.at(prefix.replace(/\/$/, ''));
    await this.guard(prefix, () => rm(target, { recursive: true, force: true }));
  }

  private async guard<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw translate(error, path);
    }
  }
}

/** Removes what crashed writers left. Ages are taken from the file system's own clock, so that no two clocks meet. */
const sweep = async (root: string): Promise<void> => {
  const probe = join(temporaryFolder(root), randomUUID());
  await (await open(probe, 'wx')).close();
  const now = (await stat(probe)).mtimeMs;
  await unlink(probe);
  for (const folder of [temporaryFolder(root), join(root, RESERVED, 'claims')])
    for (const name of await readdir(folder)) {
      const entry = join(folder, name);
      const found = await stat(entry).catch(() => null);
      if (found !== null && now - found.mtimeMs > ORPHAN_MS) await rm(entry, { recursive: true, force: true });
    }
};

/**
 * Opens the folder as a store; the first opener gives it its id.
 * @throws StoreError FORMAT when its store.json is not ours or of a newer release
 */
export const openDiskStore = async (folder: string): Promise<DiskStore> => {
  const root = resolve(folder);
  try {
    await makeFolder(temporaryFolder(root));
    await makeFolder(join(root, RESERVED, 'claims'));
    const file = join(root, 'store.json');
    const text = (): Promise<string | null> =>
      readFile(file, 'utf8').catch((error: unknown) => (isMissing(error) ? null : Promise.reject(error as Error)));
    if ((await text()) === null) await linkExclusive(root, file, `${JSON.stringify({ schema: STORE_SCHEMA, storeId: randomUUID() })}\n`);
    const storeId = parseStoreFile((await text()) ?? '', file);
    await sweep(root);
    return new DiskStore(root, storeId);
  } catch (error) {
    throw translate(error, root);
  }
};

const parseStoreFile = (text: string, file: string): string => {
  const value = parseJson(text) as { schema?: unknown; storeId?: unknown } | null | undefined;
  if (typeof value?.schema === 'number' && value.schema > STORE_SCHEMA)
    throw new StoreError('FORMAT', `${file} has schema ${value.schema}; this release reads up to ${STORE_SCHEMA}: use a newer retune`);
  if (value?.schema !== STORE_SCHEMA || typeof value.storeId !== 'string') throw new StoreError('FORMAT', `${file} is not a store's file`);
  return value.storeId;
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
