// Files of the worker that an input may name: below RETUNE_FILES_ROOT and nowhere else, whatever links lie there.
import { readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';

export type FilesRootCode = 'FILES_ROOT_UNSET' | 'FILES_ROOT_MISSING' | 'OUTSIDE' | 'NOT_FOUND';

/** Match by `code`. Messages name what was asked for, never where the root is. */
export class FilesRootError extends Error {
  override readonly name = 'FilesRootError';
  constructor(
    readonly code: FilesRootCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export type Skipped = 'outside_files_root' | 'unreadable';

export interface LocalPath {
  /** Without links, absolute: what to open. */
  real: string;
  /** Below the root, with '/': the same on every machine; '' for the root itself. */
  below: string;
}

export interface FilesRoot {
  /**
   * A file or folder that an input names, after all its links.
   * @param path relative to the root, or absolute and below it
   * @throws FilesRootError
   */
  find(path: string): Promise<LocalPath>;
  /**
   * All files of a folder and of those in it, in code unit order of their names; a file itself. Names that begin with
   * a dot are passed over. What links lead to is listed once, under its own path.
   * @param skipped is told of links that lead out of the root, and of what cannot be read: links to nowhere, closed folders,
   * names that are no UTF-8
   * @throws FilesRootError
   */
  files(path: string, skipped: (reason: Skipped, path: string) => void): AsyncGenerator<LocalPath, void, undefined>;
}

/** Below `from`, or null. */
const within = (target: string, from: string): string | null => {
  const below = relative(from, target);
  return below === '..' || below.startsWith(`..${sep}`) || isAbsolute(below) ? null : below;
};

/** In code unit order; null: neither a file nor a folder. */
const namesIn = async (path: string): Promise<string[] | 'file' | null> => {
  const found = await stat(path);
  if (found.isFile()) return 'file';
  return found.isDirectory() ? (await readdir(path)).sort() : null;
};

/** @param root RETUNE_FILES_ROOT; null: unset */
export const createFilesRoot = (root: string | null): FilesRoot => {
  const find = async (path: string): Promise<LocalPath> => {
    if (root === null)
      throw new FilesRootError(
        'FILES_ROOT_UNSET',
        `"${path}" is a file of the worker, and RETUNE_FILES_ROOT is not set: set it to the folder below which inputs may name files`,
      );
    const base = await realpath(root).catch((error: unknown) => {
      throw new FilesRootError('FILES_ROOT_MISSING', 'the folder that RETUNE_FILES_ROOT names cannot be read', { cause: error });
    });
    const outside = new FilesRootError('OUTSIDE', `"${path}" is not below RETUNE_FILES_ROOT`);
    // Looked at before it is touched: an error must not tell whether something exists elsewhere.
    if (within(resolve(root, path), resolve(root)) === null && within(resolve(base, path), base) === null) throw outside;
    const real = await realpath(resolve(root, path)).catch((error: unknown) => {
      throw new FilesRootError('NOT_FOUND', `"${path}" does not exist below RETUNE_FILES_ROOT, or cannot be read`, { cause: error });
    });
    const below = within(real, base);
    if (below === null) throw outside;
    return { real, below: below.split(sep).join('/') };
  };

  async function* walk(
    at: LocalPath,
    seen: Set<string>,
    skipped: (reason: Skipped, path: string) => void,
  ): AsyncGenerator<LocalPath, void, undefined> {
    // Links can make a circle.
    if (seen.has(at.real)) return;
    seen.add(at.real);
    const names = await namesIn(at.real).catch(() => skipped('unreadable', at.below));
    if (names === 'file') yield at;
    if (!Array.isArray(names)) return;
    for (const name of names) {
      if (name.startsWith('.')) continue;
      const next = await find(join(at.real, name)).catch((error: unknown) => {
        if (!(error instanceof FilesRootError)) throw error;
        skipped(error.code === 'OUTSIDE' ? 'outside_files_root' : 'unreadable', at.below === '' ? name : `${at.below}/${name}`);
        return null;
      });
      if (next !== null) yield* walk(next, seen, skipped);
    }
  }

  return {
    find,
    async *files(path, skipped) {
      yield* walk(await find(path), new Set(), skipped);
    },
  };
};
