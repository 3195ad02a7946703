// The failure table: what stops a stage, whether a retry can heal it, who can mend it, and how.
// Failures cross the wire as ApplicationFailure; match them by `type`, never by class.
import { ApplicationFailure } from '@temporalio/common';

type Blame = 'user' | 'operator' | 'remote' | 'resource' | 'data' | 'bug';

export interface FailureRow {
  retry: boolean;
  blame: Blame;
  /** What the person does next; docs/failures.md has an anchor per type. */
  fix: string;
}

export const FAILURES = {
  InvalidInput: { retry: false, blame: 'user', fix: 'correct the named field; docs/input.md lists every field' },
  ConfigMissing: { retry: false, blame: 'operator', fix: 'set the named variable on the worker; `npx retune doctor` shows what is there' },
  RateLimited: { retry: true, blame: 'remote', fix: 'nothing; the run waits. Lower source.perHost if it repeats' },
  RemoteUnavailable: { retry: true, blame: 'remote', fix: 'nothing; the run retries' },
  RemoteRefused: { retry: false, blame: 'operator', fix: 'check the address and the permission for it' },
  QuotaExhausted: { retry: false, blame: 'operator', fix: 'add credit or raise the budget, then start the run again' },
  HubDenied: { retry: false, blame: 'operator', fix: 'check HF_TOKEN, its scope and RETUNE_PUBLISH_NAMESPACES' },
  HubConflict: { retry: true, blame: 'remote', fix: 'nothing; the newest commit is read and the push repeated' },
  SourceEmpty: { retry: false, blame: 'user', fix: 'check the URLs; the message counts the reasons' },
  DatasetTooSmall: { retry: false, blame: 'user', fix: 'add pages or loosen pair filters; the message counts the reasons' },
  ArtifactCorrupt: { retry: false, blame: 'resource', fix: 'start the run again: the stage that made it runs again' },
  FormatMismatch: { retry: false, blame: 'bug', fix: 'report it with the message: first differing token, both sides' },
  GpuOutOfMemory: { retry: true, blame: 'resource', fix: 'nothing; the next attempt starts with a smaller plan' },
  GpuLost: { retry: true, blame: 'resource', fix: 'nothing; another device takes over from the last checkpoint' },
  GpuBusy: { retry: true, blame: 'resource', fix: 'nothing; the run waits for a device' },
  TrainerCrashed: { retry: true, blame: 'resource', fix: 'the last lines of its log are in the message' },
  TrainingDiverged: { retry: false, blame: 'data', fix: 'lower train.lr; the last good checkpoint is kept' },
  EngineMismatch: { retry: false, blame: 'bug', fix: 'set train.engine to transformers; report the message with device and driver' },
  StageBusy: { retry: true, blame: 'resource', fix: 'nothing; another run computes the same stage and this one waits for it' },
  Unexpected: { retry: true, blame: 'bug', fix: 'report it with the message; an attempt later may heal it' },
  Stalled: { retry: true, blame: 'resource', fix: 'nothing; the attempt is repeated' },
} as const satisfies Record<string, FailureRow>;

export type FailureType = keyof typeof FAILURES;

export interface FailureOptions {
  /** The cause, kept out of the message. */
  cause?: unknown;
  /** Delay before the next attempt, milliseconds: the remote's own wish. */
  retryAfterMs?: number;
  /** Machine-readable extras; never secrets. */
  details?: Record<string, unknown>;
  /** Overrides the table, for the attempt after which there is no point in going on. */
  final?: boolean;
}

/**
 * The only way to make a failure.
 * @param type a row of the table
 * @param message what, where and what next, in one or a few lines
 */
export const failure = (type: FailureType, message: string, options: FailureOptions = {}): ApplicationFailure =>
  ApplicationFailure.create({
    type,
    message,
    nonRetryable: options.final ?? !FAILURES[type].retry,
    ...(options.retryAfterMs === undefined ? {} : { nextRetryDelay: options.retryAfterMs }),
    ...(options.details === undefined ? {} : { details: [options.details] }),
    ...(options.cause instanceof Error ? { cause: options.cause } : {}),
  });

/** True for a name in the table. */
export const isFailureType = (type: string | undefined | null): type is FailureType => type != null && type in FAILURES;
