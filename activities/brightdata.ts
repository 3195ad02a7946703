// A shard through Bright Data: one batch of what is due, then single URLs for what the batch did not bring.
import { createInterface } from 'node:readline';
import type { BatchOutcome, CollectTask, CpuActivities, Pending } from '../contracts/activities';
import { failure } from '../contracts/errors';
import { BRIGHTDATA } from '../contracts/policies';
import { type Fetch, RECORD_SCHEMA } from '../contracts/records';
import { type BrightDataClient, createBrightData } from '../io/brightdata';
import { BrightDataError } from '../io/brightdata-error';
import { createTurns } from '../io/brightdata-turns';
import type { Clock } from '../io/clock';
import type { Config } from '../io/config';
import type { Log } from '../io/log';
import { createPageShelf } from '../io/page-shelf';
import type { Store } from '../io/store';
import { type BatchRow, readBatchRow } from '../lib/brightdata';
import { droppedUrl, isDue } from '../lib/collect';
import { digest, sha256 } from '../lib/hash';
import { pageId } from '../lib/url';
import { inLanes } from './lanes';
import { type Pulse, withPulse } from './pulse';
import { fatePath, noteOutcome, readFates, readRecords, readShard, windowOf } from './shard';
import { type Batch, readBatch, readSingle, type Single, snapshotPath, takeBudget, writeBatch, writeSingle } from './spending';
import { requireStore } from './stage';
import { httpFailure } from './translate';

const MB = 1024 * 1024;
/** Rows of a snapshot that are made durable at once: with maxBodyMb this bounds memory. */
const ROWS = 8;
/** Clocks of two machines may differ so much when a batch is looked for by its time. */
const CLOCK_MARGIN_MS = 5 * 60_000;

export interface BrightDataDeps {
  store: Store;
  clock: Clock;
  config: Pick<Config, 'brightData'>;
  log: Pick<Log, 'debug'>;
}

type Names = 'chooseProvider' | 'triggerBatch' | 'checkBatch' | 'settleBatch' | 'cancelBatch' | 'requestPage';

