// The part of a run that finds and brings pages, as a workflow of its own.
import type { SourceSummary, StageRef } from '../../contracts/artifacts';
import { collect, requireEnough } from '../../workflows/collect';
import type { StageContext } from '../../workflows/stage';

export { collectShard } from '../../workflows/collect-shard';

export async function collectAll(
  context: StageContext,
  date: string,
): Promise<{ pages: Record<string, StageRef>; summary: SourceSummary }> {
  const collected = await collect(context, date);
  await requireEnough(context, Object.values(collected.pages), collected.summary);
  return collected;
}
