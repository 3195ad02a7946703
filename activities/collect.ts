// The pages of a shard: everything that is due at once, then single URLs again, then a fate for every URL.
import type { CollectTask, CpuActivities, KeyedTask, Pending } from '../contracts/activities';
import type { Log } from '../io/log';
import { createPageShelf } from '../io/page-shelf';
import { estimatedCostUsd } from '../lib/brightdata';
import { isDue, sealFates } from '../lib/collect';
import { toLine } from '../lib/jsonl';
import { pageId } from '../lib/url';
import { otherName } from '../lib/variants';
import { createFetchPage, type Outcome } from './fetch-page';
import { inLanes } from './lanes';
import { withPulse } from './pulse';
import { fatePath, noteOutcome, readFates, readRecords, readShard, windowOf } from './shard';
import { readSpending } from './spending';
import { requireStore, runStage, type StageDeps } from './stage';
import { httpFailure } from './translate';
import type { Web } from './web';

/** Hosts at once in one shard: with perHost this bounds sockets and bodies in memory. */
const HOSTS_AT_ONCE = 8;
/** How long a whole shard waits for a host that asked for quiet before it leaves its URLs to single tries. */
const SHARD_PATIENCE_MS = 60_000;
/** A single try has its request's time and 30 s (policies.single): the wait must fit into them. */
const SINGLE_PATIENCE_MS = 15_000;
/** Records of gone pages written at once. */
const TOUCHES = 8;

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
  log: Pick<Log, 'debug'>;
  /** One for all activities of this worker: eight shards at once may name the same host. */
  web: Web;
}

export const createCollect = (deps: CollectDeps): Pick<CpuActivities, 'collect' | 'collectPage' | 'sealShard'> => {
  const { store, clock, log } = deps;
  const shelf = createPageShelf(store);
  const fetchPage = createFetchPage({ shelf, web: deps.web, clock });

  const note = async (task: CollectTask, outcome: Outcome): Promise<void> => noteOutcome({ store, log }, task, outcome);

  return {
    async collect(task) {
      requireStore(store, task.storeId);
      return withPulse(async ({ signal, details }) => {
        const window = windowOf(task);
        const urls = await readShard(store, task.shard);
        const [records, fates] = [await readRecords(shelf, urls), await readFates(store, task, 'fates')];
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
      requireStore(store, task.storeId);
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
        // The run's record has the input; a shard is not found again by it.
        config: {},
        inputs: {},
        digests: {},
        key: task.shard.key,
        heartbeatSeconds: task.heartbeatSeconds,
      };
      return runStage(deps, keyed, async (box) => {
        const urls = await readShard(store, task.shard);
        const [records, final, tried] = await Promise.all([
          readRecords(shelf, urls),
          readFates(store, task, 'fates'),
          readFates(store, task, 'tries'),
        ]);
        const sealed = sealFates(urls, windowOf(task), { records, final, tried });
        // Before the manifest: a seal that is repeated after a crash finds this run's own date and says the same.
        await inLanes(sealed.gone, TOUCHES, async (gone) => {
          // Unless another run has had an answer meanwhile.
          if ((await shelf.read(gone.id))?.checkedAt === gone.checkedAt) await shelf.touch(gone);
        });
        await box.putRows('pages.jsonl', sealed.pages);
        // Beside the content: why a page is missing, and when the others came, must not make unchanged pages look new.
        await box.sidecar('dropped.jsonl', sealed.dropped.map(toLine).join(''));
        await box.sidecar('changes.jsonl', sealed.changes.map(toLine).join(''));
        await box.sidecar('fetch-log.jsonl', sealed.fetches.map(toLine).join(''));
        Object.assign(box.counts, sealed.counts);
        box.metrics['variants'] = sealed.fetches.filter((fetch) => otherName(fetch) !== null).length;
        if (task.source.provider === 'brightdata') {
          const spent = task.shard.again?.spent ?? (await readSpending(store, task, records));
          Object.assign(box.counts, spent);
          box.metrics['estimatedCostUsd'] = estimatedCostUsd(spent['billed'] ?? 0);
        }
        Object.assign(box.reasons, sealed.reasons);
      });
    },
  };
};
