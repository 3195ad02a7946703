// Documents of every shard in, one of each section out.
import type { CpuActivities } from '../contracts/activities';
import type { PipelineInput } from '../contracts/input';
import { Document } from '../contracts/records';
import { dedup } from '../lib/dedup';
import { countReason, runStage, type StageDeps, stageRows } from './stage';

export const createDedup = (deps: StageDeps): Pick<CpuActivities, 'dedup'> => ({
  async dedup(task) {
    return runStage(deps, task, async (box) => {
      const documents: Document[] = [];
      for (const [, ref] of Object.entries(task.inputs).sort(([a], [b]) => (a < b ? -1 : 1)))
        for await (const document of stageRows(deps.store, ref, 'documents.jsonl', Document)) documents.push(document);
      box.pulse.details({ documents: documents.length });
      const { sections, dropped } = await dedup(documents, task.config.dedup as PipelineInput['dedup']);
      for (const one of dropped) countReason(box.reasons, one.reason);
      await box.putRows('sections.jsonl', sections);
      await box.putRows('dropped.jsonl', dropped);
      box.counts = { documents: documents.length, sections: sections.length, dropped: dropped.length };
    });
  },
});
