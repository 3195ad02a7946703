// Pages in, documents out, one page in memory after the other; a dropped page goes to the exclusion shelf with its reason.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CpuActivities } from '../contracts/activities';
import { failure } from '../contracts/errors';
import type { PipelineInput } from '../contracts/input';
import { type Document, type Dropped, Page, RECORD_SCHEMA } from '../contracts/records';
import type { Config } from '../io/config';
import { bodyPath } from '../io/page-shelf';
import { SpillFile } from '../io/spill-file';
import { clean } from '../lib/clean';
import { type MaskCounts, maskDocument } from '../lib/masking';
import { Rows } from '../lib/spill';
import { countReason, runStage, type StageDeps, stageRows } from './stage';

export interface CleanDeps extends StageDeps {
  config: Pick<Config, 'home'>;
}

export const createClean = (deps: CleanDeps): Pick<CpuActivities, 'clean'> => ({
  async clean(task) {
    const pages = task.inputs['pages'];
    const options = task.config.clean as PipelineInput['clean'];
    if (pages === undefined) throw failure('ArtifactCorrupt', 'clean was asked without pages');
    return runStage(deps, task, async (box) => {
      const work = join(deps.config.home, 'work', 'clean', `${task.key}-${box.fence}`);
      const spill = new SpillFile(work);
      try {
        const documents = new Rows<Document>(spill);
        const dropped = new Rows<Dropped>(spill);
        const masked: MaskCounts = {};
        for await (const page of stageRows(deps.store, pages, 'pages.jsonl', Page)) {
          box.pulse.signal.throwIfAborted();
          const body = await deps.store.read(bodyPath(page.bodySha256));
          if (body === null) throw failure('ArtifactCorrupt', `the body ${page.bodySha256} of ${page.url} is gone from the store`);
          const verdict = clean(page, body, options);
          if (verdict.keep) {
            const safe = options.mask ? maskDocument(verdict.document) : { document: verdict.document, counts: {} };
            documents.add(safe.document);
            for (const [reason, count] of Object.entries(safe.counts))
              masked[reason as keyof MaskCounts] = (masked[reason as keyof MaskCounts] ?? 0) + count;
          } else {
            countReason(box.reasons, verdict.reason);
            dropped.add({ schema: RECORD_SCHEMA, id: page.id, of: 'page', stage: 'clean', reason: verdict.reason, detail: page.url });
          }
          box.pulse.details({ documents: documents.size, dropped: dropped.size });
        }
        await box.putRows('documents.jsonl', documents.lines());
        await box.putRows('dropped.jsonl', dropped.lines());
        box.counts = { pages: documents.size + dropped.size, documents: documents.size, dropped: dropped.size };
        for (const [reason, count] of Object.entries(masked)) box.counts[`masked_${reason}`] = count;
      } finally {
        spill.close();
        await rm(work, { recursive: true, force: true });
      }
    });
  },
});
