// From whatever names pages to sealed shards: a run of ten URLs and one of a million use the same code.
import { ApplicationFailure, ChildWorkflowCancellationType, executeChild, ParentClosePolicy, proxyActivities } from '@temporalio/workflow';
import { type CollectTask, type CpuActivities, fetching, type ShardRef, type Wave } from '../contracts/activities';
import type { SourceSummary, StageRef } from '../contracts/artifacts';
import { shardWorkflowId, WORKFLOWS } from '../contracts/names';
import { deed, keyedDeed, SHARD, SMALL } from '../contracts/policies';
import { sumCounts } from './board';
import { inGroups } from './groups';
import type { StageContext } from './stage';

/** Addresses named at most for each reason. */
const EXAMPLES = 5;

export interface Collected {
  /** Sealed shards by bucket. */
  pages: Record<string, StageRef>;
  summary: SourceSummary;
}

const sumSummaries = (all: readonly SourceSummary[]): SourceSummary => {
  const examples: SourceSummary['examples'] = {};
  for (const summary of all)
    for (const [reason, list] of Object.entries(summary.examples))
      examples[reason] = [...(examples[reason] ?? []), ...list].slice(0, EXAMPLES);
  return { counts: sumCounts(all.map(({ counts }) => counts)), reasons: sumCounts(all.map(({ reasons }) => reasons)), examples };
};

class Collecting {
  private readonly waves: Wave[] = [];
  private readonly deed: Pick<CpuActivities, 'resolveSource' | 'findLinks' | 'nextWave' | 'settleSource'>;

  constructor(
    private readonly context: StageContext,
    private readonly date: string,
  ) {
    this.deed = proxyActivities<CpuActivities>(deed(context.input.limits.heartbeatSeconds));
  }

  private task(shard: ShardRef, provider = this.context.input.source.provider): CollectTask {
    const { run, storeId, input } = this.context;
    const { heartbeatSeconds } = input.limits;
    const source = { ...fetching(input.source), provider };
    return { run, storeId, shard, source, date: this.date, heartbeatSeconds, maxRequests: input.budget.maxRequests };
  }

  private async shard(shard: ShardRef): Promise<StageRef> {
    return executeChild<(task: CollectTask) => Promise<StageRef>>(WORKFLOWS.collectShard, {
      workflowId: shardWorkflowId(this.context.run.runId, shard.bucket, this.waves.length),
      args: [this.task(shard)],
      // A failed parent must not leave a shard fetching (and Bright Data billing).
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      staticSummary: `${shard.urls} URLs`,
    });
  }

  /** The source's own pages, then those that they lead to, and so on. @returns what was left out */
  private async collectWaves(): Promise<SourceSummary> {
    const { run, storeId, input } = this.context;
    const { source } = input;
    const { include, exclude, robots, maxPages } = source;
    const task = { run, storeId, source: { include, exclude, robots, maxPages } };
    const first = await this.deed.resolveSource({ run, storeId, source });
    let { shards } = first;
    const summaries = [first.summary];
    for (;;) {
      // With maxPages reached there is nothing to look for any more.
      const last = this.waves.length === source.links.depth || summaries.some(({ reasons }) => 'max_pages' in reasons);
      const done = await inGroups(shards, SHARD.children, async (shard) => {
        const ref = await this.shard(shard);
        return { ref, found: last ? null : (await this.deed.findLinks({ ...task, shard: ref })).path };
      });
      this.waves.push({ shards, refs: done.map(({ ref }) => ref) });
      if (last) break;
      const seen = this.waves.flatMap((wave) => wave.shards.map(({ path }) => path));
      const next = await this.deed.nextWave({ ...task, seen, found: done.flatMap(({ found }) => (found === null ? [] : [found])) });
      summaries.push(next.summary);
      shards = next.shards;
      if (shards.length === 0) break;
    }
    if (source.links.depth > 0) summaries.push({ counts: { waves: this.waves.length }, reasons: {}, examples: {} });
    return sumSummaries(summaries);
  }

  /** Seals what was collected in several waves or under several addresses as the shards that later stages see. */
  private async settle(): Promise<Record<string, StageRef>> {
    const { run, storeId, input } = this.context;
    const settled = await this.deed.settleSource({ run, storeId, waves: this.waves });
    const [again] = settled.filter(({ ref }) => ref === null);
    const { sealShard } = proxyActivities<CpuActivities>(keyedDeed(input.limits.heartbeatSeconds));
    const { chooseProvider } = proxyActivities<CpuActivities>(SMALL);
    const asked = input.source.provider;
    const provider = again === undefined || asked !== 'auto' ? asked : await chooseProvider(this.task(again.shard));
    const refs = await inGroups(settled, SHARD.children, async ({ shard, ref }) => {
      return [shard.bucket, ref ?? (await sealShard(this.task(shard, provider)))] as const;
    });
    return Object.fromEntries(refs);
  }

  async execute(): Promise<Collected> {
    const summary = await this.collectWaves();
    return { pages: await this.settle(), summary };
  }
}

/** Finds the pages of a run and brings them. @param date of the run, ISO 8601 */
export const collect = async (context: StageContext, date: string): Promise<Collected> => new Collecting(context, date).execute();

/** @throws SourceEmpty when too few of the URLs brought a page, naming some by their reasons */
export const requireEnough = async ({ storeId, input }: StageContext, refs: readonly StageRef[], summary: SourceSummary): Promise<void> => {
  const { pages: all = 0, stale = 0, goneOnce = 0, urls: asked = 0 } = sumCounts(refs.map((ref) => ref.counts));
  // Pages that stand in did not come: a night on which a whole site is down must be heard of.
  const pages = all - stale - goneOnce;
  // A second address of a page that came is no page that is missing.
  const urls = asked - (sumCounts(refs.map((ref) => ref.reasons))['duplicate_of'] ?? 0);
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
