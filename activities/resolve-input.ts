// The first activity: checks, completes and describes the input. Fetches nothing, needs no GPU, no token.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CpuActivities } from '../contracts/activities';
import { failure } from '../contracts/errors';
import { targetOf } from '../contracts/names';
import type { Config } from '../io/config';
import type { Store } from '../io/store';
import { digest, hashable } from '../lib/hash';
import { namesPages } from '../lib/intake';
import { completeInput, isEmptyInput, problemText } from '../lib/presets';
import { refuseWithoutGpu } from './device';

const readPreset = async (folder: string, name: string): Promise<{ name: string; content: unknown }> => {
  let text: string;
  try {
    text = await readFile(join(folder, `${name}.json`), 'utf8');
  } catch (error) {
    const known = await readdir(folder).then(
      (files) =>
        files
          .filter((file) => file.endsWith('.json'))
          .map((file) => file.slice(0, -5))
          .sort(),
      () => [],
    );
    throw failure('InvalidInput', `preset: there is no "${name}" on this worker (RETUNE_PRESETS has ${known.join(', ') || 'none'})`, {
      cause: error,
    });
  }
  try {
    return { name, content: JSON.parse(text) as unknown };
  } catch (error) {
    throw failure('InvalidInput', `preset "${name}" is no valid JSON: ${(error as Error).message}`, { cause: error });
  }
};

export const createResolveInput = (deps: {
  store: Store;
  config: Config;
  attributes: () => boolean;
}): Pick<CpuActivities, 'resolveInput'> => ({
  async resolveInput(raw) {
    const given = isEmptyInput(raw) ? { preset: 'default' } : raw;
    const named =
      typeof given === 'object' && given !== null && 'preset' in given && typeof given.preset === 'string' ? given.preset : null;
    const preset = named !== null && /^[\w-]+$/.test(named) ? await readPreset(deps.config.presets, named) : null;
    const completed = completeInput(given, preset);
    if ('problems' in completed) throw failure('InvalidInput', problemText(completed.problems));
    const { input } = completed;
    if (!namesPages(input.source))
      throw failure(
        'InvalidInput',
        'source names no page: give source.urls, list, sitemaps or files, for example {"source": {"urls": ["https://example.org/docs/"]}}',
      );
    refuseWithoutGpu(input.model.base, deps.config.device === 'cpu');
    return {
      input,
      inputDigest: digest(hashable(input)),
      storeId: deps.store.storeId,
      store: deps.store.uri,
      searchAttributes: deps.attributes(),
      target: targetOf(input.publish.model, input.name),
      settingsDigest: digest(
        hashable({ evaluate: input.evaluate, gate: input.gate, convert: input.convert, publish: { ...input.publish, approval: null } }),
      ),
    };
  },
});
