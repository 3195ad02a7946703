import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createPush } from '../../activities/push';
import type { CpuActivities, PushResult } from '../../contracts/activities';
import type { StageRef } from '../../contracts/artifacts';
import { stageFolder, writeManifest } from '../../io/manifest';
import { Secret } from '../../io/secret';
import { openStore, type Store } from '../../io/store';
import { digest } from '../../lib/hash';
import { sealManifest } from '../../lib/manifest';
import { fileList } from '../../lib/publish';
import { HUB_TOKEN, HubStandIn } from '../support/hub';
import { rejection } from '../support/rejection';

const MODEL = 'tester/tuned';
const DATASET = 'tester/pages';
let folder: string;
let store: Store;
let server: HubStandIn;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'push-'));
  store = await openStore(join(folder, 'store'));
  server = await HubStandIn.start();
});
afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

/** The failures of these tests are wanted: they need no log. */
const quiet = (): MockActivityEnvironment => new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') });

/** A prepared publication; `key` is any name. */
const prepare = async (key: string, files: Record<string, string>, sidecars: Record<string, string> = {}): Promise<StageRef> => {
  const place = async (all: Record<string, string>) =>
    Promise.all(
      Object.entries(all).map(async ([name, text]) => ({
        name,
        rows: null,
        ...(await store.putFile(`${stageFolder('publish', digest(key), 1)}/${name}`, text)),
      })),
    );
  const lists = Object.fromEntries(
    (['model', 'dataset'] as const).map((kind) => {
      const own = Object.keys(files)
        .filter((name) => name.startsWith(`${kind}/`))
        .map((name) => ({ path: name.slice(kind.length + 1), bytes: 1, sha256: digest(files[name]), companion: false }));
      return [`${kind}/retune.json`, fileList(kind, {}, own)];
    }),
  );
  const facts = {
    key: digest(key),
    fence: 1,
    inputs: { train: 'c'.repeat(64) },
    config: {},
    counts: {},
    reasons: {},
    metrics: {},
    startedAt: '',
    finishedAt: '',
    host: 'h',
    versions: {},
  };
  const content = { schema: 1 as const, stage: 'publish' as const, version: 1, outputs: await place({ ...files, ...lists }) };
  const { outputDigest } = await writeManifest(store, sealManifest({ content, facts: { ...facts, sidecars: await place(sidecars) } }));
  return { verb: 'publish', key: digest(key), outputDigest, counts: {}, reasons: {} };
};

type Publish = Parameters<CpuActivities['push']>[0]['publish'];
interface Setting {
  publish?: Partial<Publish>;
  token?: string | null;
  namespaces?: string[];
  executionId?: string;
}

/** One attempt of the activity. */
const push = async (
  prepared: StageRef,
  { publish = {}, token = HUB_TOKEN, namespaces, executionId = 'execution' }: Setting = {},
  environment = quiet(),
): Promise<PushResult> => {
  const config = { hub: { endpoint: server.url, token: token === null ? null : new Secret(token) }, publishNamespaces: namespaces ?? null };
  const task = {
    run: { runId: 'run', executionId },
    storeId: store.storeId,
    prepared,
    publish: { model: MODEL, dataset: null, private: true, approval: 'none' as const, ...publish },
    heartbeatSeconds: 30,
  };
  return environment.run<[typeof task], PushResult, CpuActivities['push']>(createPush({ store, config }).push, task);
};
const failed = async (attempt: Promise<unknown>): Promise<ApplicationFailure> => rejection(attempt, ApplicationFailure);
const FILES = {
  'model/README.md': '# tuned',
  'model/model.safetensors': 'weights',
  'dataset/README.md': '# pages',
  'dataset/data/train.jsonl': '{}\n',
};
const model = () => server.repository('model', MODEL);
const titles = (): string[] =>
  model()
    .commits.slice(1)
    .map((commit) => commit.title);
const paths = (): string[] => [...model().head.tree.keys()].sort();

