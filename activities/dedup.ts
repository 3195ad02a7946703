// Signed shards in, one of each section out. What happened shard by shard before is in dedup-parts.
import { setImmediate } from 'node:timers/promises';
import type { CpuActivities } from '../contracts/activities';
import type { PipelineInput } from '../contracts/input';
import type { Dropped } from '../contracts/records';
import { FileParts } from '../io/file-parts';
import { type Merged, mergeShards, withCluster } from '../lib/dedup';
import { openPart, type PartReader, partsFolder } from './dedup-parts';
import { runStage, type StageDeps } from './stage';

/** Lines copied between two pauses: reading is synchronous, and the heartbeat must come through. */
const PAUSE_EVERY = 256;

async function* keptLines(merged: Merged, parts: readonly PartReader[]): AsyncGenerator<Buffer> {
  let lines = 0;
  for (const fate of merged.fates()) {
    if (!('kept' in fate)) continue;
    const { shard, start, bytes, cluster } = fate.kept;
    yield withCluster(parts[shard]!.line(start, bytes), cluster);
    if (++lines % PAUSE_EVERY === 0) await setImmediate();
  }
}

function* droppedRows(merged: Merged): Generator<Dropped> {
  for (const fate of merged.fates()) if ('dropped' in fate) yield fate.dropped;
}

export const createDedup = (deps: StageDeps): Pick<CpuActivities, 'dedup'> => ({
  async dedup(task) {
    const ref = await runStage(deps, task, async (box) => {
      const { similarity } = task.config.dedup as PipelineInput['dedup'];
      const files = new FileParts();
      try {
        const parts: PartReader[] = [];
        for (const name of Object.keys(task.inputs).sort()) parts.push(await openPart(deps.store, task.key, name, files));
        const merged = await mergeShards(parts, similarity, async (share) => {
          box.pulse.details({ compared: Math.round(100 * share) });
          box.pulse.signal.throwIfAborted();
          await setImmediate();
        });
        await box.putRows('sections.jsonl', keptLines(merged, parts));
        await box.putRows('dropped.jsonl', droppedRows(merged));
        const { sections, kept, ...reasons } = merged.counts;
        for (const [reason, count] of Object.entries(reasons)) if (count > 0) box.reasons[reason] = count;
        const documents = parts.reduce((sum, part) => sum + part.counts.documents, 0);
        box.counts = { documents, sections: kept, dropped: sections - kept };
      } finally {
        files.close();
      }
    });
    await deps.store.remove(partsFolder(task.key));
    return ref;
  },
});
