// Pages in, documents out; a dropped page goes to the exclusion shelf with its reason.
import type { CpuActivities } from '../contracts/activities';
import { failure } from '../contracts/errors';
import type { PipelineInput } from '../contracts/input';
import { type Document, type Dropped, Page, RECORD_SCHEMA } from '../contracts/records';
import { bodyPath } from '../io/page-shelf';
import { clean } from '../lib/clean';
import { type MaskCounts, maskDocument } from '../lib/masking';
import { countReason, runStage, type StageDeps, stageRows } from './stage';

export const createClean = (deps: StageDeps): Pick<CpuActivities, 'clean'> => ({
  async clean(task) {
    const pages = task.inputs['pages'];
    const options = task.config.clean as PipelineInput['clean'];
    if (pages === undefined) throw failure('ArtifactCorrupt', 'clean was asked without pages');
    return runStage(deps, task, async (box) => {
      const documents: Document[] = [];
      const dropped: Dropped[] = [];
      const masked: MaskCounts = {};
      for await (const page of stageRows(deps.store, pages, 'pages.jsonl', Page)) {
        box.pulse.signal.throwIfAborted();
        const body = await deps.store.read(bodyPath(page.bodySha256));
        if (body === null) throw failure('ArtifactCorrupt', `the body ${page.bodySha256} of ${page.url} is gone from the store`);
        const verdict = clean(page, body, options);
        if (verdict.keep) {
          const safe = options.mask ? maskDocument(verdict.document) : { document: verdict.document, counts: {} };
          documents.push(safe.document);
          for (const [reason, count] of Object.entries(safe.counts))
            masked[reason as keyof MaskCounts] = (masked[reason as keyof MaskCounts] ?? 0) + count;
        } else {
          countReason(box.reasons, verdict.reason);
          dropped.push({ schema: RECORD_SCHEMA, id: page.id, of: 'page', stage: 'clean', reason: verdict.reason, detail: page.url });
        }
        box.pulse.details({ documents: documents.length, dropped: dropped.length });
      }
      documents.sort((a, b) => (a.id < b.id ? -1 : 1));
      dropped.sort((a, b) => (a.id < b.id ? -1 : 1));
      await box.putRows('documents.jsonl', documents);
      await box.putRows('dropped.jsonl', dropped);
      box.counts = { pages: documents.length + dropped.length, documents: documents.length, dropped: dropped.length };
      for (const [reason, count] of Object.entries(masked)) box.counts[`masked_${reason}`] = count;
    });
  },
});