describe('what is pushed', () => {
  test('both repositories get their files, private, in one commit each', async () => {
    const result = await push(await prepare('a', FILES, { 'dataset/provenance.jsonl': 'times' }), { publish: { dataset: DATASET } });
    expect(result.outcome).toBe('pushed');
    expect(paths()).toEqual(['.gitattributes', 'README.md', 'model.safetensors', 'retune.json']);
    const dataset = server.repository('dataset', DATASET);
    expect([...dataset.head.tree.keys()].sort()).toEqual([
      '.gitattributes',
      'README.md',
      'data/train.jsonl',
      'provenance.jsonl',
      'retune.json',
    ]);
    expect([model().commits.length, dataset.commits.length, model().isPrivate, dataset.isPrivate]).toEqual([2, 2, true, true]);
    expect(result.commits).toEqual({
      model: `${server.url}/${MODEL}`,
      modelCommit: model().head.id,
      dataset: `${server.url}/datasets/${DATASET}`,
      datasetCommit: dataset.head.id,
    });
    expect(model().head.message).toContain(`train: ${'c'.repeat(64)}`);
  });

  test('the same again makes no commit', async () => {
    const prepared = await prepare('a', FILES);
    const { commits } = await push(prepared);
    expect(await push(prepared, { executionId: 'next night' })).toEqual({
      outcome: 'same',
      reason: 'the Hub holds the same files already',
      commits,
    });
    expect(model().commits).toHaveLength(2);
  });

  test('another publication with other times only makes no commit', async () => {
    await push(await prepare('a', FILES, { 'model/proof.json': 'monday' }));
    expect((await push(await prepare('b', FILES, { 'model/proof.json': 'tuesday' }), { executionId: 'next night' })).outcome).toBe('same');
  });

  test('a change is one commit that also deletes what we no longer make, and nothing of others', async () => {
    await push(await prepare('a', { ...FILES, 'model/old.bin': 'old' }));
    server.edit('model', MODEL, 'notes.md', 'mine');
    await push(await prepare('b', { ...FILES, 'model/README.md': '# better' }), { executionId: 'next night' });
    expect(paths()).toEqual(['.gitattributes', 'README.md', 'model.safetensors', 'notes.md', 'retune.json']);
    expect(model().head.tree.get('README.md')?.content.toString()).toBe('# better');
    expect(model().commits).toHaveLength(4);
  });

  test('a repository that was deleted is made again', async () => {
    const prepared = await prepare('a', FILES);
    await push(prepared);
    server.remove('model', MODEL);
    expect((await push(prepared, { executionId: 'next night' })).outcome).toBe('pushed');
    expect(paths()).toContain('model.safetensors');
  });

  test('a large file that is there already is not sent again', async () => {
    await push(await prepare('a', FILES));
    await push(await prepare('b', { ...FILES, 'model/README.md': '# better' }));
    expect(server.requests.filter((line) => line.startsWith('PUT'))).toHaveLength(1);
  });
});

