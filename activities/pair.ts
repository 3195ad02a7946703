// Sections in, grounded questions and answers out, page by page: what is kept of all of them is columns.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { CpuActivities } from '../contracts/activities';
import { failure } from '../contracts/errors';
import type { PipelineInput } from '../contracts/input';
import { Section } from '../contracts/records';
import type { Config } from '../io/config';
import { FileParts } from '../io/file-parts';
import { SpillFile } from '../io/spill-file';
import { candidatesOfHost } from '../lib/pair';
import { PairTable } from '../lib/pair-table';
import { llmCandidates } from './llm-pairs';
import { openSectionPages } from './section-pages';
import { reasonText, runStage, type StageDeps, stageRows } from './stage';

export interface PairDeps extends StageDeps {
  config: Pick<Config, 'llm' | 'home'>;
}

/** Candidates between two pauses: the rules compute, and the heartbeat must come through. */
const PAUSE_EVERY = 1000;

export const createPair = (deps: PairDeps): Pick<CpuActivities, 'pair'> => ({
  async pair(task) {
    const from = task.inputs['sections'];
    if (from === undefined) throw failure('ArtifactCorrupt', 'pair was asked without sections');
    return runStage(deps, task, async (box) => {
      const options = task.config.pair as PipelineInput['pair'];
      const written = options.llm.enabled
        ? await llmCandidates(deps, stageRows(deps.store, from, 'sections.jsonl', Section), options.llm, task.digests['llm'], box)
        : { candidates: new Map<string, never>(), dropped: [] };
      const work = join(deps.config.home, 'work', 'pair', `${task.key}-${box.fence}`);
      const [files, spill] = [new FileParts(), new SpillFile(work)];
      try {
        const { size, hosts } = await openSectionPages(deps.store, from, files, box.pulse.signal);
        const table = new PairTable(spill);
        for (const dropped of written.dropped) table.add({ dropped });
        let seen = 0;
        // Each host's pages go when it is done, and with them what was held of them.
        for (let pages = hosts.pop(); pages !== undefined; pages = hosts.pop())
          for (const found of candidatesOfHost(pages, options, written.candidates)) {
            table.add(found);
            if (++seen % PAUSE_EVERY !== 0) continue;
            box.pulse.details({ text: 'candidates', done: seen, total: null });
            box.pulse.signal.throwIfAborted();
            await setImmediate();
          }
        const kept = table.settle(options);
        box.reasons = { ...table.reasons };
        if (kept === 0)
          throw failure(
            'DatasetTooSmall',
            `${size} sections gave no pair: ${reasonText(box.reasons) || 'no section has a text to ask for'}`,
          );
        await box.putRows('pairs.jsonl', table.lines());
        await box.putRows('dropped.jsonl', table.droppedLines());
        box.counts = { ...box.counts, sections: size, pairs: kept, dropped: table.lost };
        for (const [kind, count] of Object.entries(table.kinds)) box.counts[`kind_${kind}`] = count;
      } finally {
        files.close();
        spill.close();
        await rm(work, { recursive: true, force: true });
      }
    });
  },
});
