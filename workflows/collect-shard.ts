// One shard of URLs: all that is due in one activity, then an activity for each URL that may heal, then its seal.
import { ApplicationFailure, isCancellation, proxyActivities, sleep, TimeoutFailure } from '@temporalio/workflow';
import type { CollectTask, CpuActivities, Pending } from '../contracts/activities';
import type { StageRef } from '../contracts/artifacts';
import { deed, keyedDeed, single } from '../contracts/policies';
import { rootCause } from './failures';
import { inGroups } from './groups';

/** Single URLs at once; the worker's own gates keep each host's limit. */
const SINGLES_AT_ONCE = 4;
/** Before the first further try of a URL whose server named no time. */
const FIRST_WAIT_MS = 2_000;

/** Failures of one URL, used up; anything else concerns the run. */
const isOneUrls = (error: unknown): boolean => {
  const cause = rootCause(error);
  return (
    cause instanceof TimeoutFailure ||
    (cause instanceof ApplicationFailure && (cause.type === 'RateLimited' || cause.type === 'RemoteUnavailable'))
  );
};

const tryAgain = async (task: CollectTask, pending: readonly Pending[]): Promise<void> => {
  const { retries, timeoutSeconds } = task.source;
  if (retries === 0) return;
  // `single` adds the first attempt, which here is a retry already.
  const { collectPage } = proxyActivities<CpuActivities>(single(retries - 1, timeoutSeconds));
  const since = Date.now();
  const waiting = pending
    .map(({ url, retryAfterMs }) => ({ url, at: since + Math.max(retryAfterMs ?? 0, FIRST_WAIT_MS) }))
    .sort((a, b) => a.at - b.at || (a.url < b.url ? -1 : 1));
  await inGroups(waiting, SINGLES_AT_ONCE, async ({ url, at }) => {
    const wait = at - Date.now();
    if (wait > 0) await sleep(wait);
    try {
      await collectPage.executeWithOptions({ summary: url.slice(0, 200) }, [task, url]);
    } catch (error) {
      // Its last reason is in the store; sealShard gives it as the URL's fate.
      if (isCancellation(error) || !isOneUrls(error)) throw error;
    }
  });
};

/** Brings the pages of a shard and seals it: every URL has a page or a reason. */
export async function collectShard(task: CollectTask): Promise<StageRef> {
  const { collect } = proxyActivities<CpuActivities>(deed(task.heartbeatSeconds));
  const { sealShard } = proxyActivities<CpuActivities>(keyedDeed(task.heartbeatSeconds));
  const { pending } = await collect(task);
  await tryAgain(task, pending);
  return sealShard(task);
}
