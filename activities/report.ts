// The report of a run, gathered from its record, its stages' manifests and their files: runs/<id>/<execution>/report.html.
import { log } from '@temporalio/activity';
import type { CpuActivities } from '../contracts/activities';
import { type Counts, type Manifest, type RunRecord, type StageRef, VERBS, type Verb } from '../contracts/artifacts';
import { failure } from '../contracts/errors';
import type { PipelineInput } from '../contracts/input';
import { targetOf } from '../contracts/names';
import { type Dropped, Example } from '../contracts/records';
import { readDropped } from '../io/exclusion-shelf';
import { readManifest, stageFolder } from '../io/manifest';
import { createPageShelf } from '../io/page-shelf';
import { collectionPath, readRun, reportPath } from '../io/runs';
import type { Store } from '../io/store';
import { readLosses } from '../lib/chart';
import type { Evaluation } from '../lib/evaluate';
import { type Fate, tallyFates } from '../lib/fates';
import { report, type ReportData, type ReportStage } from '../lib/report';
import type { Statistics } from '../lib/statistics';
import { trainingFacts } from '../lib/training';
import { decodeTokenFile } from '../lib/token-file';
import { readVocabulary } from '../lib/vocabulary';
import { collectionOf, type Part } from './collection';
import { createPointer } from './pointer';
import { provenance } from './provenance';
import { requireStore, stageRows } from './stage';

const SAMPLES = 6;
const MASKS = 3;
const FATE_EXAMPLES = 5;

export const createReport = ({ store }: { store: Store }): Pick<CpuActivities, 'report'> => ({
  async report(storeId, run) {
    requireStore(store, storeId);
    const record = await readRun(store, run.runId, run.executionId);
    if (record === null) throw failure('ArtifactCorrupt', `the store has no record of run ${run.runId} (${run.executionId})`);
    const path = reportPath(run);
    const data = await gather(store, record);
    if (data.collection !== null) await store.putFile(collectionPath(run), `${JSON.stringify(data.collection, null, 2)}\n`);
    await store.putFile(path, report(data));
    return path;
  },
});

/** A part that cannot be read is left out with a word in the log: a report must not fail the run that it is about. */
const part: Part = async (name, read, otherwise) => {
  try {
    return await read();
  } catch (error) {
    log.warn(`report without ${name}`, { error: error instanceof Error ? error.message : String(error) });
    return otherwise;
  }
};

const gather = async (store: Store, record: RunRecord): Promise<ReportData> => {
  const input = record.input as PipelineInput | null;
  const stage = (verb: Verb): StageRef | undefined => record.stages[verb]?.[0];
  const format = stage('format');
  const sources = format === undefined ? [] : await part('sources', async () => originsOf(store, format), []);
  const statistics = await part('statistics', async () => readJson<Statistics>(store, format, 'statistics.json'), null);
  return {
    title: input?.name ?? record.runId,
    runId: record.runId,
    status: record.status,
    reason: record.reason,
    date: record.date,
    base: record.base === null ? null : { name: record.base.id, random: record.base.id === 'tiny-gpt-oss' },
    stages: VERBS.map((verb) => stageRow(verb, record)),
    collection: await collectionOf(store, record, part),
    fates: await part('fates', async () => fatesOf(store, record), []),
    evaluation: await part('evaluation', async () => evaluationOf(store, record, input), null),
    losses: await part('losses', async () => lossesOf(store, stage('train')), null),
    training: trainingFacts((await part('training', async () => manifestOf(store, stage('train')), null))?.facts.metrics ?? {}),
    statistics,
    samples: format === undefined ? [] : await part('samples', async () => samplesOf(store, format), []),
    masks: await part('masks', async () => masksOf(store, record), { rows: [] }),
    sources,
    places: await part('places', async () => placesOf(store, record), []),
    provenance: [
      ...(record.base === null ? [] : [{ name: 'base weights', digest: record.base.weightsDigest }]),
      ...VERBS.flatMap((verb) => (record.stages[verb] ?? []).map((ref) => ({ name: verb, digest: ref.outputDigest }))),
    ],
    next: nextOf(record),
  };
};

const sum = (all: readonly Counts[]): Counts => {
  const total: Counts = {};
  for (const counts of all) for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count;
  return total;
};

const stageRow = (verb: Verb, { stages, computed, status }: RunRecord): ReportStage => {
  const refs = stages[verb];
  if (refs === undefined) {
    const state = status === 'running' ? 'waiting' : status === 'failed' || status === 'cancelled' ? 'not done' : 'skipped';
    return { verb, state, counts: {}, reasons: {} };
  }
  return {
    verb,
    state: computed.includes(verb) ? 'done' : 'reused',
    counts: sum(refs.map((ref) => ref.counts)),
    reasons: sum(refs.map((ref) => ref.reasons)),
  };
};

const manifestOf = async (store: Store, ref: StageRef | undefined): Promise<Manifest | null> =>
  ref === undefined ? null : readManifest(store, ref.verb, ref.key);

/** A file of a finished stage; null when the stage or the file is not there. */
const readFile = async (store: Store, ref: StageRef | undefined, name: string): Promise<Buffer | null> => {
  const manifest = await manifestOf(store, ref);
  return manifest === null || ref === undefined ? null : store.read(`${stageFolder(ref.verb, ref.key, manifest.facts.fence)}/${name}`);
};

