// Dedup over shards: blocks counted, sections signed, shard by shard; then one merge.
import { proxyActivities } from '@temporalio/workflow';
import type { CpuActivities, DedupPart, KeyedTask } from '../contracts/activities';
import type { StageRef } from '../contracts/artifacts';
import type { PipelineInput } from '../contracts/input';
import { deed, keyedDeed, SHARD } from '../contracts/policies';
import { inGroups } from './groups';

/** What the stage `dedup` does when it is not done yet. Parts that stand are not made again. */
export const dedupShards = async (task: KeyedTask): Promise<StageRef> => {
  const { storeId, key, heartbeatSeconds } = task;
  const cpu = proxyActivities<CpuActivities>(deed(heartbeatSeconds));
  const parts = Object.entries(task.inputs).map(([name, documents]): DedupPart => ({ storeId, key, name, documents }));
  await inGroups(parts, SHARD.children, async (part) => cpu.surveyShard(part));
  const { boilerplatePages } = task.config.dedup as PipelineInput['dedup'];
  await cpu.findBoilerplate({ storeId, key, names: parts.map(({ name }) => name), leastPages: boilerplatePages });
  await inGroups(parts, SHARD.children, async (part) => cpu.signShard(part));
  return proxyActivities<CpuActivities>(keyedDeed(heartbeatSeconds)).dedup(task);
};
