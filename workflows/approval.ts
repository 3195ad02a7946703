// The only wait for a person: before publishing, when the input asks for it.
import { ApplicationFailure, condition, defineUpdate, setHandler } from '@temporalio/workflow';
import { Decision } from '../contracts/messages';
import { UPDATE_APPROVE, UPDATE_REJECT } from '../contracts/names';

export interface Answer {
  approved: boolean;
  by: string;
  note: string;
}

const approve = defineUpdate<string, [unknown?]>(UPDATE_APPROVE);
const reject = defineUpdate<string, [unknown?]>(UPDATE_REJECT);

export class ApprovalDesk {
  private waiting = false;
  private answer: Answer | null = null;

  constructor() {
    const handler =
      (approved: boolean) =>
      (raw?: unknown): string => {
        this.answer = { approved, ...Decision.parse(raw ?? {}) };
        return approved ? 'approved: publishing goes on' : 'rejected: the run ends as held';
      };
    const validator = (raw?: unknown): void => {
      if (!this.waiting) throw ApplicationFailure.nonRetryable('this run does not wait for an approval', 'NotWaiting');
      if (this.answer !== null) throw ApplicationFailure.nonRetryable('this run has its answer already', 'NotWaiting');
      const parsed = Decision.safeParse(raw ?? {});
      if (!parsed.success) throw ApplicationFailure.nonRetryable('send nothing or {"by": "name", "note": "why"}', 'InvalidInput');
    };
    setHandler(approve, handler(true), { validator, description: 'publish the prepared model; {"by": "name", "note": "why"}' });
    setHandler(reject, handler(false), { validator, description: 'do not publish; the run ends as held; {"by": "name", "note": "why"}' });
  }

  /** Waits, without a limit, for one of the two Updates. */
  async wait(): Promise<Answer> {
    this.waiting = true;
    await condition(() => this.answer !== null);
    this.waiting = false;
    if (this.answer === null) throw new Error('condition without an answer');
    return this.answer;
  }
}
