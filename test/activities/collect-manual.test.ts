import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCollect } from '../../activities/collect';
import { createResolveSource } from '../../activities/resolve-source';
import { createWeb } from '../../activities/web';
import type { ResolvedSource } from '../../contracts/activities';
import type { StageRef } from '../../contracts/artifacts';
import { PipelineInput } from '../../contracts/input';
import { systemClock } from '../../io/clock';
import { manualUrls } from '../../io/manual';
import { openStore } from '../../io/store';
import { mockEnvironment } from '../support/collecting';

jest.setTimeout(60_000);

test("npm's manual is collected by a worker as it is configured: real HTTP, no private host allowed, no body twice", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'retune-manual-'));
  const store = await openStore(folder);
  const urls = await manualUrls();
  const { source } = PipelineInput.parse({ source: { urls } });
  const web = createWeb({ config: { allowPrivateHosts: false }, clock: systemClock });
  const worker = createCollect({
    store,
    clock: systemClock,
    host: 'test',
    versions: {},
    web,
    log: { debug: () => undefined },
  });
  const run = async (runId: string): Promise<StageRef> => {
    const identity = { runId, executionId: '1' };
    const { resolveSource } = createResolveSource({ store, clock: systemClock, web, filesRoot: null });
    const resolved: ResolvedSource = await mockEnvironment().run(resolveSource, { run: identity, storeId: store.storeId, source });
    const [shard, ...more] = resolved.shards;
    if (shard === undefined || more.length > 0) throw new Error('one shard was expected');
    const task = {
      run: identity,
      storeId: store.storeId,
      shard,
      source,
      date: new Date().toISOString(),
      heartbeatSeconds: 30,
      maxRequests: null,
    };
    await expect(mockEnvironment().run(worker.collect, task)).resolves.toMatchObject({ pending: [] });
    return mockEnvironment().run<[typeof task], StageRef, typeof worker.sealShard>(worker.sealShard, task);
  };
  try {
    const first = await run('first');
    expect(first.counts).toMatchObject({
      urls: urls.length,
      pages: urls.length,
      fetched: urls.length,
      revalidated: 0,
      reused: 0,
      dropped: 0,
    });
    const second = await run('second');
    expect(second.counts).toMatchObject({ pages: urls.length, fetched: 0, revalidated: urls.length });
    expect(second.outputDigest).toBe(first.outputDigest);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
