// A shard's batch at Bright Data: started once, watched by durable timers, read when it is ready, cancelled when the
// run ends before it. What it does not bring, for whatever reason, is left to single requests.
import { ApplicationFailure, CancellationScope, isCancellation, proxyActivities, sleep } from '@temporalio/workflow';
import type { BatchOutcome, CollectTask, CpuActivities, Pending } from '../contracts/activities';
import { BRIGHTDATA, deed, paid, SMALL } from '../contracts/policies';
import { rootCause } from './failures';

/** What a person has to mend first: single requests would meet it too. */
const stopsTheRun = (error: unknown): boolean => {
  const cause = rootCause(error);
  return cause instanceof ApplicationFailure && ['ConfigMissing', 'QuotaExhausted', 'ArtifactCorrupt'].includes(cause.type ?? '');
};

/** Null: it failed in a way that single requests need not share. */
const unlessItStops = async <T>(act: () => Promise<T>): Promise<{ value: T } | null> => {
  try {
    return { value: await act() };
  } catch (error) {
    if (isCancellation(error) || stopsTheRun(error)) throw error;
    return null;
  }
};

const pause = async (looks: number): Promise<void> => sleep(BRIGHTDATA.pollMs[Math.min(looks, BRIGHTDATA.pollMs.length - 1)] ?? 10_000);

const watch = async (task: CollectTask, snapshotId: string): Promise<Pending[] | Exclude<BatchOutcome, object>> => {
  // A look that fails is only missed; the next one comes by the timer.
  const { checkBatch } = proxyActivities<CpuActivities>({ ...paid(task.source.timeoutSeconds), retry: { maximumAttempts: 2 } });
  const { settleBatch } = proxyActivities<CpuActivities>(deed(task.heartbeatSeconds));
  const end = Date.now() + task.source.batchMinutes * 60_000;
  let ready = false;
  for (let looks = 0; Date.now() < end; looks++) {
    await pause(looks);
    if (!ready) {
      const look = await unlessItStops(async () => checkBatch.executeWithOptions({ summary: snapshotId }, [task, snapshotId]));
      if (look?.value === 'ended') return 'failed';
      ready = look?.value === 'ready';
    }
    if (!ready) continue;
    // Ready, and yet it may still be built: then it is asked for again.
    const settled = await unlessItStops(async () => settleBatch(task, { snapshotId }));
    if (settled === null) return 'over_time';
    if (settled.value !== null) return settled.value.pending;
  }
  return 'over_time';
};

/** @returns what is left for single requests */
export const collectBatch = async (task: CollectTask): Promise<Pending[]> => {
  const { triggerBatch } = proxyActivities<CpuActivities>(paid(task.source.timeoutSeconds));
  const { settleBatch } = proxyActivities<CpuActivities>(deed(task.heartbeatSeconds));
  const { cancelBatch } = proxyActivities<CpuActivities>({ ...SMALL, startToCloseTimeout: '5 minutes', retry: { maximumAttempts: 5 } });
  const cancel = async (): Promise<void> =>
    CancellationScope.nonCancellable(async () => {
      try {
        await cancelBatch(task);
      } catch {
        // Bright Data has not heard it: the batch ends by itself, and the manifest says what it may have cost.
      }
    });
  const rest = async (outcome: BatchOutcome): Promise<Pending[]> => (await settleBatch(task, outcome))?.pending ?? [];
  try {
    const started = await unlessItStops(async () => triggerBatch(task));
    if (started === null) {
      await cancel();
      return await rest('not_triggered');
    }
    if (started.value === null) return await rest('not_triggered');
    if ('refused' in started.value) return started.value.pending;
    const outcome = await watch(task, started.value.snapshotId);
    if (typeof outcome !== 'string') return outcome;
    if (outcome === 'over_time') await cancel();
    return await rest(outcome);
  } catch (error) {
    await cancel();
    throw error;
  }
};
