// Sections in, grounded questions and answers out.
import type { CpuActivities } from '../contracts/activities';
import { failure } from '../contracts/errors';
import type { PipelineInput } from '../contracts/input';
import { Section } from '../contracts/records';
import type { Config } from '../io/config';
import { pair } from '../lib/pair';
import { llmCandidates } from './llm-pairs';
import { countReason, reasonText, runStage, type StageDeps, stageRows } from './stage';

export interface PairDeps extends StageDeps {
  config: Pick<Config, 'llm'>;
}

export const createPair = (deps: PairDeps): Pick<CpuActivities, 'pair'> => ({
  async pair(task) {
    const from = task.inputs['sections'];
    if (from === undefined) throw failure('ArtifactCorrupt', 'pair was asked without sections');
    return runStage(deps, task, async (box) => {
      const sections: Section[] = [];
      for await (const section of stageRows(deps.store, from, 'sections.jsonl', Section)) sections.push(section);
      const options = task.config.pair as PipelineInput['pair'];
      const written = options.llm.enabled
        ? await llmCandidates(deps, sections, options.llm, task.digests['llm'], box)
        : new Map<string, never>();
      const { pairs, dropped } = pair(sections, options, written);
      for (const one of dropped) countReason(box.reasons, one.reason);
      if (pairs.length === 0)
        throw failure(
          'DatasetTooSmall',
          `${sections.length} sections gave no pair: ${reasonText(box.reasons) || 'no section has a text to ask for'}`,
        );
      await box.putRows('pairs.jsonl', pairs);
      await box.putRows('dropped.jsonl', dropped);
      box.counts = { ...box.counts, sections: sections.length, pairs: pairs.length, dropped: dropped.length };
      for (const one of pairs) box.counts[`kind_${one.kind}`] = (box.counts[`kind_${one.kind}`] ?? 0) + 1;
    });
  },
});
