// The pages of a shard: everything that is due at once, then single URLs again, then a fate for every URL.
import type { CollectTask, CpuActivities, KeyedTask, Pending } from '../contracts/activities';
import { failure } from '../contracts/errors';
import { Dropped, type Fetch } from '../contracts/records';
import type { Config } from '../io/config';
import { createHostGates } from '../io/host-gates';
import { createHttp, type HttpClient } from '../io/http';
import type { Log } from '../io/log';
import { createManual, MANUAL_HOST } from '../io/manual';
import { createPageShelf } from '../io/page-shelf';
import type { Store } from '../io/store';
import { droppedUrl, isDue, sealFates, type Window } from '../lib/collect';
import { toLine } from '../lib/jsonl';
import { pageId } from '../lib/url';
import { createFetchPage, type Outcome } from './fetch-page';
import { inLanes } from './lanes';
import { withPulse } from './pulse';
import { createRobotsDesk } from './robots';
import { requireStore, runStage, type StageDeps } from './stage';
import { httpFailure } from './translate';

/** Hosts at once in one shard: with perHost this bounds sockets and bodies in memory. */
const HOSTS_AT_ONCE = 8;
/** How long a whole shard waits for a host that asked for quiet before it leaves its URLs to single tries. */
const SHARD_PATIENCE_MS = 60_000;
/** A single try has its request's time and 30 s (policies.single): the wait must fit into them. */
const SINGLE_PATIENCE_MS = 15_000;
/** Records read at once. */
const READS = 16;

type Fate = 'fates' | 'tries';
const fatePath = (task: CollectTask, kind: Fate, id: string): string => `collect/${task.shard.key}/${kind}/${id}.json`;

const windowOf = ({ date, source }: CollectTask): Window => {
  const at = Date.parse(date);
  // Direct revalidates for the price of a 304, so by default everything is asked about.
  const maxAgeMs = (source.maxAgeHours ?? 0) * 3_600_000;
  return { date: new Date(at).toISOString(), since: new Date(at - maxAgeMs).toISOString() };
};

const byOrigin = (urls: readonly string[]): string[][] => {
  const hosts = new Map<string, string[]>();
  for (const url of urls) {
    const { origin } = new URL(url);
    const list = hosts.get(origin);
    if (list === undefined) hosts.set(origin, [url]);
    else list.push(url);
  }
  return [...hosts.values()];
};

export interface CollectDeps extends StageDeps {
  config: Pick<Config, 'allowPrivateHosts' | 'brightData'>;
  log: Pick<Log, 'debug'>;
  /** Injected by tests. */
  http?: HttpClient;
}

const directHttp = ({ config, clock }: CollectDeps): HttpClient => {
  const manual = createManual();
  return createHttp({ allowPrivateHosts: config.allowPrivateHosts, now: () => clock.now(), own: { [MANUAL_HOST]: () => manual.port() } });
};

const readShard = async (store: Store, { shard }: CollectTask): Promise<string[]> => {
  const bytes = await store.read(shard.path);
  if (bytes === null) throw failure('ArtifactCorrupt', `the URL list ${shard.path} is gone from the store; start the run again`);
  return bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
};

