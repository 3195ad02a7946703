// Dedup on a real store: whatever the shards, the same bytes.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createDedup } from '../../activities/dedup';
import { createDedupParts, partsFolder } from '../../activities/dedup-parts';
import { keyOf, manifestOf, stagePath } from '../../activities/stage';
import type { DedupPart, KeyedTask, StageTask } from '../../contracts/activities';
import type { StageRef } from '../../contracts/artifacts';
import { PipelineInput } from '../../contracts/input';
import type { Document } from '../../contracts/records';
import { systemClock } from '../../io/clock';
import { stageFolder, writeManifest } from '../../io/manifest';
import { openStore, type Store } from '../../io/store';
import { dedup } from '../../lib/dedup';
import { digest, sha256 } from '../../lib/hash';
import { toLine } from '../../lib/jsonl';
import { sealManifest } from '../../lib/manifest';
import { documentsWithDuplicates } from '../support/documents';

jest.setTimeout(120_000);

const input = PipelineInput.parse({});
const run = { runId: 'run', executionId: 'execution' };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dedup-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const cleaned = async (store: Store, name: string, documents: readonly Document[]): Promise<StageRef> => {
  const key = digest({ name, ids: documents.map(({ id }) => id) });
  const text = documents.map(toLine).join('');
  const output = { name: 'documents.jsonl', rows: documents.length, bytes: Buffer.byteLength(text), sha256: sha256(text) };
  await store.putFile(`${stageFolder('clean', key, 1)}/documents.jsonl`, text);
  const facts = { inputs: {}, config: {}, counts: {}, reasons: {}, metrics: {}, startedAt: '', finishedAt: '', host: 'h', versions: {} };
  const content = { schema: 1 as const, stage: 'clean' as const, version: 1, outputs: [output] };
  const { outputDigest } = await writeManifest(store, sealManifest({ content, facts: { key, fence: 1, sidecars: [], ...facts } }));
  return { verb: 'clean', key, outputDigest, counts: {}, reasons: {} };
};

const within = async <A, R>(act: (argument: A) => Promise<R>, argument: A): Promise<R> =>
  new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') }).run<[A], R, (argument: A) => Promise<R>>(act, argument);

/** The stage as the workflow runs it. */
const runDedup = async (
  store: Store,
  shards: readonly (readonly Document[])[],
  stop?: 'before the merge',
): Promise<{ task: KeyedTask; ref: StageRef | null }> => {
  const deps = { store, clock: systemClock, host: 'host', versions: {} };
  const parts = createDedupParts(deps);
  const inputs: Record<string, StageRef> = {};
  for (const [index, documents] of shards.entries()) inputs[`s${index}`] = await cleaned(store, `s${index}`, documents);
  const config = { dedup: { ...input.dedup, similarity: 0.8, boilerplatePages: 5 } };
  const task: StageTask = { verb: 'dedup', run, storeId: store.storeId, config, inputs, digests: {} };
  const keyed = { ...task, key: keyOf(task), heartbeatSeconds: 30 };
  const each = Object.entries(inputs).map(([name, ref]): DedupPart => ({ storeId: store.storeId, key: keyed.key, name, documents: ref }));
  for (const part of each) await within(parts.surveyShard, part);
  await within(parts.findBoilerplate, { storeId: store.storeId, key: keyed.key, names: Object.keys(inputs), leastPages: 5 });
  for (const part of each) await within(parts.signShard, part);
  return { task: keyed, ref: stop === undefined ? await within(createDedup(deps).dedup, keyed) : null };
};

const outputs = async (store: Store, ref: StageRef): Promise<string[]> =>
  Promise.all(
    ['sections.jsonl', 'dropped.jsonl'].map(async (name) => (await store.read(await stagePath(store, ref, name)))!.toString('utf8')),
  );

test('one shard, many, or none in order: the sections, the dropped and the counts are the same', async () => {
  const documents = documentsWithDuplicates(120, 1);
  const whole = await dedup(documents, { similarity: 0.8, boilerplatePages: 5 });
  expect(whole.counts.near_duplicate).toBeGreaterThan(20);
  expect(whole.counts.exact_duplicate).toBeGreaterThan(20);
  expect(whole.counts.boilerplateBlocks).toBe(119);
  expect(whole.counts.too_short).toBeGreaterThan(20);
  const wanted = [whole.sections, whole.dropped].map((rows) => rows.map(toLine).join(''));
  const split = (count: number, of: readonly Document[]): Document[][] =>
    Array.from({ length: count }, (_, shard) => of.filter((document) => Number.parseInt(document.id.slice(0, 4), 16) % count === shard));
  const layouts = [[documents], [[...documents].reverse()], split(7, documents), split(64, [...documents].reverse())];
  for (const [index, shards] of layouts.entries()) {
    const store = await openStore(join(folder, String(index)));
    const { ref } = await runDedup(store, shards);
    expect(await outputs(store, ref!)).toEqual(wanted);
    expect(ref!.counts).toEqual({ documents: 120, sections: whole.counts.kept, dropped: whole.dropped.length });
    const { near_duplicate, exact_duplicate, too_short } = whole.counts;
    expect(ref!.reasons).toEqual({ near_duplicate, exact_duplicate, too_short });
    expect((await manifestOf(store, ref!)).content.outputs.map(({ rows }) => rows)).toEqual([whole.dropped.length, whole.counts.kept]);
  }
});

test('parts that stand are not made again, and go when the stage is done', async () => {
  const store = await openStore(join(folder, 'store'));
  const shards = [documentsWithDuplicates(20, 2), documentsWithDuplicates(20, 3)];
  const { task } = await runDedup(store, shards, 'before the merge');
  const before = await store.list(partsFolder(task.key));
  expect(before.filter((path) => path.endsWith('/part.json'))).toHaveLength(2);
  const tags = await Promise.all(before.map(async (path) => (await store.readTagged(path))!.etag));
  await runDedup(store, shards, 'before the merge');
  expect(await Promise.all(before.map(async (path) => (await store.readTagged(path))!.etag))).toEqual(tags);
  const { ref } = await runDedup(store, shards);
  expect(await store.list(partsFolder(task.key))).toEqual([]);
  // A run that is still at its parts when another has finished has nothing left to do.
  expect((await runDedup(store, shards)).ref).toEqual(ref);
  expect(await store.list(partsFolder(task.key))).toEqual([]);
});

test('a shard that was not signed is named', async () => {
  const store = await openStore(join(folder, 'store'));
  const { task } = await runDedup(store, [documentsWithDuplicates(5, 4)], 'before the merge');
  await store.remove(`${partsFolder(task.key)}/s0/part.json`);
  const merge = createDedup({ store, clock: systemClock, host: 'host', versions: {} }).dedup;
  await expect(within(merge, task)).rejects.toMatchObject({ type: 'ArtifactCorrupt', message: expect.stringContaining('shard s0') });
});
