// A shard's batch at Bright Data: triggered once, looked at, its rows made durable, or given up and cancelled.
import type { BatchOutcome, CollectTask, CpuActivities, Pending } from '../contracts/activities';
import { failure } from '../contracts/errors';
import { BRIGHTDATA } from '../contracts/policies';
import { BrightDataError } from '../io/brightdata-error';
import { textLines } from '../io/plain-text';
import { type BatchRow, readBatchRow, rowOwner } from '../lib/brightdata';
import { digest } from '../lib/hash';
import { canonicalUrl, pageId } from '../lib/url';
import { type BrightDataDeps, type BrightDataDesk, MB } from './brightdata-desk';
import { inLanes } from './lanes';
import { type Pulse, withPulse } from './pulse';
import { readFates, readShard } from './shard';
import { type Batch, readBatch, snapshotPath, takeBudget, writeBatch } from './spending';
import { httpFailure } from './translate';

/** Rows of a snapshot that are made durable at once: with maxBodyMb this bounds memory. */
const ROWS = 8;
/** A row holds its page as HTML, as Markdown and as text, escaped; a longer one is cut, is no JSON then, and no page. */
const ROW_BODIES = 8;
/** Clocks of two machines may differ so much when a batch is looked for by its time. */
const CLOCK_MARGIN_MS = 5 * 60_000;

type Came = Extract<BatchRow, { body: string }>;
type NoPage = Exclude<BatchRow, Came>;

type Names = 'triggerBatch' | 'checkBatch' | 'settleBatch' | 'cancelBatch';

export const createBrightDataBatch = (
  { store, clock, config, log }: BrightDataDeps,
  { shelf, connected, timeoutMs, dueUrls, keep, note }: BrightDataDesk,
): Pick<CpuActivities, Names> => {
  const { zone } = config.brightData;
  const iso = (ms: number): string => new Date(ms).toISOString();

  /** A batch that was sent and whose answer never came: Bright Data's own list says whether it exists. */
  const lookUp = async (task: CollectTask, { at, inputs }: Batch, signal: AbortSignal): Promise<string | null> => {
    const options = { signal, timeoutMs: timeoutMs(task) };
    const api = connected(task);
    const listed = await api.snapshots(iso(Date.parse(at) - CLOCK_MARGIN_MS), options);
    // The newest first: an older one with the same addresses is another run's.
    for (const { id } of listed.reverse()) {
      const urls = await api.inputs(id, options).catch((error: unknown) => {
        // Somebody else's on this account, of another form or gone already: none of it may end our search.
        if (error instanceof BrightDataError && (error.kind === 'target' || error.code === 'bad_response')) return [];
        throw error;
      });
      if (digest(urls.map((url) => canonicalUrl(url) ?? url).sort()) === inputs) return id;
    }
    return null;
  };

  /** The rows of a finished snapshot: pages to the shelf, reasons to the notes. @returns pages that came, by URL */
  const takeRows = async (task: CollectTask, urls: readonly string[], { signal, details }: Pulse): Promise<Set<string>> => {
    const came = new Set<string>();
    const owner = rowOwner(urls);
    // Written down last: of two rows of one address the page counts, in whatever order they come.
    const missing = new Map<string, NoPage>();
    const take = async (row: Came): Promise<void> => {
      const body = Buffer.from(row.body, 'utf8');
      if (body.length > task.source.maxBodyMb * MB)
        return note(task, row.url, 'too_large', `${row.url} is larger than source.maxBodyMb (${task.source.maxBodyMb})`, true);
      const known = await shelf.read(pageId(row.url));
      await keep(task, { url: row.url, finalUrl: row.finalUrl, body, format: row.format }, known);
    };
    const takeAll = async (rows: readonly Came[]): Promise<void> => {
      signal.throwIfAborted();
      await inLanes(rows, ROWS, take);
      details({ pages: came.size });
    };
    let rows: Came[] = [];
    const text = (await store.open(snapshotPath(task))).setEncoding('utf8') as AsyncIterable<string>;
    // Not node:readline, which reads 1,024 rows ahead of whoever makes them durable: a whole snapshot in memory.
    for await (const line of textLines(text, ROW_BODIES * task.source.maxBodyMb * MB)) {
      const row = readBatchRow(line);
      const url = row === null ? null : owner(row.url);
      // A second page of an address, or one that nobody asked for, is no page of ours.
      if (row === null || url === null || came.has(url)) continue;
      if ('reason' in row) {
        // Of two reasons the one that a single request may still change.
        if (missing.get(url)?.final !== false) missing.set(url, row);
        continue;
      }
      came.add(url);
      rows.push({ ...row, url });
      if (rows.length < ROWS) continue;
      await takeAll(rows);
      rows = [];
    }
    await takeAll(rows);
    const reasons = [...missing].filter(([url]) => !came.has(url));
    await inLanes(reasons, ROWS, async ([url, { reason, detail, final }]) => note(task, url, reason, detail, final));
    return came;
  };

  return {
    // No heartbeat: a cancelled run must still hear the id of what it has just started, to cancel that too.
    async triggerBatch(task) {
      const api = connected(task);
      const { signal } = new AbortController();
      const known = await readBatch(store, task);
      if (known?.state === 'triggered' && known.snapshotId !== null) return { snapshotId: known.snapshotId };
      if (known?.state === 'settled' || known?.state === 'abandoned') return null;
      // Given up by an attempt that ended before it could say so.
      if (known?.state === 'refused' && known.sent === 0)
        return { refused: 'refused when it was sent first', pending: await left(task, await dueUrls(task), true) };
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
          if (!(error instanceof BrightDataError) || error.billing !== 'no') throw error;
          const refused: Batch = { ...batch, state: 'refused', tries: batch.tries - (error.code === 'rate_limited' ? 1 : 0) };
          await writeBatch(store, task, refused);
          if (error.code !== 'bad_request') throw error;
          // An answer, and nothing that a later attempt could change: its URLs are left to single requests.
          await giveUp(task, refused, 'not_triggered');
          return { refused: error.message, pending: await left(task, due, true) };
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
          const came = await takeRows(task, await readShard(store, task.shard), pulse);
          delivered = came.size;
          await writeBatch(store, task, { ...batch, state: 'settled', billed: came.size });
          await store.remove(snapshotPath(task));
        } else if (batch !== null && typeof outcome === 'string') await giveUp(task, batch, outcome);
        const pending = await left(task, await dueUrls(task), typeof outcome === 'string');
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
  };

  /** What single requests are to bring. @param all no batch brought any page */
  async function left(task: CollectTask, due: readonly string[], all: boolean): Promise<Pending[]> {
    const tried = await readFates(store, task, 'tries');
    const reasonOf = (url: string): string => tried.get(pageId(url))?.reason ?? 'not_delivered';
    if (zone !== null) return due.map((url) => ({ url, reason: reasonOf(url), retryAfterMs: null }));
    if (due.length === 0) return [];
    const advice = 'was not brought by the batch, and BRIGHTDATA_ZONE, which single requests need, is not set';
    if (all) throw failure('ConfigMissing', `${due.length} URLs: the first, ${due[0] ?? ''}, ${advice}`);
    for (const url of due) await note(task, url, reasonOf(url), `${url} ${advice}`, false);
    return [];
  }

  /** Only what a later attempt may start is retryable. */
  async function triggerFailure(task: CollectTask, error: unknown): Promise<unknown> {
    if (!(error instanceof BrightDataError)) return error;
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
