// How the trainer's end becomes a failure of the table.
import { CancelledFailure } from '@temporalio/activity';
import { failure, isFailureType } from '../contracts/errors';
import { type TrainerResult, TrainerStop } from '../io/trainer';

/** Codes of the trainer that are not names of the table. */
const CODES: Record<string, Parameters<typeof failure>[0]> = {
  BadConfig: 'InvalidInput',
  OutOfMemory: 'GpuOutOfMemory',
  Diverged: 'TrainingDiverged',
  CorruptFile: 'ArtifactCorrupt',
};

const lastLines = (tail: string[]): string => (tail.length === 0 ? '' : `\n${tail.slice(-12).join('\n')}`);

/** The failure for a trainer that did not finish. */
const stopFailure = (command: string, result: TrainerResult): Error => {
  if (result.failed !== null) {
    const { code, message, remedy, retry } = result.failed;
    const type = isFailureType(code) ? code : (CODES[code] ?? 'TrainerCrashed');
    return failure(type, remedy === '' ? message : `${message}. ${remedy}`, { final: !retry });
  }
  if (result.outcome === 'stopped') return failure('GpuLost', `${command} stopped after a checkpoint because its worker leaves`);
  return failure('TrainerCrashed', `${command} ended with ${result.exit}${lastLines(result.tail)}`);
};

/** What an attempt throws whose trainer did not finish: the cancellation where a person asked for it, else the failure. */
export const stopOf = (command: string, result: TrainerResult, signal: AbortSignal): unknown => {
  const byPerson = signal.aborted && signal.reason instanceof CancelledFailure && signal.reason.message === 'CANCELLED';
  return byPerson ? signal.reason : stopFailure(command, result);
};

/** Any error around the trainer as a failure. */
export const trainerFailure = (error: unknown, signal: AbortSignal): unknown =>
  error instanceof TrainerStop ? stopOf(error.command, error.result, signal) : error;
