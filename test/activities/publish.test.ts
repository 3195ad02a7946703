import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createPublish } from '../../activities/publish';
import { keyOf, manifestOf } from '../../activities/stage';
import type { BaseModel, StageRef } from '../../contracts/artifacts';
import { PipelineInput } from '../../contracts/input';
import { systemClock } from '../../io/clock';
import { createPageShelf } from '../../io/page-shelf';
import { Secret } from '../../io/secret';
import { openStore, type Store } from '../../io/store';
import { HUB_TOKEN, HubStandIn } from '../support/hub';
import { finishedStages, PAGES } from '../support/stages';

const base: BaseModel = {
  id: 'tiny-gpt-oss',
  publicId: 'base',
  family: 'gpt-oss',
  revision: null,
  weightsDigest: 'b'.repeat(64),
  tokenizerDigest: 'c'.repeat(64),
  templateDigest: 'd'.repeat(64),
  origin: 'random weights, seed 1',
};
const input = PipelineInput.parse({ publish: { model: 'tester/tuned', dataset: 'tester/pages' } });
const run = { runId: 'run', executionId: 'execution' };
let folder: string;
let server: HubStandIn;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'publish-'));
  server = await HubStandIn.start();
});
afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

const activities = (store: Store, host = 'host') =>
  createPublish({
    store,
    clock: systemClock,
    host,
    versions: { retune: '0.1.0' },
    config: { hub: { endpoint: server.url, token: new Secret(HUB_TOKEN) }, publishNamespaces: null },
  });

/** One store with every stage before publish, and the publication prepared from it. */
const prepared = async (name: string, options: Parameters<typeof finishedStages>[1] = {}): Promise<{ store: Store; ref: StageRef }> => {
  const store = await openStore(join(folder, name));
  const { format, train, evaluate, convert } = await finishedStages(store, options);
  const inputs = { format, train, evaluate, convert };
  const task = {
    verb: 'publish' as const,
    run,
    storeId: store.storeId,
    config: { publish: input.publish },
    inputs,
    digests: { weights: base.weightsDigest, base: base.publicId, target: 'tester/tuned' },
  };
  const keyed = { ...task, key: keyOf(task), heartbeatSeconds: 30 };
  const environment = new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') });
  const ref = await environment.run<[typeof keyed, BaseModel, string], StageRef, ReturnType<typeof activities>['publish']>(
    activities(store, name).publish,
    keyed,
    base,
    'tester/tuned',
  );
  return { store, ref };
};
const text = async (store: Store, ref: StageRef, name: string): Promise<string> => {
  const { facts } = await manifestOf(store, ref);
  return (await store.read(`publish/${ref.key}/${facts.fence}/${name}`))?.toString('utf8') ?? '';
};

test('the model repository has the merged model at its root and the adapter beside it', async () => {
  const { store, ref } = await prepared('a');
  const { content, facts } = await manifestOf(store, ref);
  expect(content.outputs.map((output) => output.name)).toEqual([
    'dataset/README.md',
    'dataset/data/test.jsonl',
    'dataset/data/test.parquet',
    'dataset/data/train.jsonl',
    'dataset/data/train.parquet',
    'dataset/retune.json',
    'dataset/statistics.json',
    'model/README.md',
    'model/adapter/adapter_config.json',
    'model/adapter/adapter_model.safetensors',
    'model/config.json',
    'model/evaluation.json',
    'model/model.safetensors',
    'model/retune.json',
  ]);
  expect(facts.sidecars.map((output) => output.name)).toEqual(['dataset/provenance.jsonl', 'model/proof.json']);
});

test('without a merged model the adapter is at the root', async () => {
  const { store, ref } = await prepared('a', { formats: ['adapter'] });
  const names = (await manifestOf(store, ref)).content.outputs.map((output) => output.name);
  expect(names).toContain('model/adapter_config.json');
  expect(names.filter((name) => name.startsWith('model/adapter/'))).toEqual([]);
});

test('the same stages give the same bytes on another machine, at another time, fetched at another time', async () => {
  const one = await prepared('a', { fetchedAt: '2026-01-01T00:00:00.000Z', proof: '{"difference":1}' });
  const two = await prepared('b', { fetchedAt: '2026-02-02T00:00:00.000Z', proof: '{"difference":2}' });
  expect(two.ref).toEqual(one.ref);
});

test('each example leads back to its URL, content and fetch time', async () => {
  const { store, ref } = await prepared('a', { fetchedAt: '2026-01-01T00:00:00.000Z' });
  const origins = (await text(store, ref, 'dataset/provenance.jsonl'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(origins.map((origin) => origin['url'])).toEqual(PAGES.map((page) => page.url));
  expect(origins[0]).toMatchObject({ fetchedAt: '2026-01-01T00:00:00.000Z', examples: 2, provider: 'direct' });
  const fetched = await createPageShelf(store).read(String(origins[0]?.['pageId']));
  expect(origins[0]?.['bodySha256']).toBe(fetched?.page.bodySha256);
});

test('both cards have a front matter, name their sources, and hold no path of this machine', async () => {
  const { store, ref } = await prepared('a');
  for (const kind of ['model', 'dataset']) {
    const card = await text(store, ref, `${kind}/README.md`);
    expect(card).toMatch(/^---\n[^]+?\n---\n/);
    expect(card).toContain(new URL(PAGES[0]?.url ?? '').host);
    expect(card).not.toContain(folder);
  }
  expect(await text(store, ref, 'model/README.md')).toContain('tester/pages');
});

test('an output of convert that was damaged is not published, and convert runs again', async () => {
  const store = await openStore(join(folder, 'a'));
  const { convert } = await finishedStages(store);
  await store.putFile(`convert/${convert.key}/1/merged/model.safetensors`, 'damaged');
  await expect(prepared('a', { keep: true })).rejects.toMatchObject({ type: 'ArtifactCorrupt' });
  expect(await store.read(`convert/${convert.key}/manifest.json`)).toBeNull();
});

test('what was prepared is what arrives on the Hub, and a second push finds it there', async () => {
  const { store, ref } = await prepared('a');
  const task = { run, storeId: store.storeId, prepared: ref, publish: input.publish, heartbeatSeconds: 30 };
  const push = async () => new MockActivityEnvironment().run(activities(store).push, task);
  expect(await push()).toMatchObject({ outcome: 'pushed' });
  const { tree } = server.repository('model', 'tester/tuned').head;
  const { content, facts } = await manifestOf(store, ref);
  const files = [...content.outputs, ...facts.sidecars].filter((file) => file.name.startsWith('model/'));
  for (const { name } of files) expect(tree.get(name.slice('model/'.length))?.content.toString('utf8')).toBe(await text(store, ref, name));
  expect(tree.size).toBe(files.length + 1); // and .gitattributes
  task.run = { runId: 'run', executionId: 'next night' };
  expect(await push()).toMatchObject({ outcome: 'same' });
});
