// Follows a run to its end: a table on a terminal, plain lines elsewhere, objects with --json.
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledFailure, TerminatedFailure, type WorkflowHandle, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import type { Progress } from '../contracts/activities';
import type { PipelineResult, Verb } from '../contracts/artifacts';
import { QUERY_PROGRESS } from '../contracts/names';
import type { Server } from './connection';
import { CommandFailed } from './exit';
import type { Output } from './output';
import { type Beat, beatText, stageLine } from './stage-table';

const POLL_MS = 1_000;
/** Plain lines about a running stage come this often at most. */
const PLAIN_EVERY_MS = 20_000;
/** A stage shorter than this is only named when it is done. */
const BRIEF_MS = 1_500;
/** A query needs a worker; one that is starting or busy must not hold up the display. */
const QUERY_WITHIN_MS = 3_000;

/** How a run ended, also when it failed. */
export interface Ended {
  result: PipelineResult;
  /** Type and message of the failure, for a person. */
  failure: string | null;
}

/** Newest heartbeat of each pending activity, by the activity's name. */
const beatsOf = (description: Awaited<ReturnType<WorkflowHandle['describe']>>): Map<string, Beat> => {
  const beats = new Map<string, Beat>();
  for (const pending of description.raw.pendingActivities ?? []) {
    const payload = pending.heartbeatDetails?.payloads?.[0];
    const name = pending.activityType?.name;
    if (name == null || payload == null) continue;
    const value: unknown = defaultPayloadConverter.fromPayload(payload);
    if (value !== null && typeof value === 'object') beats.set(name, value as Beat);
  }
  return beats;
};

const queryProgress = async (server: Server, handle: WorkflowHandle): Promise<Progress | null> =>
  server.connection.withDeadline(Date.now() + QUERY_WITHIN_MS, async () => handle.query<Progress>(QUERY_PROGRESS)).catch(() => null);

const failureText = (error: unknown): string => {
  if (error instanceof ApplicationFailure) return `${error.type ?? 'failed'}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
};

const emptyResult = (runId: string, executionId: string, progress: Progress | null): PipelineResult => ({
  runId,
  executionId,
  status: 'failed',
  reason: null,
  verdict: null,
  stages: Object.fromEntries(
    (progress?.stages ?? [])
      .filter((row) => row.state === 'done' || row.state === 'reused')
      .map((row) => [row.verb, { key: '', counts: row.counts, reasons: {}, reused: row.state === 'reused' }]),
  ),
  store: progress?.store ?? '',
  published: {},
});

/** The result of a closed run, whichever way it closed. */
const ending = async (handle: WorkflowHandle, runId: string, executionId: string, progress: Progress | null): Promise<Ended> => {
  try {
    return { result: (await handle.result()) as PipelineResult, failure: null };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const result = emptyResult(runId, executionId, progress);
    const { cause } = error;
    if (cause instanceof CancelledFailure)
      return { result: { ...result, status: 'cancelled', reason: 'cancelled by a person' }, failure: null };
    const text = cause instanceof TerminatedFailure ? `terminated: ${cause.message}` : failureText(cause);
    return { result: { ...result, reason: text }, failure: text };
  }
};

/** Draws what changed since the last look. */
class Display {
  private readonly since = new Map<Verb, number>();
  private readonly took = new Map<Verb, number>();
  private readonly said = new Map<Verb, string>();
  private saidAt = 0;
  private status: Progress['status'] = 'running';

  constructor(
    private readonly output: Output,
    private readonly runId: string,
  ) {}

  show(progress: Progress, beats: Map<string, Beat>, over: boolean): void {
    const now = performance.now();
    for (const row of progress.stages) {
      if (row.state === 'running' && !this.since.has(row.verb)) this.since.set(row.verb, now);
      const since = this.since.get(row.verb);
      if (row.state === 'done' && since !== undefined && !this.took.has(row.verb)) this.took.set(row.verb, now - since);
    }
    const lines = progress.stages.map((row) => {
      const since = this.since.get(row.verb);
      const elapsedMs = this.took.get(row.verb) ?? (row.state === 'running' && since !== undefined ? now - since : null);
      const beat = beats.get(row.verb) ?? (row.verb === 'format' ? beats.get('resolveModel') : undefined);
      return { row, elapsedMs, beat, over };
    });
    if (this.output.live) this.output.redraw(lines.map((line) => stageLine(line, this.output)));
    else this.plain(lines, now);
    if (progress.status !== this.status) {
      this.status = progress.status;
      if (progress.status === 'waiting_for_approval') this.output.line(`waits for a person: npx retune approve ${this.runId} (or reject)`);
      this.output.event({ type: 'status', runId: this.runId, status: progress.status, reason: progress.reason });
    }
  }

  /** A line where a stage's state changed, and now and then one for the stage that runs. */
  private plain(lines: Parameters<typeof stageLine>[0][], now: number): void {
    for (const line of lines) {
      const { row, beat } = line;
      if (row.state === 'waiting' || row.state === 'skipped') continue;
      // A stage that is over at once needs one line, not two.
      const brief = row.state === 'running' && (line.elapsedMs ?? 0) < BRIEF_MS && !this.output.json;
      const changed = this.said.get(row.verb) !== row.state && !brief;
      const due = row.state === 'running' && beat !== undefined && beatText(beat) !== '' && now - this.saidAt > PLAIN_EVERY_MS;
      if (!changed && !due) continue;
      this.said.set(row.verb, row.state);
      this.saidAt = now;
      this.output.line(stageLine(line, this.output));
      this.output.event({
        type: 'progress',
        runId: this.runId,
        stage: row.verb,
        state: row.state,
        counts: row.counts,
        ...(beat === undefined ? {} : { beat }),
      });
    }
  }
}

/**
 * Follows a run until it is closed.
 * @param signal stops the following, not the run
 * @throws CommandFailed when there is no such run
 */
export const follow = async (server: Server, output: Output, runId: string, signal?: AbortSignal): Promise<Ended> => {
  const handle = server.client.workflow.getHandle(runId);
  const display = new Display(output, runId);
  let progress: Progress | null = null;
  for (;;) {
    signal?.throwIfAborted();
    const description = await handle.describe().catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError)
        throw new CommandFailed(`there is no run ${runId} on ${server.address}; npx retune list shows them`);
      return null; // the server restarts: look again
    });
    if (description !== null) {
      progress = (await queryProgress(server, handle)) ?? progress;
      const closed = description.status.name !== 'RUNNING';
      if (progress !== null) display.show(progress, closed ? new Map<string, Beat>() : beatsOf(description), closed);
      if (closed) return ending(server.client.workflow.getHandle(runId, description.runId), runId, description.runId, progress);
    }
    await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
};

/** The last line of a --json command, and the sentence for a person. */
export const ended = (output: Output, { result, failure }: Ended, extra: Record<string, unknown> = {}): void => {
  output.event({ type: 'result', ...result, ...extra });
  if (failure !== null) output.line(output.style('red', failure));
};
