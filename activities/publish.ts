// Prepares the two repositories as folders of the store: model files with their card, the dataset with its card, and
// in each the list of what was made from what. Pushing them is push.ts's part.
import type { CpuActivities, KeyedTask } from '../contracts/activities';
import type { BaseModel, Manifest, StageRef } from '../contracts/artifacts';
import { failure } from '../contracts/errors';
import type { RepositoryKind } from '../contracts/hub';
import { Example, SPLITS } from '../contracts/records';
import { stageFolder } from '../io/manifest';
import { createPageShelf } from '../io/page-shelf';
import { sha256 } from '../lib/hash';
import { fileList, LIST_FILE, modelPath } from '../lib/publish';
import { cards, type Sources } from './cards';
import { provenance } from './provenance';
import { createPush, type PushDeps } from './push';
import { type Box, manifestOf, runStage, type StageDeps, stageRows } from './stage';

export type PublishDeps = StageDeps & PushDeps;

export const createPublish = (deps: PublishDeps): Pick<CpuActivities, 'publish' | 'push'> => ({
  ...createPush(deps),
  async publish(task, base, target) {
    return runStage(deps, task, async (box) => prepare(deps, task, base, target, box));
  },
});

const prepare = async (deps: PublishDeps, task: KeyedTask, base: BaseModel, target: string, box: Box): Promise<void> => {
  const { store } = deps;
  const refs = task.inputs as Record<keyof Sources, StageRef>;
  const sources: Sources = {
    format: await manifestOf(store, refs.format),
    train: await manifestOf(store, refs.train),
    evaluate: await manifestOf(store, refs.evaluate),
    convert: await manifestOf(store, refs.convert),
  };
  const names = sources.convert.content.outputs.map((output) => output.name);
  const [hasMerged, hasAdapter] = ['merged/', 'adapter/'].map((folder) => names.some((name) => name.startsWith(folder))) as [
    boolean,
    boolean,
  ];

  const model = new Folder(deps, box, 'model');
  for (const name of names) {
    const path = modelPath(name, hasMerged);
    if (path !== null) await model.place(sources.convert, name, path);
  }
  await model.place(sources.evaluate, 'evaluation.json', 'evaluation.json');
  for (const { name } of sources.convert.facts.sidecars) {
    const proof = await store.read(`${folderOf(sources.convert)}/${name}`);
    if (proof !== null) await model.companion(name, proof);
  }

  const dataset = new Folder(deps, box, 'dataset');
  for (const { name } of sources.format.content.outputs)
    if (name.startsWith('data/') || name === 'statistics.json') await dataset.place(sources.format, name, name);
  const examples = async function* (): AsyncGenerator<Example> {
    for (const split of SPLITS) {
      const name = `data/${split}.jsonl`;
      if (sources.format.content.outputs.some((output) => output.name === name)) yield* stageRows(store, refs.format, name, Example);
    }
  };
  const origins = await provenance(examples(), createPageShelf(store));
  await dataset.companion('provenance.jsonl', origins.map((origin) => `${JSON.stringify(origin)}\n`).join(''));

  const layout = { merged: hasMerged ? '' : null, adapter: hasAdapter ? (hasMerged ? 'adapter' : '') : null };
  const texts = await cards({ store, task, base, target, sources, layout, pages: origins.map((origin) => origin.url) });
  await model.write('README.md', texts.model);
  await dataset.write('README.md', texts.dataset);

  const madeFrom = {
    base: base.publicId,
    baseWeights: base.weightsDigest,
    ...Object.fromEntries(Object.entries(refs).map(([name, ref]) => [name, `${ref.verb}/${ref.key} ${ref.outputDigest}`])),
  };
  await model.seal(madeFrom);
  await dataset.seal(madeFrom);
  box.counts = { model_files: model.files.length, dataset_files: dataset.files.length };
};

const folderOf = ({ content, facts }: Manifest): string => stageFolder(content.stage, facts.key, facts.fence);

/** One repository as a folder of the stage. */
class Folder {
  readonly files: { path: string; bytes: number; sha256: string; companion: boolean }[] = [];

  constructor(
    private readonly deps: PublishDeps,
    private readonly box: Box,
    private readonly kind: RepositoryKind,
  ) {}

  /** An output of an earlier stage, checked against that stage's manifest. */
  async place(from: Manifest, name: string, path: string): Promise<void> {
    const { store } = this.deps;
    const output = from.content.outputs.find((one) => one.name === name);
    if (output === undefined) throw failure('ArtifactCorrupt', `${folderOf(from)} has no ${name}`);
    this.box.pulse.details({ text: `${this.kind}/${path}` });
    const written = await this.box.putLocal(`${this.kind}/${path}`, await store.local(`${folderOf(from)}/${name}`));
    if (written.sha256 !== output.sha256) {
      await store.remove(`${from.content.stage}/${from.facts.key}/manifest.json`);
      throw failure(
        'ArtifactCorrupt',
        `${folderOf(from)}/${name} is not what its manifest says. Start the run again: ${from.content.stage} runs again`,
      );
    }
    this.files.push({ path, bytes: output.bytes, sha256: output.sha256, companion: false });
  }

  async write(path: string, text: string): Promise<void> {
    await this.box.put(`${this.kind}/${path}`, text);
    this.files.push({ path, bytes: Buffer.byteLength(text), sha256: sha256(text), companion: false });
  }

  /** A file that may vary while all else is the same. */
  async companion(path: string, data: string | Uint8Array): Promise<void> {
    await this.box.sidecar(`${this.kind}/${path}`, data);
    this.files.push({ path, bytes: Buffer.byteLength(data), sha256: sha256(data), companion: true });
  }

  /** The list of everything put here, last. */
  async seal(madeFrom: Record<string, string>): Promise<void> {
    await this.write(LIST_FILE, fileList(this.kind, madeFrom, this.files));
  }
}
