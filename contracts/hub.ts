// Words for what lies in a repository of the Hugging Face Hub.

export const REPOSITORY_KINDS = ['dataset', 'model'] as const;
export type RepositoryKind = (typeof REPOSITORY_KINDS)[number];

export interface Repository {
  kind: RepositoryKind;
  /** namespace/name */
  name: string;
}

/** A file of a commit; exactly one of the two hashes is known. */
export interface HubFile {
  path: string;
  bytes: number;
  /** Git's blob id of a regular file. */
  sha1: string | null;
  /** SHA-256 of a file in large-file storage. */
  sha256: string | null;
}
