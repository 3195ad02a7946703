// What a repository should hold, what differs from what it holds, and the words of the one commit that mends it.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { HubFile, RepositoryKind } from '../contracts/hub';
import { digest } from './hash';

/** A prepared file, named by its path in the repository. */
export interface LocalFile {
  path: string;
  bytes: number;
  sha256: string;
  /** Git's blob id; needed only where the Hub keeps a regular file of the same size. */
  sha1: string | null;
  /** Goes along with a commit that another file caused, never causes one: fetch times, measured proofs. */
  companion: boolean;
}

export interface Change {
  /** Paths to add or replace, sorted. */
  add: string[];
  /** Paths to delete, sorted. */
  remove: string[];
}

/** The list of our files in each repository: what we may delete, and what made them. */
export const LIST_FILE = 'retune.json';

const FileList = z.object({ schema: z.literal(1), files: z.array(z.object({ path: z.string() })) });

/** Git's id of a blob: SHA-1 over "blob <bytes>\0" and the content. */
export const gitBlobId = (content: Uint8Array): string =>
  createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');

const same = (local: LocalFile, remote: HubFile): boolean => {
  if (local.bytes !== remote.bytes) return false;
  return remote.sha256 === null ? remote.sha1 !== null && local.sha1 === remote.sha1 : remote.sha256 === local.sha256;
};

/** Paths whose git blob id `compare` needs: a regular file of the same size is there. */
export const needBlobId = (local: readonly LocalFile[], remote: readonly HubFile[]): string[] => {
  const regular = new Map(remote.filter((file) => file.sha256 === null).map((file) => [file.path, file.bytes]));
  return local.filter((file) => regular.get(file.path) === file.bytes).map((file) => file.path);
};

/**
 * What makes the repository equal to the prepared files; both lists empty: nothing to do.
 * @param made paths that an earlier commit of ours put there (`madeBefore`); no other file is ever deleted
 */
export const compare = (local: readonly LocalFile[], remote: readonly HubFile[], made: readonly string[]): Change => {
  const there = new Map(remote.map((file) => [file.path, file]));
  const wanted = new Set(local.map((file) => file.path));
  const differs = local.filter((file) => {
    const other = there.get(file.path);
    return other === undefined || !same(file, other);
  });
  const remove = [...new Set(made)].filter((path) => there.has(path) && !wanted.has(path)).sort();
  const cause = remove.length > 0 || differs.some((file) => !file.companion);
  return { add: cause ? differs.map((file) => file.path).sort() : [], remove };
};

/** Paths that the list in the repository names; none for a list that is absent or not ours. */
export const madeBefore = (list: string | null): string[] => {
  if (list === null) return [];
  try {
    const parsed = FileList.safeParse(JSON.parse(list));
    // A list that somebody edited must not cost the repository its git settings.
    return parsed.success ? [...parsed.data.files.map((file) => file.path).filter((path) => !path.startsWith('.git')), LIST_FILE] : [];
  } catch {
    return [];
  }
};

/**
 * The list file's text. Companions are named without a hash: they may vary while all else is the same.
 * @param madeFrom keys and digests that lead from the repository back to the run's stages
 */
export const fileList = (kind: RepositoryKind, madeFrom: Record<string, string>, files: readonly Omit<LocalFile, 'sha1'>[]): string => {
  const entries = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const rows = entries.map(({ path, bytes, sha256, companion }) => (companion ? { path } : { path, bytes, sha256 }));
  return `${JSON.stringify({ schema: 1, kind, madeFrom, files: rows }, null, 2)}\n`;
};

/** Marks the one commit of an execution: how a push whose answer was lost finds out that it was done. */
export const commitMark = (executionId: string, repository: string, preparedDigest: string): string =>
  digest({ executionId, repository, preparedDigest }).slice(0, 16);

export interface CommitText {
  title: string;
  description: string;
}

/** Title with the mark, and a description that says what changed and what it was made from. */
export const commitText = (
  kind: RepositoryKind,
  mark: string,
  preparedDigest: string,
  madeFrom: Record<string, string>,
  change: Change,
): CommitText => ({
  title: `${kind === 'model' ? 'Fine-tuned model' : 'Dataset'} (retune ${mark})`,
  description: [
    `${change.add.length} files added or changed, ${change.remove.length} deleted.`,
    '',
    `prepared: ${preparedDigest}`,
    ...Object.entries(madeFrom).map(([name, value]) => `${name}: ${value}`),
  ].join('\n'),
});

/** The commit that carries the mark, if there is one. */
export const findMarked = <C extends { title: string }>(commits: readonly C[], mark: string): C | undefined =>
  commits.find((commit) => commit.title.includes(`(retune ${mark})`));

/**
 * Where a file of convert belongs in the model repository. The merged model loads by itself, so it is what users
 * meet at the root; the adapter lies beside it in adapter/, or at the root when nothing else was made.
 * @returns null for a file that is not published
 */
export const modelPath = (output: string, hasMerged: boolean): string | null => {
  if (output.startsWith('merged/')) return output.slice('merged/'.length);
  if (output.startsWith('adapter/')) return hasMerged ? output : output.slice('adapter/'.length);
  return null;
};
