// How a command ends: exit codes, and errors that a person can act on.
import type { RunStatus } from '../contracts/artifacts';

export const EXIT = { ok: 0, failed: 1, usage: 2, held: 3, cancelled: 130 } as const;

const BY_STATUS: Record<RunStatus, number> = {
  published: EXIT.ok,
  prepared: EXIT.ok,
  unchanged: EXIT.ok,
  failed: EXIT.failed,
  held: EXIT.held,
  cancelled: EXIT.cancelled,
};

/** Exit code of a run that ended. */
export const exitCode = (status: RunStatus): number => BY_STATUS[status];

/** Bad input or configuration: exit 2. */
export class UsageError extends Error {
  override name = 'UsageError';
  /** @param fix what to type or set instead */
  constructor(
    message: string,
    readonly fix: string | null = null,
  ) {
    super(message);
  }
}

/** A command that could not do what it was asked: exit 1. */
export class CommandFailed extends Error {
  override name = 'CommandFailed';
}
