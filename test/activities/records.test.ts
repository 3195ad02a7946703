// The small notes that a run leaves and reads: pointer, approval, record.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApproval } from '../../activities/approval';
import { createPointer } from '../../activities/pointer';
import { createRunRecord } from '../../activities/run-record';
import { askAgain } from '../../cli/resume';
import type { Pointer, RunRecord, StageRef } from '../../contracts/artifacts';
import { readApproval, saveApproval } from '../../io/approvals';
import { readRun } from '../../io/runs';
import { openStore, type Store } from '../../io/store';

let folder: string;
let store: Store;
const digest = 'a'.repeat(64);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'records-'));
  store = await openStore(folder);
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const ref = (verb: StageRef['verb']): StageRef => ({ verb, key: digest, outputDigest: digest, counts: { files: 1 }, reasons: {} });
const pointer = (target: string, over: Partial<Pointer> = {}): Pointer => ({
  schema: 1,
  target,
  train: ref('train'),
  format: ref('format'),
  prepared: ref('publish'),
  baseWeightsDigest: digest,
  settingsDigest: digest,
  modelCommit: null,
  datasetCommit: null,
  ...over,
});

describe('the pointer', () => {
  test('is one a target, also where names differ only in a slash', async () => {
    const { readPointer, movePointer } = createPointer({ store });
    expect(await readPointer(store.storeId, 'team/tuned')).toBeNull();
    await movePointer(store.storeId, pointer('team/tuned', { modelCommit: 'c1' }));
    await movePointer(store.storeId, pointer('team%2Ftuned'));
    await movePointer(store.storeId, pointer('team/tuned', { modelCommit: 'c2' }));
    expect(await readPointer(store.storeId, 'team/tuned')).toEqual(pointer('team/tuned', { modelCommit: 'c2' }));
    expect(await readPointer(store.storeId, 'local/tuned')).toBeNull();
  });

  test('of a newer release is not taken for none', async () => {
    await store.putFile('published/local%2Ftuned.json', JSON.stringify({ ...pointer('local/tuned'), schema: 2 }));
    await expect(createPointer({ store }).readPointer(store.storeId, 'local/tuned')).rejects.toMatchObject({
      type: 'ArtifactCorrupt',
      nonRetryable: true,
    });
  });
});

test('a decision is found under what was decided about, and a later one replaces it', async () => {
  const { readApproval, saveApproval } = createApproval({ store });
  const no = { approved: false, by: 'Ada', note: 'too short', at: '2026-01-01T00:00:00.000Z' };
  expect(await readApproval(store.storeId, digest)).toBeNull();
  await saveApproval(store.storeId, digest, no);
  expect(await readApproval(store.storeId, digest)).toEqual(no);
  expect(await readApproval(store.storeId, 'b'.repeat(64))).toBeNull();
  await saveApproval(store.storeId, digest, { ...no, approved: true });
  expect((await readApproval(store.storeId, digest))?.approved).toBe(true);
});

test('a rejection stands until it is taken back, is then kept beside, and an approval cannot be taken back', async () => {
  const no = { approved: false, by: 'Ada', note: 'too short', at: '2026-01-01T00:00:00.000Z' };
  const record = { runId: 'demo', stages: { publish: [ref('publish')] } } as unknown as RunRecord;
  await expect(askAgain(store, record)).rejects.toThrow('nobody has decided');
  await saveApproval(store, digest, no);
  expect(await askAgain(store, record)).toEqual(no);
  expect(await readApproval(store, digest)).toBeNull();
  const [kept = ''] = await store.list('approvals/withdrawn');
  expect(JSON.parse((await store.read(kept))?.toString('utf8') ?? '')).toMatchObject(no);
  await saveApproval(store, digest, { ...no, approved: true });
  await expect(askAgain(store, record)).rejects.toThrow('approved by Ada');
  expect((await readApproval(store, digest))?.approved).toBe(true);
  await expect(askAgain(store, { ...record, stages: {} })).rejects.toThrow('has prepared nothing');
});

test('a run record is there for those who have no history', async () => {
  const record = {
    schema: 1 as const,
    runId: 'demo',
    executionId: 'e',
    raw: { preset: 'npm-manual' },
    input: null,
    base: null,
    date: '2026-01-01',
    stages: { train: [ref('train')] },
    computed: ['train' as const],
    status: 'running' as const,
    reason: null,
    verdict: null,
    hub: {},
    updatedAt: '2026-01-01',
  };
  await createRunRecord({ store }).saveRun(store.storeId, record);
  expect(await readRun(store, 'demo')).toEqual(record);
});

test.each([
  ['pointer', async () => createPointer({ store }).readPointer('other', 'a/b')],
  ['approval', async () => createApproval({ store }).readApproval('other', digest)],
])('a %s of another store is not looked for in this one', async (_, read) => {
  await expect(read()).rejects.toMatchObject({ type: 'ConfigMissing' });
});
