// A deed on one GPU: borrow a device's own queue, run there, borrow again when that device is gone or busy.
import { log, proxyActivities } from '@temporalio/workflow';
import type { GpuActivities, GpuLender, KeyedTask } from '../contracts/activities';
import type { BaseModel, StageRef } from '../contracts/artifacts';
import type { PipelineInput } from '../contracts/input';
import { lend, onDevice } from '../contracts/policies';
import { isScheduleToStart } from './failures';

export type GpuVerb = keyof GpuActivities;

export interface DeviceChoice {
  /** Queue that lends devices. */
  lender: string;
  /** The input's train.queue: the only device that may do it. */
  fixed: string | null;
  /** The device that trained: its files are warm. */
  preferred: string | null;
}

/**
 * Runs a deed on a device, as often as devices come and go.
 * @returns the stage and the queue that did it
 */
export const runOnDevice = async (
  verb: GpuVerb,
  task: KeyedTask,
  base: BaseModel,
  limits: PipelineInput['limits'],
  choice: DeviceChoice,
): Promise<{ ref: StageRef; queue: string }> => {
  const lender = proxyActivities<GpuLender>({
    taskQueue: choice.lender,
    ...lend(limits.gpuWaitHours),
    summary: `wait for a device to ${verb}`,
  });
  let preferred = choice.preferred;
  for (;;) {
    const queue = choice.fixed ?? preferred ?? (await lender.lendGpu({ base })).queue;
    const device = proxyActivities<GpuActivities>({
      taskQueue: queue,
      ...onDevice(limits.heartbeatSeconds, limits.trainHours),
      summary: `${verb} on ${queue}`,
    });
    try {
      return { ref: await device[verb](task, base), queue };
    } catch (error) {
      if (!isScheduleToStart(error)) throw error;
      log.info('no answer from the device, asking for another', { queue, verb });
      preferred = null;
    }
  }
};
