import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunRecord } from '../../contracts/artifacts';
import { listRuns, readRun, runFolder, writeRun } from '../../io/runs';
import { openStore, type Store } from '../../io/store';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runs-'));
  store = await openStore(folder);
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const record = (runId: string, executionId: string, date: string, over: Partial<RunRecord> = {}): RunRecord => ({
  schema: 1,
  runId,
  executionId,
  raw: {},
  input: null,
  base: null,
  date,
  stages: {},
  computed: [],
  status: 'running',
  reason: null,
  verdict: null,
  hub: {},
  updatedAt: date,
  ...over,
});

test('the newest execution of a workflow id answers for it', async () => {
  await writeRun(store, record('nightly/a', 'first', '2026-01-02T00:00:00.000Z'));
  await writeRun(store, record('nightly/a', 'second', '2026-01-03T00:00:00.000Z'));
  await writeRun(store, record('nightly', 'other', '2026-01-09T00:00:00.000Z'));
  expect((await readRun(store, 'nightly/a'))?.executionId).toBe('second');
  expect((await readRun(store, 'nightly/a', 'first'))?.executionId).toBe('first');
  expect(await readRun(store, 'nobody')).toBeNull();
  expect(await readRun(store, 'nightly/a', 'third')).toBeNull();
});

test('a record is replaced whole', async () => {
  await writeRun(store, record('a', 'e', '2026-01-02T00:00:00.000Z', { computed: ['clean', 'dedup'], reason: 'long' }));
  const last = record('a', 'e', '2026-01-02T00:00:00.000Z', { status: 'prepared' });
  await writeRun(store, last);
  expect(await readRun(store, 'a')).toEqual(last);
});

test('runs are listed newest first, and files beside them are none', async () => {
  for (const [id, day] of [
    ['b', '02'],
    ['a', '03'],
    ['c', '01'],
  ] as const)
    await writeRun(store, record(id, 'e', `2026-01-${day}T00:00:00.000Z`));
  await store.putFile(`${runFolder({ runId: 'a', executionId: 'e' })}/push-model.json`, '{}');
  await store.putFile(`${runFolder({ runId: 'a', executionId: 'e' })}/report.html`, '<html>');
  expect((await listRuns(store)).map((run) => run.runId)).toEqual(['a', 'b', 'c']);
});

test('a field of a newer release is ignored, a newer schema is refused by name', async () => {
  const path = `${runFolder({ runId: 'a', executionId: 'e' })}.json`;
  await store.putFile(path, JSON.stringify({ ...record('a', 'e', '2026-01-02T00:00:00.000Z'), later: 1 }));
  expect(await readRun(store, 'a')).toEqual(record('a', 'e', '2026-01-02T00:00:00.000Z'));
  await store.putFile(path, JSON.stringify({ schema: 2, runId: 'a' }));
  await expect(readRun(store, 'a')).rejects.toThrow(/runs\/a\/e\.json was written by a newer retune \(schema 2/);
});
