// One clear failure out of the nest of wrappers that Temporal builds around it.
import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, TimeoutFailure } from '@temporalio/workflow';

/** The innermost cause that says something. */
export const rootCause = (error: unknown): unknown => {
  let cause = error;
  while ((cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) && cause.cause !== undefined) cause = cause.cause;
  return cause;
};

/** True when nobody took an activity from a device's own queue in time. */
export const isScheduleToStart = (error: unknown): boolean => {
  const cause = rootCause(error);
  return cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START';
};

/** The failure that the run ends with: type and message of the root cause, final. */
export const runFailure = (error: unknown): ApplicationFailure => {
  const cause = rootCause(error);
  if (cause instanceof ApplicationFailure)
    return ApplicationFailure.create({
      type: cause.type ?? 'Error',
      message: cause.message,
      nonRetryable: true,
      ...(cause.details ? { details: cause.details } : {}),
    });
  if (cause instanceof TimeoutFailure)
    return ApplicationFailure.create({
      type: 'Stalled',
      message: `an activity timed out (${cause.timeoutType}) and its retries are used up`,
      nonRetryable: true,
    });
  return ApplicationFailure.create({ type: 'Error', message: cause instanceof Error ? cause.message : String(cause), nonRetryable: true });
};
