import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createPointer } from '../../activities/pointer';
import { createReport } from '../../activities/report';
import type { RunRecord } from '../../contracts/artifacts';
import { PipelineInput } from '../../contracts/input';
import { writeRun } from '../../io/runs';
import { openStore, type Store } from '../../io/store';
import { finishedStages, PAGES, type Stages } from '../support/stages';

let folder: string;
let store: Store;
let stages: Stages;
const run = { runId: 'demo-1', executionId: 'execution' };
const input = PipelineInput.parse({ name: 'demo' });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'report-'));
  store = await openStore(folder);
  stages = await finishedStages(store);
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const page = async (over: Partial<RunRecord>): Promise<string> => {
  const { format, train, evaluate, convert } = stages;
  await writeRun(store, {
    schema: 1,
    ...run,
    raw: {},
    input,
    base: null,
    date: '2026-01-01T00:00:00.000Z',
    stages: { format: [format], train: [train], evaluate: [evaluate], convert: [convert] },
    computed: ['format', 'train'],
    status: 'prepared',
    reason: 'no HF_TOKEN on the worker: prepared locally, nothing pushed',
    verdict: null,
    hub: {},
    updatedAt: '2026-01-01T00:00:00.000Z',
    ...over,
  });
  const environment = new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') });
  const path = await environment.run<[string, typeof run], string, ReturnType<typeof createReport>['report']>(
    createReport({ store }).report,
    store.storeId,
    run,
  );
  expect(path).toBe('runs/demo-1/execution/report.html');
  return (await store.read(path))?.toString('utf8') ?? '';
};

test('the page says what was made, how it was judged and where it came from', async () => {
  const html = await page({});
  for (const text of [
    'no HF_TOKEN on the worker',
    'What is option 1?',
    'base says this',
    'tuned says that',
    ...PAGES.map(({ url }) => url),
    'npx retune ask demo-1',
    stages.train.key,
  ])
    expect(html).toContain(text);
  expect(html).toMatch(/<svg class="chart/); // losses of metrics.jsonl
});

test('a stage that was reused, one that ran and one that did not are told apart', async () => {
  const states = Object.fromEntries(
    [...(await page({})).matchAll(/<strong>(\w+)<\/strong><br>.*?<span class="pill[^"]*">(\w+)<\/span>/g)].map(([, verb, state]) => [
      verb,
      state,
    ]),
  );
  expect(states).toMatchObject({ collect: 'skipped', train: 'done', convert: 'reused' });
});

test('what a failed run did not come to is not called skipped', async () => {
  const html = await page({ status: 'failed', stages: { format: [stages.format] }, computed: ['format'] });
  expect(html).not.toContain('>skipped<');
  expect(html).toMatch(/<strong>train<\/strong><br>.*?<span class="pill ">not done<\/span>/);
});

test('a run that failed before its first stage has a page that says why and how to go on', async () => {
  const html = await page({ input: null, stages: {}, computed: [], status: 'failed', reason: 'InvalidInput: train.lr must be positive' });
  expect(html).toContain('train.lr must be positive');
  expect(html).toContain('npx retune resume demo-1');
  expect(html).not.toContain('npx retune ask');
});

test('an unchanged run shows the evaluation of what it is unchanged from', async () => {
  const { format, train } = stages;
  const unchanged = { status: 'unchanged' as const, stages: { format: [format], train: [train] } };
  expect(await page(unchanged)).not.toContain('tuned says that');
  const prepared = await stages.prepared();
  await createPointer({ store }).movePointer(store.storeId, {
    schema: 1,
    target: 'local/demo',
    train,
    format,
    prepared,
    baseWeightsDigest: 'b'.repeat(64),
    settingsDigest: 'c'.repeat(64),
    modelCommit: null,
    datasetCommit: null,
  });
  expect(await page(unchanged)).toContain('tuned says that');
});

test('a lost file costs its part, not the page', async () => {
  await store.putFile(`train/${stages.train.key}/1/metrics.jsonl`, 'no JSON');
  await store.remove(`format/${stages.format.key}/1/data/train.jsonl`);
  const html = await page({});
  expect(html).toContain('tuned says that');
  expect(html).not.toContain('What is option 1?');
});

test('a run without a record is an error that names it', async () => {
  const environment = new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') });
  await expect(environment.run(createReport({ store }).report, store.storeId, { runId: 'nobody', executionId: 'e' })).rejects.toThrow(
    'no record of run nobody',
  );
});