describe('exactly once', () => {
  test('a connection cut after the commit was made: it is found and not repeated', async () => {
    server.inject({ method: 'POST', path: /\/commit\//, does: 'cut-after' });
    const result = await push(await prepare('a', FILES));
    expect(result).toMatchObject({ outcome: 'pushed', commits: { modelCommit: model().head.id } });
    expect(titles()).toHaveLength(1);
  });

  test('a connection cut before the commit was made: the next attempt makes it', async () => {
    const prepared = await prepare('a', FILES);
    server.inject({ method: 'POST', path: /\/commit\//, does: 'cut-before' });
    expect(await failed(push(prepared))).toMatchObject({ type: 'RemoteUnavailable', nonRetryable: false });
    expect((await push(prepared)).outcome).toBe('pushed');
    expect(titles()).toHaveLength(1);
  });

  test('the answer and the question after it are both lost, somebody edits: the next attempt finds its commit and leaves the edit', async () => {
    const prepared = await prepare('a', FILES);
    server.inject({ method: 'POST', path: /\/commit\//, does: 'cut-after' });
    server.inject({ method: 'GET', path: /\/commits\//, does: 'cut-before' });
    await failed(push(prepared));
    const ours = model().head.id;
    server.edit('model', MODEL, 'README.md', '# edited by a person');
    expect(await push(prepared)).toMatchObject({ outcome: 'pushed', commits: { modelCommit: ours } });
    expect(titles()).toHaveLength(2);
    expect(model().head.title).toBe('Update README.md');
  });

  test('the head moves between look and commit: a conflict, and the next attempt keeps both', async () => {
    const prepared = await prepare('a', FILES);
    server.inject({
      method: 'POST',
      path: /\/preupload\//,
      does: { delayMs: 0 },
      strikes: () => server.edit('model', MODEL, 'notes.md', 'mine'),
    });
    expect(await failed(push(prepared))).toMatchObject({ type: 'HubConflict', nonRetryable: false });
    expect((await push(prepared)).outcome).toBe('pushed');
    expect(paths()).toContain('notes.md');
  });

  test('a dataset that was pushed before the model failed counts as pushed', async () => {
    const prepared = await prepare('a', FILES);
    server.inject({ method: 'POST', path: new RegExp(`models/${MODEL}/commit`), does: { status: 503, headers: { 'retry-after': '2' } } });
    expect(await failed(push(prepared, { publish: { dataset: DATASET } }))).toMatchObject({
      type: 'RemoteUnavailable',
      nextRetryDelay: 2000,
    });
    server.inject({ method: 'POST', path: /models.*preupload/, does: { status: 429 } });
    expect((await failed(push(prepared, { publish: { dataset: DATASET } }))).type).toBe('RateLimited');
    const result = await push(prepared, { publish: { dataset: DATASET } });
    expect(result.outcome).toBe('pushed');
    expect(server.repository('dataset', DATASET).commits).toHaveLength(2);
  });

  test('a cancelled upload leaves the repository as it was', async () => {
    const prepared = await prepare('a', FILES);
    const environment = quiet();
    server.inject({ method: 'PUT', path: /_lfs/, does: { delayMs: 60_000 }, strikes: () => environment.cancel() });
    await expect(push(prepared, {}, environment)).rejects.toThrow('CANCELLED');
    expect(titles()).toEqual([]);
  });
});

describe('what is refused', () => {
  test('without a token nothing is asked and the reason is said', async () => {
    expect(await push(await prepare('a', FILES), { token: null })).toEqual({
      outcome: 'none',
      reason: 'no HF_TOKEN on the worker: prepared locally, nothing pushed',
      commits: {},
    });
    expect(server.requests).toEqual([]);
  });

  test('without a repository nothing is asked and the reason is said', async () => {
    const result = await push(await prepare('a', FILES), { publish: { model: null } });
    expect(result.outcome).toBe('none');
    expect(result.reason).toContain('publish.model');
    expect(server.requests).toEqual([]);
  });

  test("a namespace that is not the token's own needs the operator's word", async () => {
    const prepared = await prepare('a', FILES);
    const refusal = await failed(push(prepared, { publish: { model: 'team/tuned' } }));
    expect(refusal).toMatchObject({ type: 'HubDenied', nonRetryable: true });
    expect(refusal.message).toContain('add team to RETUNE_PUBLISH_NAMESPACES');
    expect((await push(prepared, { publish: { model: 'team/tuned' }, namespaces: ['team'] })).outcome).toBe('pushed');
    expect((await failed(push(prepared, { namespaces: ['team'] }))).message).toContain('tester');
  });

  test('one repository outside the list means that none is touched', async () => {
    await failed(push(await prepare('a', FILES), { publish: { dataset: 'stranger/pages' } }));
    expect(server.has('model', MODEL)).toBe(false);
  });

  test('a bad token is denied for good and not shown', async () => {
    const error = await failed(push(await prepare('a', FILES), { token: 'hf_badTokenOfTheTests' }));
    expect(error).toMatchObject({ type: 'HubDenied', nonRetryable: true });
    expect(JSON.stringify({ ...error, message: error.message, stack: error.stack })).not.toContain('hf_bad');
  });

  test('a file that is not what its manifest says is not pushed, and the next run prepares it anew', async () => {
    const prepared = await prepare('a', FILES);
    await store.putFile(`${stageFolder('publish', prepared.key, 1)}/model/model.safetensors`, 'WEIGHTS');
    expect((await failed(push(prepared))).type).toBe('ArtifactCorrupt');
    expect(titles()).toEqual([]);
    expect(await store.stat(`publish/${prepared.key}/manifest.json`)).toBeNull();
  });

  test("another store's reference is refused", async () => {
    const other = await openStore(join(folder, 'other'));
    const task = {
      run: { runId: 'r', executionId: 'e' },
      storeId: other.storeId,
      prepared: await prepare('a', FILES),
      publish: { model: MODEL, dataset: null, private: true, approval: 'none' as const },
      heartbeatSeconds: 30,
    };
    const config = { hub: { endpoint: server.url, token: new Secret(HUB_TOKEN) }, publishNamespaces: null };
    expect((await failed(quiet().run(createPush({ store, config }).push, task))).type).toBe('ConfigMissing');
  });
});
