// General instruction data, brought into the store once as JSON Lines: a file of the worker or a Hub dataset at a commit.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { downloadFile, listFiles } from '@huggingface/hub';
import type { CpuActivities } from '../contracts/activities';
import { failure } from '../contracts/errors';
import type { Config } from '../io/config';
import { createFilesRoot, FilesRootError } from '../io/files-root';
import { type Bytes, ParquetError, parquetRows } from '../io/parquet-rows';
import type { Store } from '../io/store';
import { sha256 } from '../lib/hash';
import { toLine } from '../lib/jsonl';
import { MIX_COLUMNS, mixSource } from '../lib/mix';
import { withPulse } from './pulse';
import { requireStore } from './stage';

export interface MixDeps {
  store: Store;
  config: Pick<Config, 'filesRoot' | 'hub'>;
}

const MOST_BYTES = 512 * 1024 * 1024;
const IS_READ = /\.(?:jsonl|parquet)$/;

export const mixPath = (digest: string): string => `mix/${digest}.jsonl`;
/** A dataset at a commit is the same for ever: what it became is remembered under its name. */
const dataPath = (source: string): string => `mix/by-source/${sha256(source)}`;

type Chunks = AsyncIterable<Uint8Array | string>;

/** JSON Lines as they are; rows of Parquet as lines. */
async function* asLines(name: string, file: { bytes: Bytes; stream: () => AsyncIterable<Uint8Array> }): Chunks {
  if (!name.endsWith('.parquet')) {
    let last = 10;
    for await (const chunk of file.stream()) {
      yield chunk;
      last = chunk.at(-1) ?? last;
    }
    if (last !== 10) yield '\n';
    return;
  }
  try {
    for await (const row of parquetRows(file.bytes, MIX_COLUMNS)) yield toLine(row);
  } catch (error) {
    if (error instanceof ParquetError) throw failure('InvalidInput', `mix.source: ${name} ${error.message}`, { cause: error });
    throw error;
  }
}

async function* fromFile(root: string | null, name: string): Chunks {
  if (!IS_READ.test(name))
    throw failure('InvalidInput', `mix.source ${name} is no .jsonl and no .parquet file: other formats are not read`);
  const { real } = await createFilesRoot(root)
    .find(name)
    .catch((error: unknown) => {
      if (!(error instanceof FilesRootError)) throw error;
      const kind = error.code === 'FILES_ROOT_UNSET' || error.code === 'FILES_ROOT_MISSING' ? 'ConfigMissing' : 'InvalidInput';
      const mend = kind === 'ConfigMissing' ? '' : ': put the file there on every worker, or leave mix.source out';
      throw failure(kind, `mix.source: ${error.message}${mend}`, { cause: error });
    });
  const byteLength = (await stat(real)).size;
  if (byteLength > MOST_BYTES) throw failure('InvalidInput', `mix.source ${name} is larger than ${MOST_BYTES} bytes`);
  const handle = await open(real);
  try {
    const slice = async (start: number, end = byteLength): Promise<ArrayBuffer> => {
      const bytes = new Uint8Array(end - start);
      await handle.read(bytes, 0, bytes.length, start);
      return bytes.buffer;
    };
    yield* asLines(name, { bytes: { byteLength, slice }, stream: () => createReadStream(real) as AsyncIterable<Uint8Array> });
  } finally {
    await handle.close();
  }
}

async function* fromHub({ endpoint, token }: Config['hub'], dataset: string, revision: string): Chunks {
  const at = {
    repo: { type: 'dataset' as const, name: dataset },
    revision,
    hubUrl: endpoint,
    ...(token === null ? {} : { accessToken: token.reveal() }),
  };
  const found: { path: string; size: number }[] = [];
  try {
    for await (const { type, path, size } of listFiles({ ...at, recursive: true }))
      if (type === 'file' && IS_READ.test(path)) found.push({ path, size });
  } catch (error) {
    throw failure('RemoteUnavailable', `mix.source: the files of dataset ${dataset}@${revision} cannot be listed`, { cause: error });
  }
  // A dataset with a part for training is read in that part only, and in one of its formats.
  const only = (files: typeof found, test: RegExp): typeof found => {
    const some = files.filter(({ path }) => test.test(path));
    return some.length > 0 ? some : files;
  };
  const chosen = only(only(found, /train/), /\.parquet$/).sort((a, b) => (a.path < b.path ? -1 : 1));
  if (chosen.length === 0) throw failure('InvalidInput', `mix.source: dataset ${dataset} has no .parquet and no .jsonl file`);
  if (chosen.reduce((sum, { size }) => sum + size, 0) > MOST_BYTES)
    throw failure('InvalidInput', `mix.source: dataset ${dataset} is larger than ${MOST_BYTES} bytes`);
  for (const { path } of chosen) {
    const blob = await downloadFile({ ...at, path }).catch((error: unknown) => {
      throw failure('RemoteUnavailable', `mix.source: ${path} of dataset ${dataset} cannot be read`, { cause: error });
    });
    if (blob === null) throw failure('RemoteRefused', `mix.source: ${path} of dataset ${dataset} is not there`);
    const slice = (start: number, end?: number): Promise<ArrayBuffer> => blob.slice(start, end).arrayBuffer();
    yield* asLines(path, { bytes: { byteLength: blob.size, slice }, stream: () => blob.stream() });
  }
}

/** Through a file of this machine, since a name in the store is the digest of what it holds. @returns the digest */
const keep = async (store: Store, chunks: Chunks): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'retune-mix-'));
  try {
    const hash = createHash('sha256');
    const through = new Transform({
      transform(chunk: Buffer, _, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    const local = join(folder, 'rows.jsonl');
    await pipeline(Readable.from(chunks), through, createWriteStream(local));
    const digest = hash.digest('hex');
    if ((await store.stat(mixPath(digest))) === null) await store.putLocal(mixPath(digest), local);
    return digest;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

export const createMix = ({ store, config }: MixDeps): Pick<CpuActivities, 'resolveMix'> => ({
  async resolveMix({ storeId, source }) {
    requireStore(store, storeId);
    return withPulse(async () => {
      const from = mixSource(source);
      // A file may change between runs, and is read again.
      if ('file' in from) return keep(store, fromFile(config.filesRoot, from.file));
      const known = (await store.read(dataPath(source)))?.toString('utf8');
      if (known !== undefined && (await store.stat(mixPath(known))) !== null) return known;
      const digest = await keep(store, fromHub(config.hub, from.dataset, from.revision));
      await store.putFile(dataPath(source), digest);
      return digest;
    });
  },
});
