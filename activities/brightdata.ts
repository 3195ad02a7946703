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
        single = answered(single, error);
        const again = error.peer && single.requests <= task.source.retries && clock.monotonic() - since <= PEERS_MS;
        // The note of the next request says all that this one's would: until then a crash leaves this one in doubt.
        if (!again) throw await singleFailure(task, url, single, error);
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

  /** The note of a URL after a request that brought no page. */
  function answered(before: Single, error: BrightDataError): Single {
    return {
      open: false,
      // Waiting is not asking.
      requests: before.requests + (error.code === 'rate_limited' ? 0 : 1),
      billed: before.billed + (error.billing === 'yes' ? 1 : 0),
      possiblyBilled: before.possiblyBilled + (error.billing === 'perhaps' ? 1 : 0),
    };
  }

  /** Writes down what became of the last request. @returns what the activity throws */
  async function singleFailure(task: CollectTask, url: string, single: Single, error: BrightDataError): Promise<unknown> {
    const waits = error.code === 'rate_limited';
    const written = writeSingle(store, task, pageId(url), single);
    if (error.kind === 'configuration') return written.then(() => httpFailure(error));
    await Promise.all([written, note(task, url, error.code, error.message, error.kind === 'target')]);
    // Not counted as asked: Bright Data refused it or we did not send it.
    if (waits) await takeBudget(store, task, -1);
    if (error.kind === 'transient' && !waits && single.requests > task.source.retries)
      return failure('RemoteUnavailable', error.message, { final: true, cause: error, details: { reason: error.code } });
    return httpFailure(error);
  }
};
