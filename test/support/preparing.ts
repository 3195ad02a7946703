// The stages from clean to format over given pages, through the real activities and a real store.
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClean } from '../../activities/clean';
import { createDedup } from '../../activities/dedup';
import { createDedupParts } from '../../activities/dedup-parts';
import { createFormat } from '../../activities/format';
import type { FormatDeps } from '../../activities/formatting';
import { createResolveLlm } from '../../activities/llm-pairs';
import { createMix } from '../../activities/mix';
import { createPair } from '../../activities/pair';
import { keyOf, stagePath } from '../../activities/stage';
import type { KeyedTask } from '../../contracts/activities';
import type { BaseModel, StageRef, Verb } from '../../contracts/artifacts';
import { PipelineInput } from '../../contracts/input';
import { systemClock } from '../../io/clock';
import { readConfig } from '../../io/config';
import { stageFolder, writeManifest } from '../../io/manifest';
import { bodyPath } from '../../io/page-shelf';
import { openStore, type Store } from '../../io/store';
import type { RunTrainer } from '../../io/trainer';
import { digest, sha256 } from '../../lib/hash';
import { sealManifest } from '../../lib/manifest';
import { mockEnvironment } from './collecting';

const BASE = {
  id: 'tiny-gpt-oss',
  publicId: 'tiny-gpt-oss',
  family: 'gpt-oss',
  revision: null,
  weightsDigest: 'c'.repeat(64),
  tokenizerDigest: 'a'.repeat(64),
  templateDigest: 'b'.repeat(64),
} as unknown as BaseModel;

export interface Preparing {
  store: Store;
  input: PipelineInput;
  clean(): Promise<StageRef>;
  /** From clean to pair. */
  pair(): Promise<StageRef>;
  /** From clean to format. */
  format(): Promise<StageRef>;
  read(ref: StageRef, name: string): Promise<string>;
  bytes(ref: StageRef, name: string): Promise<Uint8Array>;
  rows<T>(ref: StageRef, name: string): Promise<T[]>;
  close(): Promise<void>;
}

/** A model whose rows a trainer tokenises. */
interface ChatModel {
  base: BaseModel;
  runTrainer: RunTrainer;
  /** Folder with its tokenizer and template. */
  model: string;
}

/** Pages by URL, as HTML. Each call runs what has no manifest yet. */
export const openPreparing = async (
  pages: Record<string, string>,
  raw: Record<string, unknown> = {},
  env: Record<string, string> = {},
  chat: ChatModel | null = null,
): Promise<Preparing> => {
  const folder = await mkdtemp(join(tmpdir(), 'retune-prepare-'));
  const store = await openStore(folder);
  const input = PipelineInput.parse(raw);
  const config = { ...readConfig(env), home: folder };
  const deps: FormatDeps = {
    store,
    clock: systemClock,
    host: 'test',
    versions: {},
    config,
    runTrainer: chat?.runTrainer ?? (() => Promise.reject(new Error('no trainer here'))),
  };
  if (chat !== null) {
    // As the trainer leaves a base that it has made, so that it is not made again.
    const { id, revision, family, weightsDigest, tokenizerDigest, templateDigest } = chat.base;
    const made = join(folder, 'models', `${id.replace('/', '--')}@${revision}`);
    await cp(chat.model, made, { recursive: true });
    await writeFile(join(made, 'base.json'), JSON.stringify({ family, weightsDigest, tokenizerDigest, templateDigest }));
  }

  const rows = await Promise.all(
    Object.entries(pages).map(async ([url, html]) => {
      const body = Buffer.from(html);
      await store.putFile(bodyPath(sha256(body)), body);
      return { schema: 1, id: sha256(url), url, bodySha256: sha256(body), bodyBytes: body.length, format: 'html', charset: null };
    }),
  );
  const key = digest({ pages });
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const { sha256: hash, bytes } = await store.putFile(`${stageFolder('collect', key, 1)}/pages.jsonl`, text);
  const manifest = await writeManifest(
    store,
    sealManifest({
      content: { schema: 1, stage: 'collect', version: 1, outputs: [{ name: 'pages.jsonl', rows: rows.length, bytes, sha256: hash }] },
      facts: {
        key,
        fence: 1,
        inputs: {},
        config: {},
        counts: {},
        reasons: {},
        metrics: {},
        startedAt: '2026-01-01T00:00:00.000Z',
        finishedAt: '2026-01-01T00:00:01.000Z',
        host: 'test',
        versions: {},
        sidecars: [],
      },
    }),
  );
  const collected: StageRef = { verb: 'collect', key, outputDigest: manifest.outputDigest, counts: {}, reasons: {} };

  const task = (verb: Verb, inputs: Record<string, StageRef>, digests: Record<string, string> = {}): KeyedTask => {
    const asked = { verb, run: { runId: 'r', executionId: 'e' }, storeId: store.storeId, config: input, inputs, digests };
    return { ...asked, key: keyOf(asked), heartbeatSeconds: 30 };
  };
  const run = async <A extends unknown[]>(deed: (...given: A) => Promise<StageRef>, ...given: A): Promise<StageRef> =>
    mockEnvironment().run<A, StageRef, typeof deed>(deed, ...given);
  const clean = async (): Promise<StageRef> => run(createClean(deps).clean, task('clean', { pages: collected }));
  const pair = async (): Promise<StageRef> => {
    const documents = await clean();
    const dedup = task('dedup', { '00': documents });
    const part = { storeId: store.storeId, key: dedup.key, name: '00', documents };
    const { surveyShard, findBoilerplate, signShard } = createDedupParts(deps);
    await mockEnvironment().run<[typeof part], unknown, typeof surveyShard>(surveyShard, part);
    const survey = { storeId: store.storeId, key: dedup.key, names: ['00'], leastPages: input.dedup.boilerplatePages };
    await mockEnvironment().run<[typeof survey], unknown, typeof findBoilerplate>(findBoilerplate, survey);
    await mockEnvironment().run<[typeof part], unknown, typeof signShard>(signShard, part);
    const sections = await run(createDedup(deps).dedup, dedup);
    const llm: Record<string, string> = input.pair.llm.enabled ? { llm: await createResolveLlm(deps).resolveLlm() } : {};
    return run(createPair(deps).pair, task('pair', { sections }, llm));
  };
  const read = async (ref: StageRef, name: string): Promise<string> =>
    ((await store.read(await stagePath(store, ref, name))) ?? Buffer.alloc(0)).toString();
  return {
    store,
    input,
    clean,
    pair,
    format: async () => {
      const { source, share } = input.mix;
      const { resolveMix } = createMix({ store, config });
      const asked = source === null || share === 0 ? null : { storeId: store.storeId, source };
      const mix: Record<string, string> =
        asked === null ? {} : { mix: await mockEnvironment().run<[typeof asked], string, typeof resolveMix>(resolveMix, asked) };
      return run(createFormat(deps).format, task('format', { pairs: await pair() }, mix), chat?.base ?? BASE);
    },
    read,
    bytes: async (ref, name) => (await store.read(await stagePath(store, ref, name))) ?? Buffer.alloc(0),
    rows: async <T>(ref: StageRef, name: string) =>
      (await read(ref, name))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as T),
    close: () => rm(folder, { recursive: true, force: true }),
  };
};
