// What a Hub repository remembers: commits, each with its whole tree, and LFS objects beside them.
import { createHash } from 'node:crypto';

export interface HubFile {
  path: string;
  content: Buffer;
  lfs: boolean;
}

export interface HubCommit {
  id: string;
  parent: string | null;
  title: string;
  message: string;
  date: string;
  tree: Map<string, HubFile>;
}

export const sha1 = (data: string | Buffer): string => createHash('sha1').update(data).digest('hex');
export const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

/** The id that git gives to a blob. */
export const gitBlobId = (content: Buffer): string => sha1(Buffer.concat([Buffer.from(`blob ${content.length}\0`), content]));

const pointer = (content: Buffer): Buffer =>
  Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${sha256(content)}\nsize ${content.length}\n`);

/** One entry of the tree call. */
export const treeEntry = (file: HubFile): Record<string, unknown> => ({
  type: 'file',
  path: file.path,
  size: file.content.length,
  oid: gitBlobId(file.lfs ? pointer(file.content) : file.content),
  ...(file.lfs ? { lfs: { oid: sha256(file.content), size: file.content.length, pointerSize: pointer(file.content).length } } : {}),
});

/** By size or suffix, as the Hub's own .gitattributes would. */
export const isLfs = (path: string, size: number): boolean => size >= 10 * 1024 * 1024 || /\.(safetensors|parquet|bin|gz|zst)$/.test(path);

export class HubRepository {
  readonly commits: HubCommit[] = [];
  /** LFS objects by sha256. */
  readonly objects = new Map<string, Buffer>();

  constructor(
    readonly kind: 'model' | 'dataset',
    readonly name: string,
    readonly isPrivate: boolean,
  ) {
    this.commit(
      'initial commit',
      '',
      [{ path: '.gitattributes', content: Buffer.from('*.safetensors filter=lfs diff=lfs merge=lfs -text\n'), lfs: false }],
      [],
    );
  }

  get head(): HubCommit {
    const head = this.commits.at(-1);
    if (head === undefined) throw new Error('a repository has a first commit');
    return head;
  }

  /** A commit by id, or the newest for a branch name. */
  at(revision: string): HubCommit | undefined {
    return revision === 'main' || revision === 'HEAD' ? this.head : this.commits.find((commit) => commit.id === revision);
  }

  commit(title: string, message: string, add: HubFile[], remove: string[]): HubCommit {
    const parent = this.commits.at(-1) ?? null;
    const tree = new Map(parent?.tree);
    for (const path of remove) tree.delete(path);
    for (const file of add) tree.set(file.path, file);
    const id = sha1(
      `${parent?.id}\n${title}\n${message}\n${this.commits.length}\n${[...tree.values()].map((file) => `${file.path} ${gitBlobId(file.content)}`).join('\n')}`,
    );
    const commit = { id, parent: parent?.id ?? null, title, message, date: new Date().toISOString(), tree };
    this.commits.push(commit);
    return commit;
  }
}
