// One stage: reuse what stands under its key, else do it. The look-up runs on the cpu queue, so an unchanged
// run never waits behind a training.
import { proxyActivities } from '@temporalio/workflow';
import type { CpuActivities, KeyedTask, RunIdentity, StageTask } from '../contracts/activities';
import type { StageRef, Verb } from '../contracts/artifacts';
import type { PipelineInput } from '../contracts/input';
import { SMALL } from '../contracts/policies';
import { STAGES } from '../contracts/stages';

const { findStage } = proxyActivities<Pick<CpuActivities, 'findStage'>>({ ...SMALL, summary: 'is it done already?' });

export interface StageContext {
  run: RunIdentity;
  storeId: string;
  input: PipelineInput;
}

/** The part of the input that a stage uses, whole sections: what the deed reads. */
const configOf = (verb: Verb, input: PipelineInput): Partial<PipelineInput> =>
  Object.fromEntries(
    [...new Set(STAGES[verb].config.map((path) => path.split('.')[0] ?? path))].map((section) => [
      section,
      input[section as keyof PipelineInput],
    ]),
  );

/**
 * Finds or does a stage.
 * @param deed runs it; called only on a miss
 */
export const stage = async (
  context: StageContext,
  verb: Verb,
  inputs: Record<string, StageRef>,
  digests: Record<string, string>,
  deed: (task: KeyedTask) => Promise<StageRef>,
): Promise<{ ref: StageRef; reused: boolean }> => {
  const task: StageTask = { verb, run: context.run, storeId: context.storeId, config: configOf(verb, context.input), inputs, digests };
  const found = await findStage(task);
  if (found.ref !== null) return { ref: found.ref, reused: true };
  return { ref: await deed({ ...task, key: found.key, heartbeatSeconds: context.input.limits.heartbeatSeconds }), reused: false };
};
