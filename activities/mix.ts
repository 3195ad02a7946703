// General instruction data, brought into the store once: a file of the worker or a Hub dataset at a commit.
import { readFile, stat } from 'node:fs/promises';
import { downloadFile, listFiles } from '@huggingface/hub';
import type { CpuActivities } from '../contracts/activities';
import { failure } from '../contracts/errors';
import type { Config } from '../io/config';
import { createFilesRoot } from '../io/files-root';
import type { Store } from '../io/store';
import { sha256 } from '../lib/hash';
import { mixSource } from '../lib/mix';
import { withPulse } from './pulse';
import { requireStore } from './stage';

export interface MixDeps {
  store: Store;
  config: Pick<Config, 'filesRoot' | 'hub'>;
}

const MOST_BYTES = 512 * 1024 * 1024;

export const mixPath = (digest: string): string => `mix/${digest}.jsonl`;

const fromFile = async (root: string | null, name: string): Promise<string> => {
  if (root === null) throw failure('ConfigMissing', 'mix.source names a file, and RETUNE_FILES_ROOT is not set on this worker');
  const refuse = (why: string) => failure('InvalidInput', `mix.source ${name} ${why}`);
  if (!/\.jsonl$/.test(name)) throw refuse('is no .jsonl file: Parquet and other formats are not read');
  const { real } = await createFilesRoot(root)
    .find(name)
    .catch(() => {
      throw refuse('is not below RETUNE_FILES_ROOT');
    });
  if ((await stat(real)).size > MOST_BYTES) throw refuse(`is larger than ${MOST_BYTES} bytes`);
  return readFile(real, 'utf8');
};

const fromHub = async ({ endpoint, token }: Config['hub'], dataset: string, revision: string): Promise<string> => {
  const at = {
    repo: { type: 'dataset' as const, name: dataset },
    revision,
    hubUrl: endpoint,
    ...(token === null ? {} : { accessToken: token.reveal() }),
  };
  const paths: string[] = [];
  let bytes = 0;
  try {
    for await (const file of listFiles({ ...at, recursive: true }))
      if (file.type === 'file' && /\.jsonl$/.test(file.path)) {
        paths.push(file.path);
        bytes += file.size;
      }
  } catch (error) {
    throw failure('RemoteUnavailable', `mix.source: the files of dataset ${dataset}@${revision} cannot be listed`, { cause: error });
  }
  // A dataset with a part for training is read in that part only.
  const training = paths.filter((path) => /train/.test(path));
  const chosen = (training.length > 0 ? training : paths).sort();
  if (chosen.length === 0) throw failure('InvalidInput', `mix.source: dataset ${dataset} has no .jsonl file: Parquet is not read`);
  if (bytes > MOST_BYTES) throw failure('InvalidInput', `mix.source: dataset ${dataset} is larger than ${MOST_BYTES} bytes`);
  const texts: string[] = [];
  for (const path of chosen) {
    const blob = await downloadFile({ ...at, path }).catch((error: unknown) => {
      throw failure('RemoteUnavailable', `mix.source: ${path} of dataset ${dataset} cannot be read`, { cause: error });
    });
    if (blob === null) throw failure('RemoteRefused', `mix.source: ${path} of dataset ${dataset} is not there`);
    texts.push(await blob.text());
  }
  return texts.map((text) => (text.endsWith('\n') ? text : `${text}\n`)).join('');
};

export const createMix = ({ store, config }: MixDeps): Pick<CpuActivities, 'resolveMix'> => ({
  async resolveMix({ storeId, source }) {
    requireStore(store, storeId);
    return withPulse(async () => {
      const from = mixSource(source);
      const text = 'file' in from ? await fromFile(config.filesRoot, from.file) : await fromHub(config.hub, from.dataset, from.revision);
      const digest = sha256(text);
      if ((await store.stat(mixPath(digest))) === null) await store.putFile(mixPath(digest), text);
      return digest;
    });
  },
});
