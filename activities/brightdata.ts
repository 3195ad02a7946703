// A shard through Bright Data: who fetches, and single URLs for what the batch (brightdata-batch.ts) did not bring.
import type { CollectTask, CpuActivities } from '../contracts/activities';
import { failure } from '../contracts/errors';
import type { Fetch } from '../contracts/records';
import { BrightDataError } from '../io/brightdata-error';
import { isDue } from '../lib/collect';
import { pageId } from '../lib/url';
import { createBrightDataBatch } from './brightdata-batch';
import { type BrightDataDeps, createBrightDataDesk, MB } from './brightdata-desk';
import { fatePath, windowOf } from './shard';
import { readSingle, type Single, takeBudget, writeSingle } from './spending';
import { requireStore } from './stage';
import { httpFailure } from './translate';

type Names = 'chooseProvider' | 'triggerBatch' | 'checkBatch' | 'settleBatch' | 'cancelBatch' | 'requestPage';

/** For how long one attempt goes on from peer to peer; after that the next attempt does. */
const PEERS_MS = 20_000;

export const createBrightDataActivities = (deps: BrightDataDeps): Pick<CpuActivities, Names> => {
  const { store, clock, config } = deps;
  const { token, zone } = config.brightData;
  const desk = createBrightDataDesk(deps);
  const { shelf, connected, timeoutMs, keep, note } = desk;

  return {
    ...createBrightDataBatch(deps, desk),

    async chooseProvider(task) {
      requireStore(store, task.storeId);
      return token === null ? 'direct' : 'brightdata';
    },

    async requestPage(task, url) {
      connected(task);
      if (zone === null) throw failure('ConfigMissing', 'BRIGHTDATA_ZONE is not set: single pages need the name of a Web Unlocker zone');
      const id = pageId(url);
      const [known, fate, before] = await Promise.all([
        shelf.read(id),
        store.stat(fatePath(task, 'fates', id)),
        readSingle(store, task, id),
      ]);
      if (!isDue(known, windowOf(task)) || fate !== null) return;
      let single = before;
      // The worker that sent it ended before it had written down what came.
      if (single.open) single = { ...single, open: false, possiblyBilled: single.possiblyBilled + 1 };
      if (single.requests > task.source.retries)
        throw failure('RemoteUnavailable', `${url}: its tries are used up (source.retries)`, { final: true });
      const since = clock.monotonic();
      for (;;) {
        const error = await ask(task, { url, zone, known }, single);
        if (error === null) return;
        const failed = await singleFailure(task, url, single, error);
        single = await readSingle(store, task, id);
        if (!error.peer || single.requests > task.source.retries || clock.monotonic() - since > PEERS_MS) throw failed;
      }
    },
  };

  /** One request. @returns null when the page is on the shelf */
  async function ask(
    task: CollectTask,
    { url, zone, known }: { url: string; zone: string; known: Fetch | null },
    single: Single,
  ): Promise<BrightDataError | null> {
    await takeBudget(store, task, 1);
    await writeSingle(store, task, pageId(url), { ...single, open: true, requests: single.requests + 1 });
    try {
      const { signal } = new AbortController();
      const wanted = { url, zone, maxBytes: task.source.maxBodyMb * MB };
      const body = await connected(task).page(wanted, { signal, timeoutMs: timeoutMs(task) });
      // The note stays open: the page on the shelf closes it, and no crash can come between the two.
      await keep(task, { url, finalUrl: url, body, format: 'markdown' }, known);
      return null;
    } catch (error) {
      if (error instanceof BrightDataError) return error;
      throw error;
    }
  }

  /** Closes the note of a request that brought no page. @returns what the activity throws */
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
};
