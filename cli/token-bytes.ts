// Bytes of a base model's tokens, for commands that show them.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BaseModel } from '../contracts/artifacts';
import { materialise } from '../io/base-model';
import type { Config } from '../io/config';
import type { BytesOf } from '../lib/preview';
import { tokenBytes } from '../lib/tokens';
import { readVocabulary } from '../lib/vocabulary';
import { trainerOf } from './trainer';

/** GPT-OSS has its vocabulary here; another model's lies in its folder, which is made where it is not there yet. */
export const bytesOfBase = async (config: Config, base: BaseModel): Promise<BytesOf> => {
  if (base.family === 'gpt-oss') return tokenBytes;
  const runTrainer = trainerOf(config, 'preview');
  const { folder } = await materialise({ config, runTrainer }, base.id, base.revision, { signal: new AbortController().signal });
  return readVocabulary(JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8')));
};
