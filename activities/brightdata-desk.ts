// What batches and single requests of Bright Data share: the client, what is due, and where pages and reasons go.
import type { CollectTask } from '../contracts/activities';
import { failure } from '../contracts/errors';
import { BRIGHTDATA } from '../contracts/policies';
import { type Fetch, RECORD_SCHEMA } from '../contracts/records';
import { type BrightDataClient, createBrightData } from '../io/brightdata';
import { BrightDataError } from '../io/brightdata-error';
import { createTurns } from '../io/brightdata-turns';
import type { Clock } from '../io/clock';
import type { Config } from '../io/config';
import type { Log } from '../io/log';
import { createPageShelf, type PageShelf } from '../io/page-shelf';
import type { Store } from '../io/store';
import { droppedUrl, isDue } from '../lib/collect';
import { sha256 } from '../lib/hash';
import { withHistory } from '../lib/page-history';
import { canonicalLink } from '../lib/page-links';
import { pageId } from '../lib/url';
import { noteOutcome, readFates, readRecords, readShard, windowOf } from './shard';
import { requireStore } from './stage';

export const MB = 1024 * 1024;

export interface BrightDataDeps {
  store: Store;
  clock: Clock;
  config: Pick<Config, 'brightData'>;
  log: Pick<Log, 'debug'>;
}

export interface PaidPage {
  url: string;
  finalUrl: string;
  body: Buffer;
  format: 'html' | 'markdown';
}

/** One for all activities of a worker: it keeps connections and turns. */
export interface BrightDataDesk {
  shelf: PageShelf;
  /** @throws ConfigMissing on a worker without the account, or with another store than the run's */
  connected: (task: CollectTask) => BrightDataClient;
  /** Of one call. */
  timeoutMs: (task: CollectTask) => number;
  /** Due, in the list's order, less what has a final reason already. */
  dueUrls: (task: CollectTask) => Promise<string[]>;
  /** Makes a page durable. @param known its record so far */
  keep: (task: CollectTask, page: PaidPage, known: Fetch | null) => Promise<void>;
  /** Writes down why a URL gave none. */
  note: (task: CollectTask, url: string, reason: string, detail: string, final: boolean) => Promise<void>;
}

export const createBrightDataDesk = ({ store, clock, config, log }: BrightDataDeps): BrightDataDesk => {
  const { token, url: base } = config.brightData;
  const shelf = createPageShelf(store);
  const client: BrightDataClient | null =
    token === null
      ? null
      : createBrightData({
          url: base,
          token,
          turns: createTurns({ store, clock, patienceMs: BRIGHTDATA.patienceMs }),
          now: () => clock.now(),
        });
  return {
    shelf,
    connected(task) {
      requireStore(store, task.storeId);
      if (client !== null) return client;
      throw failure(
        'ConfigMissing',
        'source.provider is brightdata and this worker has no BRIGHTDATA_API_TOKEN: set it, or use provider direct',
      );
    },
    timeoutMs: ({ source }) => Math.max(source.timeoutSeconds, BRIGHTDATA.leastSeconds) * 1000,
    async dueUrls(task) {
      const urls = await readShard(store, task.shard);
      const [records, fates] = [await readRecords(shelf, urls), await readFates(store, task, 'fates')];
      const window = windowOf(task);
      return urls.filter((url) => !fates.has(pageId(url)) && isDue(records.get(pageId(url)) ?? null, window));
    },
    async keep(task, page, known) {
      const id = pageId(page.url);
      const now = new Date(Math.max(clock.now(), Date.parse(task.date))).toISOString();
      const fresh: Fetch = {
        schema: RECORD_SCHEMA,
        id,
        url: page.url,
        finalUrl: page.finalUrl,
        status: 200,
        fetchedAt: now,
        checkedAt: now,
        etag: null,
        lastModified: null,
        provider: 'brightdata',
        page: {
          schema: RECORD_SCHEMA,
          id,
          url: page.url,
          bodySha256: sha256(page.body),
          bodyBytes: page.body.length,
          format: page.format,
          charset: 'utf-8',
        },
        canonical: canonicalLink(page.body, { format: page.format, charset: 'utf-8' }, page.finalUrl),
      };
      await shelf.save(withHistory(fresh, known), page.body);
    },
    note(task, url, reason, detail, final) {
      const error = new BrightDataError(reason, final ? 'target' : 'transient', detail, { url, billing: 'no' });
      return noteOutcome(
        { store, log },
        task,
        final ? { dropped: droppedUrl(url, reason, detail) } : { pending: { url, reason, retryAfterMs: null }, error },
      );
    },
  };
};
