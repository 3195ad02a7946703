// What the two cards say, gathered from the stages that a publication is made of.
import { z } from 'zod';
import type { KeyedTask } from '../contracts/activities';
import type { BaseModel, Manifest } from '../contracts/artifacts';
import { failure } from '../contracts/errors';
import type { PipelineInput } from '../contracts/input';
import { stageFolder } from '../io/manifest';
import type { Store } from '../io/store';
import { datasetCard } from '../lib/dataset-card';
import type { Evaluation } from '../lib/evaluate';
import { modelCard, type ModelCardData } from '../lib/model-card';
import type { Statistics } from '../lib/statistics';

/** The stages that a publication is made of. */
export interface Sources {
  format: Manifest;
  train: Manifest;
  evaluate: Manifest;
  convert: Manifest;
}

export interface CardRequest {
  store: Store;
  task: KeyedTask;
  base: BaseModel;
  /** Hub repository or local/<name>. */
  target: string;
  sources: Sources;
  layout: ModelCardData['layout'];
  /** URLs of the pages that have an example. */
  pages: readonly string[];
}

/** Licences of bases whose card we know; the others' stays open. */
const LICENSES: [RegExp, string][] = [
  [/^openai\/gpt-oss-/, 'apache-2.0'],
  [/^smollm2-135m-instruct$|^HuggingFaceTB\/SmolLM2-/, 'apache-2.0'],
];

const Proofs = z.object({ proofs: z.record(z.string(), z.object({ verdict: z.string() })) });

export const cards = async ({
  store,
  task,
  base,
  target,
  sources,
  layout,
  pages,
}: CardRequest): Promise<{ model: string; dataset: string }> => {
  const publish = task.config.publish as PipelineInput['publish'];
  const { format, train, evaluate, convert } = sources;
  const statistics = await readJson<Statistics>(store, format, 'statistics.json');
  const evaluation = await readJson<Evaluation>(store, evaluate, 'evaluation.json');
  const proofs = Proofs.safeParse(convert.facts.metrics);
  const formatConfig = (format.facts.config as Pick<PipelineInput, 'format'>).format;
  const name = target.split('/').at(-1) ?? target;
  const { retune = 'unknown', ...versions } = train.facts.versions;
  const { steps = 0, tokens = 0, supervised_tokens: supervisedTokens = 0 } = train.facts.counts;
  return {
    model: modelCard({
      title: name,
      repository: publish.model,
      dataset: publish.dataset,
      base,
      license: LICENSES.find(([known]) => known.test(base.id))?.[1] ?? null,
      layout,
      train: (train.facts.config as Pick<PipelineInput, 'train'>).train,
      format: formatConfig,
      trained: { steps, tokens, supervisedTokens, finalLoss: Number(train.facts.metrics['finalLoss']) },
      statistics,
      evaluation,
      proofs: proofs.success
        ? Object.entries(proofs.data.proofs).map(([form, { verdict }]) => ({ format: form, result: verdict.replaceAll('_', ' ') }))
        : [],
      provenance: [
        { name: 'base weights', digest: base.weightsDigest },
        ...Object.entries<Manifest>({ ...sources }).map(([verb, { outputDigest }]) => ({ name: verb, digest: outputDigest })),
      ],
      versions,
      version: retune,
    }),
    dataset: datasetCard({
      title: publish.dataset?.split('/').at(-1) ?? `${name} dataset`,
      repository: publish.dataset,
      statistics,
      pages,
      mix: (format.facts.config as Partial<PipelineInput>).mix ?? null,
      reasons: format.facts.reasons,
      family: base.family,
      config: formatConfig,
      digest: format.outputDigest,
      version: format.facts.versions['retune'] ?? 'unknown',
    }),
  };
};

/** Our own file of a finished stage, written by the same release or refused by its schema at the stage's key. */
const readJson = async <T>(store: Store, { content, facts }: Manifest, name: string): Promise<T> => {
  const path = `${stageFolder(content.stage, facts.key, facts.fence)}/${name}`;
  const data = await store.read(path);
  if (data === null) throw failure('ArtifactCorrupt', `${path} is gone; start the run again`);
  return JSON.parse(data.toString('utf8')) as T;
};
