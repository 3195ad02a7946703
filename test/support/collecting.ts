// What tests of collecting share: a store, a run's task over some URLs, and activities that reach one site by name.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createBrightDataActivities } from '../../activities/brightdata';
import type { BrightDataDeps } from '../../activities/brightdata-desk';
import { createCollect, type CollectDeps } from '../../activities/collect';
import { createExplainCollect } from '../../activities/collection';
import { createCrawl } from '../../activities/crawl';
import { createLocalFiles } from '../../activities/local-files';
import { createResolveSource } from '../../activities/resolve-source';
import { createSettleSource } from '../../activities/settle-source';
import { createWeb } from '../../activities/web';
import { type CollectTask, fetching, type ResolvedSource } from '../../contracts/activities';
import type { StageRef } from '../../contracts/artifacts';
import { PipelineInput } from '../../contracts/input';
import { Dropped, Fetch, Page } from '../../contracts/records';
import { systemClock } from '../../io/clock';
import { createHttp } from '../../io/http';
import { readManifest, stageFolder } from '../../io/manifest';
import { openStore, type Store } from '../../io/store';
import { openSite, type Site } from './site';

/** One for each activity; failures that a test expects are not logged. */
export const mockEnvironment = (): MockActivityEnvironment =>
  new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') });

interface GivenTask {
  run?: string;
  date?: string;
  source?: Partial<PipelineInput['source']>;
  maxRequests?: number;
}

type Deps = CollectDeps & BrightDataDeps;

/** Everything that collecting asks a worker for. */
const createActivities = (deps: Deps, filesRoot: string) => ({
  ...createResolveSource({ ...deps, filesRoot }),
  ...createCollect(deps),
  ...createBrightDataActivities(deps),
  ...createLocalFiles({ ...deps, filesRoot }),
  ...createCrawl(deps),
  ...createSettleSource(deps),
  ...createExplainCollect(deps),
});

export interface Collecting {
  store: Store;
  /** RETUNE_FILES_ROOT: an empty folder. */
  filesRoot: string;
  activities: ReturnType<typeof createActivities>;
  /** The tasks of one run, one for each shard. */
  tasks(urls: string[], given?: GivenTask): Promise<CollectTask[]>;
  task(urls: string[], given?: GivenTask): Promise<CollectTask>;
  /** In a mock environment of its own. */
  collect: (task: CollectTask) => ReturnType<ReturnType<typeof createCollect>['collect']>;
  collectPage(task: CollectTask, url: string): Promise<void>;
  seal(task: CollectTask): Promise<StageRef>;
  rows(ref: StageRef): Promise<{ pages: Page[]; dropped: Dropped[]; fetches: Fetch[] }>;
  close(): Promise<void>;
}

export const openCollecting = async (site: Site, deps: Partial<CollectDeps & Pick<BrightDataDeps, 'config'>> = {}): Promise<Collecting> => {
  const folder = await mkdtemp(join(tmpdir(), 'retune-collect-'));
  const store = await openStore(folder);
  const filesRoot = await mkdtemp(join(tmpdir(), 'retune-files-'));
  const http = createHttp({ allowPrivateHosts: false, now: () => Date.now(), own: { [site.host]: async () => site.port } });
  const all: Deps = {
    store,
    clock: systemClock,
    host: 'test',
    versions: {},
    config: { brightData: { url: '', token: null, zone: null } },
    log: { debug: () => undefined },
    web: createWeb({ config: { allowPrivateHosts: false }, clock: systemClock, http }),
    ...deps,
  };
  const activities = createActivities(all, filesRoot);
  const { resolveSource } = activities;

  const tasks: Collecting['tasks'] = async (
    urls,
    { run = 'run-1', date = new Date().toISOString(), source: given = {}, maxRequests = null } = {},
  ) => {
    const { source } = PipelineInput.parse({ source: { timeoutSeconds: 1, ...given, urls } });
    const identity = { runId: run, executionId: `${run}-execution` };
    const { shards }: ResolvedSource = await mockEnvironment().run(resolveSource, { run: identity, storeId: store.storeId, source });
    const common = { run: identity, storeId: store.storeId, source: fetching(source), date, heartbeatSeconds: 30, maxRequests };
    return shards.map((shard) => ({ ...common, shard }));
  };
  return {
    store,
    filesRoot,
    activities,
    tasks,
    async task(urls, given) {
      const [task] = await tasks(urls, given);
      if (task === undefined) throw new Error('no shard');
      return task;
    },
    collect: (task) => mockEnvironment().run(activities.collect, task),
    collectPage: (task, url) => mockEnvironment().run(activities.collectPage, task, url),
    seal: (task) => mockEnvironment().run(activities.sealShard, task),
    async rows(ref) {
      const manifest = await readManifest(store, 'collect', ref.key);
      if (manifest === null) throw new Error('no manifest');
      const read = async (name: string): Promise<unknown[]> =>
        ((await store.read(`${stageFolder('collect', ref.key, manifest.facts.fence)}/${name}`)) ?? Buffer.alloc(0))
          .toString()
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as unknown);
      return {
        pages: (await read('pages.jsonl')).map((row) => Page.parse(row)),
        dropped: (await read('dropped.jsonl')).map((row) => Dropped.parse(row)),
        fetches: (await read('fetch-log.jsonl')).map((row) => Fetch.parse(row)),
      };
    },
    async close() {
      await http.close();
      for (const path of [folder, filesRoot]) await rm(path, { recursive: true, force: true });
    },
  };
};

/** A site and an empty store before each test, closed after it: both, also when one fails, since a server left open keeps the process. */
export const collectingForEachTest = (take: (opened: { site: Site; on: Collecting }) => void): void => {
  let close: (() => Promise<unknown>) | null = null;
  beforeEach(async () => {
    const site = await openSite();
    const on = await openCollecting(site);
    close = () => Promise.allSettled([on.close(), site.close()]);
    take({ site, on });
  });
  afterEach(async () => void (await close?.()));
};
