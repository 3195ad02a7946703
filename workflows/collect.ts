// From whatever names pages to sealed shards: a run of ten URLs and one of a million use the same code.
import { ApplicationFailure, ChildWorkflowCancellationType, executeChild, ParentClosePolicy, proxyActivities } from '@temporalio/workflow';
import type { CollectTask, CpuActivities, ShardRef } from '../contracts/activities';
import type { SourceSummary, StageRef } from '../contracts/artifacts';
import { shardWorkflowId, WORKFLOWS } from '../contracts/names';
import { deed, SHARD, SMALL } from '../contracts/policies';
import { sumCounts } from './board';
import { inGroups } from './groups';
import type { StageContext } from './stage';

export interface Collected {
  /** Sealed shards by bucket. */
  pages: Record<string, StageRef>;
  summary: SourceSummary;
}

const collectShard = async ({ run, storeId, input }: StageContext, date: string, shard: ShardRef): Promise<StageRef> => {
  const task: CollectTask = {
    run,
    storeId,
    shard,
    source: input.source,
    date,
    heartbeatSeconds: input.limits.heartbeatSeconds,
    maxRequests: input.budget.maxRequests,
  };
  return executeChild<(task: CollectTask) => Promise<StageRef>>(WORKFLOWS.collectShard, {
    workflowId: shardWorkflowId(run.runId, shard.bucket),
    args: [task],
    // A failed parent must not leave a shard fetching (and Bright Data billing).
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    staticSummary: `${shard.urls} URLs`,
  });
};

/** Finds the pages of a run and brings them. @param date of the run, ISO 8601 */
export const collect = async (context: StageContext, date: string): Promise<Collected> => {
  const { run, storeId, input } = context;
  const { resolveSource } = proxyActivities<CpuActivities>(deed(input.limits.heartbeatSeconds));
  const { shards, summary } = await resolveSource({ run, storeId, source: input.source });
  const refs = await inGroups(shards, SHARD.children, async (shard) => [shard.bucket, await collectShard(context, date, shard)] as const);
  return { pages: Object.fromEntries(refs), summary };
};

/** @throws SourceEmpty when too few of the URLs brought a page, naming some by their reasons */
export const requireEnough = async ({ storeId, input }: StageContext, refs: readonly StageRef[], summary: SourceSummary): Promise<void> => {
  const { pages = 0, urls = 0 } = sumCounts(refs.map((ref) => ref.counts));
  if (pages > 0 && pages >= urls * input.source.minSuccess) return;
  const { explainCollect } = proxyActivities<CpuActivities>(SMALL);
  const missing = await explainCollect(
    storeId,
    refs.map((ref) => ref.key),
  );
  const entries = Object.entries(summary.reasons).map(([reason, count]) => `${reason} ${count}`);
  throw ApplicationFailure.nonRetryable(
    `${pages} of ${urls} URLs brought a page (source.minSuccess asks for ${Math.round(input.source.minSuccess * 100)} %): ${[missing, ...entries].filter((text) => text !== '').join(', ')}`,
    'SourceEmpty',
  );
};