const readJson = async <T>(store: Store, ref: StageRef | undefined, name: string): Promise<T | null> => {
  const data = await readFile(store, ref, name);
  return data === null ? null : (JSON.parse(data.toString('utf8')) as T);
};

/** This run's own evaluation; an unchanged run stops before it, so it shows that of what it is unchanged from. */
const evaluationOf = async (store: Store, record: RunRecord, input: PipelineInput | null): Promise<ReportData['evaluation']> => {
  type File = Omit<Evaluation, 'answers'> & { answers: { question: string; base: string; tuned: string }[] };
  const own = await readJson<File>(store, record.stages.evaluate?.[0], 'evaluation.json');
  if (own !== null || record.status !== 'unchanged' || input === null) return own;
  const pointer = await createPointer({ store }).readPointer(store.storeId, targetOf(input.publish.model, input.name));
  return readJson<File>(store, pointer?.prepared, 'model/evaluation.json');
};

const fatesOf = async (store: Store, { stages }: RunRecord): Promise<Fate[]> => {
  const rows = async function* (): AsyncGenerator<Dropped> {
    for (const verb of VERBS) for (const ref of stages[verb] ?? []) yield* readDropped(store, ref);
  };
  return tallyFates(rows(), FATE_EXAMPLES);
};

const lossesOf = async (store: Store, train: StageRef | undefined): Promise<ReportData['losses']> => {
  const metrics = await readFile(store, train, 'metrics.jsonl');
  return metrics === null ? null : readLosses(metrics.toString('utf8'));
};

/** Training examples of different pages, spread over the whole file. */
const samplesOf = async (store: Store, format: StageRef): Promise<ReportData['samples']> => {
  const rows: Example[] = [];
  for await (const example of stageRows(store, format, 'data/train.jsonl', Example)) rows.push(example);
  const every = Math.max(1, Math.floor(rows.length / SAMPLES));
  const chosen = rows.filter((_, index) => index % every === 0).slice(0, SAMPLES);
  return chosen.map(({ messages, kind, url, anchor, path }) => ({
    instruction: messages.find((message) => message.role === 'user')?.content ?? '',
    response: messages.at(-1)?.content ?? '',
    kind,
    url,
    anchor,
    path,
  }));
};

/** Other models' ids need their tokenizer, which lies beside the merged model. */
const masksOf = async (store: Store, record: RunRecord): Promise<ReportData['masks']> => {
  const tokens = await readFile(store, record.stages.format?.[0], 'tokens/train.safetensors');
  if (tokens === null || record.base === null) return { rows: [] };
  const rows = decodeTokenFile(tokens).rows.slice(0, MASKS);
  if (record.base.family === 'gpt-oss') return { rows };
  const tokenizer = await readJson<unknown>(store, record.stages.convert?.[0], 'merged/tokenizer.json');
  return tokenizer === null ? { rows: [] } : { rows, bytesOf: readVocabulary(tokenizer) };
};

const originsOf = async (store: Store, format: StageRef): Promise<ReportData['sources']> => {
  const examples = async function* (): AsyncGenerator<Example> {
    const outputs = (await manifestOf(store, format))?.content.outputs ?? [];
    for (const { name } of outputs) if (/^data\/\w+\.jsonl$/.test(name)) yield* stageRows(store, format, name, Example);
  };
  const origins = await provenance(examples(), createPageShelf(store));
  return origins.map(({ url, fetchedAt, examples: count }) => ({ url, fetchedAt, examples: count }));
};

const placesOf = async (store: Store, record: RunRecord): Promise<ReportData['places']> => {
  const shelves: [Verb, string, string][] = [
    ['train', 'adapter', ''],
    ['convert', 'model files', ''],
    ['format', 'dataset', '/data'],
    ['publish', 'model repository, prepared', '/model'],
    ['publish', 'dataset repository, prepared', '/dataset'],
  ];
  const places: { name: string; at: string }[] = [];
  for (const [verb, name, folder] of shelves) {
    const manifest = await manifestOf(store, record.stages[verb]?.[0]);
    if (manifest !== null)
      places.push({ name, at: `${store.uri}/${stageFolder(verb, manifest.facts.key, manifest.facts.fence)}${folder}` });
  }
  const hub = Object.entries(record.hub).filter(([name]) => name === 'model' || name === 'dataset');
  return [...places, ...hub.map(([name, at]) => ({ name: `${name} on the Hub`, at }))];
};

const nextOf = ({ runId, status, stages }: RunRecord): ReportData['next'] => [
  ...(stages.train === undefined
    ? []
    : [
        { command: `npx retune ask ${runId} "a question"`, does: 'ask the tuned model; --base asks the base' },
        { command: `npx retune preview ${runId}`, does: 'see which tokens are trained on' },
      ]),
  ...(status === 'failed' || status === 'cancelled'
    ? [{ command: `npx retune resume ${runId}`, does: 'go on where it stopped: finished stages are reused' }]
    : []),
  { command: 'npx retune up', does: "bring back Temporal's UI with the history of all runs" },
];
