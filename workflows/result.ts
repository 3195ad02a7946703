// What a run says when it ends.
import type { Counts, PipelineResult, RunRecord, RunStatus, Verb } from '../contracts/artifacts';
import { sumCounts } from './board';

/** What the source named and collect did not take belongs to collect's sums. */
export const leftOut = ({ source }: RunRecord, verb: string, part: 'counts' | 'reasons'): Counts[] =>
  verb === 'collect' && source !== undefined ? [source[part]] : [];

/** @param reused the stages whose every shard was found done */
export const resultOf = (record: RunRecord, status: RunStatus, reused: Partial<Record<Verb, boolean>>, store: string): PipelineResult => ({
  runId: record.runId,
  executionId: record.executionId,
  status,
  reason: record.reason,
  verdict: record.verdict,
  stages: Object.fromEntries(
    Object.entries(record.stages).map(([verb, refs]) => [
      verb,
      {
        key: refs.length === 1 ? (refs[0]?.key ?? '') : `${refs.length} shards`,
        counts: sumCounts([...refs.map(({ counts }) => counts), ...leftOut(record, verb, 'counts')]),
        reasons: sumCounts([...refs.map(({ reasons }) => reasons), ...leftOut(record, verb, 'reasons')]),
        reused: reused[verb as Verb] ?? false,
      },
    ]),
  ),
  store,
  published: record.hub,
});