export const createBrightDataActivities = ({ store, clock, config, log }: BrightDataDeps): Pick<CpuActivities, Names> => {
  const { token, url: base, zone } = config.brightData;
  const shelf = createPageShelf(store);
  // One for all activities of this worker: it keeps connections and turns.
  const client: BrightDataClient | null =
    token === null
      ? null
      : createBrightData({
          url: base,
          token,
          turns: createTurns({ store, clock, patienceMs: BRIGHTDATA.patienceMs }),
          now: () => clock.now(),
        });

  const connected = (task: CollectTask): BrightDataClient => {
    requireStore(store, task.storeId);
    if (client !== null) return client;
    throw failure(
      'ConfigMissing',
      'source.provider is brightdata and this worker has no BRIGHTDATA_API_TOKEN: set it, or use provider direct',
    );
  };

  const timeoutMs = ({ source }: CollectTask): number => Math.max(source.timeoutSeconds, BRIGHTDATA.leastSeconds) * 1000;
  const iso = (ms: number): string => new Date(ms).toISOString();

  /** Due, in the list's order, less what has a final reason already. */
  const dueUrls = async (task: CollectTask): Promise<string[]> => {
    const urls = await readShard(store, task);
    const [records, fates] = [await readRecords(shelf, urls), await readFates(store, task, 'fates')];
    const window = windowOf(task);
    return urls.filter((url) => !fates.has(pageId(url)) && isDue(records.get(pageId(url)) ?? null, window));
  };

  const keep = async (
    task: CollectTask,
    page: { url: string; finalUrl: string; body: Buffer; format: 'html' | 'markdown' },
  ): Promise<void> => {
    const id = pageId(page.url);
    const now = iso(Math.max(clock.now(), Date.parse(task.date)));
    const fetch: Fetch = {
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
    };
    await shelf.save(fetch, page.body);
  };

  const note = (task: CollectTask, url: string, reason: string, detail: string, final: boolean): Promise<void> => {
    const error = new BrightDataError(reason, final ? 'target' : 'transient', detail, { url, billing: 'no' });
    return noteOutcome(
      { store, log },
      task,
      final ? { dropped: droppedUrl(url, reason, detail) } : { pending: { url, reason, retryAfterMs: null }, error },
    );
  };

  /** A batch that was sent and whose answer never came: Bright Data's own list says whether it exists. */
  const lookUp = async (task: CollectTask, { at, inputs }: Batch, signal: AbortSignal): Promise<string | null> => {
    const options = { signal, timeoutMs: timeoutMs(task) };
    const api = connected(task);
    for (const { id } of await api.snapshots(iso(Date.parse(at) - CLOCK_MARGIN_MS), options))
      if (digest([...(await api.inputs(id, options))].sort()) === inputs) return id;
    return null;
  };

  /** The rows of a finished snapshot: pages to the shelf, reasons to the notes. @returns pages that came, by URL */
  const takeRows = async (task: CollectTask, urls: ReadonlySet<string>, { signal, details }: Pulse): Promise<Set<string>> => {
    const came = new Set<string>();
    const take = async (row: BatchRow): Promise<void> => {
      if ('reason' in row) return note(task, row.url, row.reason, row.detail, row.final);
      const body = Buffer.from(row.body, 'utf8');
      if (body.length > task.source.maxBodyMb * MB)
        return note(task, row.url, 'too_large', `${row.url} is larger than source.maxBodyMb (${task.source.maxBodyMb})`, true);
      await keep(task, { url: row.url, finalUrl: row.finalUrl, body, format: row.format });
    };
    const takeAll = async (rows: readonly BatchRow[]): Promise<void> => {
      signal.throwIfAborted();
      await inLanes(rows, ROWS, take);
      details({ pages: came.size });
    };
    let rows: BatchRow[] = [];
    const input = await store.open(snapshotPath(task));
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      const row = readBatchRow(line);
      // A second row of a page, or one that nobody asked for, is no page of ours.
      if (row === null || !urls.has(row.url) || came.has(row.url)) continue;
      if (!('reason' in row)) came.add(row.url);
      rows.push(row);
      if (rows.length < ROWS) continue;
      await takeAll(rows);
      rows = [];
    }
    await takeAll(rows);
    return came;
  };

  return {
    async chooseProvider(task) {
      requireStore(store, task.storeId);
      if (task.source.provider === 'direct' || (task.source.provider === 'auto' && token === null)) return 'direct';
      connected(task);
      return 'brightdata';
    },

    // No heartbeat: a cancelled run must still hear the id of what it has just started, to cancel that too.
    async triggerBatch(task) {
      const api = connected(task);
      const { signal } = new AbortController();
      const known = await readBatch(store, task);
      if (known?.state === 'triggered' && known.snapshotId !== null) return { snapshotId: known.snapshotId };
      if (known?.state === 'settled' || known?.state === 'abandoned') return null;
      try {
        let batch = known;
        if (batch?.state === 'sending') {
          const found = await lookUp(task, batch, signal);
          if (found !== null) {
            await writeBatch(store, task, { ...batch, state: 'triggered', snapshotId: found });
            return { snapshotId: found };
          }
        }
        const due = await dueUrls(task);
        if (due.length === 0) return null;
        const sent = batch === null ? await takeBudget(store, task, due.length) : Math.min(batch.sent, due.length);
        const urls = due.slice(0, sent);
        batch = {
          state: 'sending',
          at: batch?.at ?? iso(clock.now()),
          sent,
          inputs: digest([...urls].sort()),
          tries: (batch?.tries ?? 0) + 1,
          snapshotId: null,
          billed: 0,
          possiblyBilled: 0,
        };
        await writeBatch(store, task, batch);
        try {
          const snapshotId = await api.trigger(urls, { signal, timeoutMs: timeoutMs(task) });
          await writeBatch(store, task, { ...batch, state: 'triggered', snapshotId });
          return { snapshotId };
        } catch (error) {
          if (error instanceof BrightDataError && error.billing === 'no')
            await writeBatch(store, task, { ...batch, state: 'refused', tries: batch.tries - (error.code === 'rate_limited' ? 1 : 0) });
          throw error;
        }
      } catch (error) {
        throw await triggerFailure(task, error);
      }
    },

    async checkBatch(task, snapshotId) {
      const { signal } = new AbortController();
      try {
        const { state, status, message } = await connected(task).progress(snapshotId, { signal, timeoutMs: timeoutMs(task) });
        log.debug({ snapshotId, status, message }, 'batch');
        return state;
      } catch (error) {
        if (error instanceof BrightDataError) throw httpFailure(error);
        throw error;
      }
    },

    async settleBatch(task, outcome) {
      connected(task);
      return withPulse(async (pulse) => {
        const batch = await readBatch(store, task);
        let delivered = 0;
        if (batch !== null && typeof outcome === 'object' && batch.state !== 'settled') {
          if (!(await download(task, outcome.snapshotId, pulse))) return null;
          const came = await takeRows(task, new Set(await readShard(store, task)), pulse);
          delivered = came.size;
          await writeBatch(store, task, { ...batch, state: 'settled', billed: came.size });
          await store.remove(snapshotPath(task));
        } else if (batch !== null && typeof outcome === 'string') await giveUp(task, batch, outcome);
        const due = await dueUrls(task);
        const tried = await readFates(store, task, 'tries');
        if (zone === null && due.length > 0) {
          const advice = 'was not brought by the batch, and BRIGHTDATA_ZONE, which single requests need, is not set';
          if (typeof outcome === 'string') throw failure('ConfigMissing', `${due.length} URLs: the first, ${due[0] ?? ''}, ${advice}`);
          for (const url of due) await note(task, url, tried.get(pageId(url))?.reason ?? 'not_delivered', `${url} ${advice}`, false);
        }
        const pending: Pending[] =
          zone === null ? [] : due.map((url) => ({ url, reason: tried.get(pageId(url))?.reason ?? 'not_delivered', retryAfterMs: null }));
        return { pending, counts: { delivered, pending: pending.length } };
      });
    },

    async cancelBatch(task) {
      const batch = await readBatch(store, task);
      if (batch === null || (batch.state !== 'triggered' && batch.state !== 'sending')) return;
      const { signal } = new AbortController();
      try {
        const id = batch.snapshotId ?? (await lookUp(task, batch, signal));
        if (id !== null) await connected(task).cancel(id, { signal, timeoutMs: timeoutMs(task) });
      } catch (error) {
        // Gone already, which is what was wanted.
        if (error instanceof BrightDataError && error.kind === 'target') return;
        if (error instanceof BrightDataError) throw httpFailure(error);
        throw error;
      }
    },

    async requestPage(task, url) {
      const api = connected(task);
      if (zone === null) throw failure('ConfigMissing', 'BRIGHTDATA_ZONE is not set: single pages need the name of a Web Unlocker zone');
      const id = pageId(url);
      const known = await shelf.read(id);
      if (!isDue(known, windowOf(task)) || (await store.stat(fatePath(task, 'fates', id))) !== null) return;
      let single = await readSingle(store, task, id);
      // The worker that sent it ended before it had written down what came.
      if (single.open) single = { ...single, open: false, possiblyBilled: single.possiblyBilled + 1 };
      if (single.requests > task.source.retries)
        throw failure('RemoteUnavailable', `${url}: its tries are used up (source.retries)`, { final: true });
      await takeBudget(store, task, 1);
      await writeSingle(store, task, id, { ...single, open: true, requests: single.requests + 1 });
      try {
        const { signal } = new AbortController();
        const body = await api.page({ url, zone, maxBytes: task.source.maxBodyMb * MB }, { signal, timeoutMs: timeoutMs(task) });
        // The note stays open: the page on the shelf closes it, and no crash can come between the two.
        await keep(task, { url, finalUrl: url, body, format: 'markdown' });
      } catch (error) {
        if (!(error instanceof BrightDataError)) throw error;
        throw await singleFailure(task, url, single, error);
      }
    },
  };

  /** Closes the note of a request that brought no page. @returns what the activity throws; null is never */
  async function singleFailure(task: CollectTask, url: string, before: Single, error: BrightDataError): Promise<unknown> {
    const id = pageId(url);
    const waits = error.code === 'rate_limited';
    const single = {
      open: false,
      requests: before.requests + (waits ? 0 : 1),
      billed: before.billed + (error.billing === 'yes' ? 1 : 0),
      possiblyBilled: before.possiblyBilled + (error.billing === 'perhaps' ? 1 : 0),
    };
    await writeSingle(store, task, id, single);
    // Not counted as asked: Bright Data refused it or we did not send it.
    if (waits) await takeBudget(store, task, -1);
    if (error.kind === 'configuration') return httpFailure(error);
    await note(task, url, error.code, error.message, error.kind === 'target');
    if (error.kind === 'transient' && !waits && single.requests > task.source.retries)
      return failure('RemoteUnavailable', error.message, { final: true, cause: error, details: { reason: error.code } });
    return httpFailure(error);
  }

  /** Only what a later attempt may start is retryable; a refused batch leaves its URLs to single requests. */
  async function triggerFailure(task: CollectTask, error: unknown): Promise<unknown> {
    if (!(error instanceof BrightDataError)) return error;
    if (error.code === 'bad_request') return failure('RemoteRefused', error.message, { cause: error });
    const tries = (await readBatch(store, task))?.tries ?? 0;
    if (error.kind === 'transient' && error.code !== 'rate_limited' && tries >= BRIGHTDATA.triggers)
      return failure('RemoteUnavailable', error.message, { final: true, cause: error });
    return httpFailure(error);
  }

  /** @returns false while it is being built */
  async function download(task: CollectTask, snapshotId: string, { signal }: Pulse): Promise<boolean> {
    if ((await store.stat(snapshotPath(task))) !== null) return true;
    try {
      const rows = await connected(task).snapshot(snapshotId, { signal, timeoutMs: timeoutMs(task) });
      if (rows === null) return false;
      await store.putFile(snapshotPath(task), rows);
      return true;
    } catch (error) {
      if (error instanceof BrightDataError) throw httpFailure(error);
      throw error;
    }
  }

  /** A failed snapshot is not billed; one that nobody waited for, or that may have been started, may be. */
  async function giveUp(task: CollectTask, batch: Batch, outcome: Exclude<BatchOutcome, object>): Promise<void> {
    if (batch.state === 'refused') return takeBudget(store, task, -batch.sent).then(() => writeBatch(store, task, { ...batch, sent: 0 }));
    if (batch.state !== 'triggered' && batch.state !== 'sending') return;
    await writeBatch(store, task, { ...batch, state: 'abandoned', possiblyBilled: outcome === 'failed' ? 0 : batch.sent });
  }
};
