// What a run decides without asking anybody: its date, whether anything is new, why a model is held back.
import { workflowInfo } from '@temporalio/workflow';
import type { Resolved } from '../contracts/activities';
import type { BaseModel, Pointer, StageRef, Verdict } from '../contracts/artifacts';

/** Scheduled time for a scheduled run (late starts included), start time for any other. */
export const runDate = (): string => {
  const scheduled: unknown = workflowInfo().searchAttributes['TemporalScheduledStartTime']?.[0];
  if (scheduled instanceof Date) return scheduled.toISOString();
  return typeof scheduled === 'string' ? scheduled : workflowInfo().startTime.toISOString();
};

/** Whether the model that would come out is the one that was published last, settings after training included. */
export const isUnchanged = (pointer: Pointer | null, train: StageRef, resolved: Resolved): pointer is Pointer =>
  pointer !== null && pointer.train.key === train.key && pointer.settingsDigest === resolved.settingsDigest;

/** The last published adapter as an input of evaluate, where it can be compared: another base cannot. */
export const lastOf = (pointer: Pointer | null, train: StageRef, base: BaseModel): { last?: StageRef; lastFormat?: StageRef } =>
  pointer === null || pointer.baseWeightsDigest !== base.weightsDigest || pointer.train.key === train.key
    ? {}
    : { last: pointer.train, lastFormat: pointer.format };

/** The rules of the gate that failed, as one line. */
export const heldReason = (verdict: Verdict): string => {
  const failed = verdict.rules.filter((rule) => rule.outcome === 'fail').map((rule) => rule.text);
  return failed.length > 0 ? failed.join('; ') : 'too few test examples to decide';
};
