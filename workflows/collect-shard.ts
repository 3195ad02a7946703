// One shard of URLs: all that is due in one go, then an activity for each URL that may heal, then its seal.
import { ApplicationFailure, isCancellation, proxyActivities, sleep, TimeoutFailure } from '@temporalio/workflow';
import type { CollectTask, CpuActivities, Pending } from '../contracts/activities';
import type { StageRef } from '../contracts/artifacts';
import { deed, keyedDeed, paid, single, SMALL } from '../contracts/policies';
import { collectBatch } from './collect-batch';
import { rootCause } from './failures';
import { inGroups } from './groups';

/** Single URLs at once; the worker's own gates keep each host's limit. */
const SINGLES_AT_ONCE = 4;
/** Three times the turns that there are: while one third waits for answers, others are made durable or on their way to a worker. */
const PAID_AT_ONCE = 32;
/** Before the first further try of a URL whose server named no time. */
const FIRST_WAIT_MS = 2_000;

/** Failures of one URL, used up; anything else concerns the run. */
const isOneUrls = (error: unknown): boolean => {
  const cause = rootCause(error);
  return (
    cause instanceof TimeoutFailure ||
    (cause instanceof ApplicationFailure && ['RateLimited', 'RemoteUnavailable', 'RemoteRefused'].includes(cause.type ?? ''))
  );
};

const each = async (urls: readonly { url: string; at: number }[], width: number, act: (url: string) => Promise<void>): Promise<void> => {
  await inGroups(urls, width, async ({ url, at }) => {
    const wait = at - Date.now();
    if (wait > 0) await sleep(wait);
    try {
      await act(url);
    } catch (error) {
      // Its last reason is in the store; sealShard gives it as the URL's fate.
      if (isCancellation(error) || !isOneUrls(error)) throw error;
    }
  });
};

const summary = (url: string): { summary: string } => ({ summary: url.slice(0, 200) });

const tryAgain = async (task: CollectTask, pending: readonly Pending[]): Promise<void> => {
  const { retries, timeoutSeconds } = task.source;
  if (retries === 0) return;
  // `single` adds the first attempt, which here is a retry already.
  const { collectPage } = proxyActivities<CpuActivities>(single(retries - 1, timeoutSeconds));
  const since = Date.now();
  const waiting = pending
    .map(({ url, retryAfterMs }) => ({ url, at: since + Math.max(retryAfterMs ?? 0, FIRST_WAIT_MS) }))
    .sort((a, b) => a.at - b.at || (a.url < b.url ? -1 : 1));
  await each(waiting, SINGLES_AT_ONCE, async (url) => collectPage.executeWithOptions(summary(url), [task, url]));
};

const direct = async (task: CollectTask): Promise<void> => {
  const { collect } = proxyActivities<CpuActivities>(deed(task.heartbeatSeconds));
  const { pending } = await collect(task);
  await tryAgain(task, pending);
};

const throughBrightData = async (task: CollectTask): Promise<void> => {
  const { requestPage } = proxyActivities<CpuActivities>(paid(task.source.timeoutSeconds));
  const pending = await collectBatch(task);
  const now = Date.now();
  await each(
    pending.map(({ url }) => ({ url, at: now })),
    PAID_AT_ONCE,
    async (url) => requestPage.executeWithOptions(summary(url), [task, url]),
  );
};

/** Brings the pages of a shard and seals it: every URL has a page or a reason. */
export async function collectShard(given: CollectTask): Promise<StageRef> {
  const { chooseProvider } = proxyActivities<CpuActivities>(SMALL);
  const { sealShard } = proxyActivities<CpuActivities>(keyedDeed(given.heartbeatSeconds));
  const provider = given.source.provider === 'auto' ? await chooseProvider(given) : given.source.provider;
  const task = { ...given, source: { ...given.source, provider } };
  if (task.shard.files > 0) await proxyActivities<CpuActivities>(deed(task.heartbeatSeconds)).collectFiles(task);
  await (provider === 'direct' ? direct(task) : throughBrightData(task));
  return sealShard(task);
}