export const createCollect = (deps: CollectDeps): Pick<CpuActivities, 'collect' | 'collectPage' | 'sealShard'> => {
  const { store, clock, config, log } = deps;
  const http = deps.http ?? directHttp(deps);
  const shelf = createPageShelf(store);
  // One for all activities of this worker: eight shards at once may name the same host.
  const fetchPage = createFetchPage({ shelf, http, clock, gates: createHostGates(clock), robots: createRobotsDesk({ http, clock }) });

  const begin = (task: CollectTask): void => {
    requireStore(store, task.storeId);
    if (task.source.provider !== 'brightdata') return;
    if (config.brightData.token === null)
      throw failure(
        'ConfigMissing',
        'source.provider is brightdata and this worker has no BRIGHTDATA_API_TOKEN: set it, or use provider direct',
      );
    throw failure('InvalidInput', 'source.provider: brightdata is not built yet; use direct');
  };

  const readFates = async (task: CollectTask, kind: Fate): Promise<Map<string, Dropped>> => {
    const fates = new Map<string, Dropped>();
    await inLanes(await store.list(`collect/${task.shard.key}/${kind}`), READS, async (path) => {
      const bytes = await store.read(path);
      if (bytes === null) return;
      const dropped = Dropped.parse(JSON.parse(bytes.toString('utf8')));
      fates.set(dropped.id, dropped);
    });
    return fates;
  };

  const readRecords = async (urls: readonly string[]): Promise<Map<string, Fetch>> => {
    const records = new Map<string, Fetch>();
    await inLanes(urls, READS, async (url) => {
      const record = await shelf.read(pageId(url));
      if (record !== null) records.set(record.id, record);
    });
    return records;
  };

  /** Writes down what is no page; pages are on the shelf already. */
  const note = async (task: CollectTask, outcome: Outcome): Promise<void> => {
    if ('page' in outcome) return;
    const [kind, row]: [Fate, Dropped] =
      'dropped' in outcome
        ? ['fates', outcome.dropped]
        : ['tries', droppedUrl(outcome.pending.url, outcome.pending.reason, outcome.error.message)];
    await store.putFile(fatePath(task, kind, row.id), JSON.stringify(row));
    log.debug({ reason: row.reason, url: 'pending' in outcome ? outcome.pending.url : row.detail }, 'no page');
  };

  return {
    async collect(task) {
      begin(task);
      return withPulse(async ({ signal, details }) => {
        const window = windowOf(task);
        const urls = await readShard(store, task);
        const [records, fates] = [await readRecords(urls), await readFates(task, 'fates')];
        const due = urls.filter((url) => !fates.has(pageId(url)) && isDue(records.get(pageId(url)) ?? null, window));
        const counts = {
          urls: urls.length,
          due: due.length,
          pages: urls.length - due.length - fates.size,
          dropped: fates.size,
          pending: 0,
        };
        const pending: Pending[] = [];
        details(counts);
        await inLanes(byOrigin(due), HOSTS_AT_ONCE, async (ofHost) =>
          // The gate keeps perHost requests; as many more lanes make bodies durable meanwhile.
          inLanes(ofHost, 2 * task.source.perHost, async (url) => {
            signal.throwIfAborted();
            const outcome = await fetchPage({
              url,
              source: task.source,
              date: Date.parse(task.date),
              known: records.get(pageId(url)) ?? null,
              patienceMs: SHARD_PATIENCE_MS,
              signal,
            });
            await note(task, outcome);
            if ('page' in outcome) counts.pages += 1;
            else if ('dropped' in outcome) counts.dropped += 1;
            else pending.push(outcome.pending);
            counts.pending = pending.length;
            details({ ...counts });
          }),
        );
        pending.sort((a, b) => (a.url < b.url ? -1 : 1));
        return { pending, counts };
      });
    },

    async collectPage(task, url) {
      begin(task);
      await withPulse(async ({ signal }) => {
        const id = pageId(url);
        const known = await shelf.read(id);
        if (!isDue(known, windowOf(task)) || (await store.stat(fatePath(task, 'fates', id))) !== null) return;
        const outcome = await fetchPage({
          url,
          source: task.source,
          date: Date.parse(task.date),
          known,
          patienceMs: SINGLE_PATIENCE_MS,
          signal,
        });
        await note(task, outcome);
        if ('pending' in outcome) throw httpFailure(outcome.error);
      });
    },

    async sealShard(task) {
      const keyed: KeyedTask = {
        verb: 'collect',
        run: task.run,
        storeId: task.storeId,
        config: { source: task.source },
        inputs: {},
        digests: {},
        key: task.shard.key,
        heartbeatSeconds: task.heartbeatSeconds,
      };
      return runStage(deps, keyed, async (box) => {
        const urls = await readShard(store, task);
        const [final, tried] = [await readFates(task, 'fates'), await readFates(task, 'tries')];
        const sealed = sealFates(urls, windowOf(task), { records: await readRecords(urls), final, tried });
        await box.putRows('pages.jsonl', sealed.pages);
        // Beside the content: why a page is missing, and when the others came, must not make unchanged pages look new.
        await box.sidecar('dropped.jsonl', sealed.dropped.map(toLine).join(''));
        await box.sidecar('fetch-log.jsonl', sealed.fetches.map(toLine).join(''));
        Object.assign(box.counts, sealed.counts);
        Object.assign(box.reasons, sealed.reasons);
      });
    },
  };
};
