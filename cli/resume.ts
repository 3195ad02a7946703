// `retune resume <run>`: the same input again (finished stages are found by their keys), or a reset of the history.
import { randomUUID } from 'node:crypto';
import { ScheduleNotFoundError, type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client';
import type { Approval } from '../contracts/activities';
import type { RunRecord } from '../contracts/artifacts';
import { withdrawRejection } from '../io/approvals';
import { openStore, type Store } from '../io/store';
import type { Command } from './command';
import { JSON_OPTION, parse } from './command';
import { requireServer, type Server } from './connection';
import { CommandFailed, EXIT, UsageError } from './exit';
import { follow } from './follow';
import { findRecord } from './run-record';
import { conclude, startRun } from './run';

type Event = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];
type ResetRequest = Parameters<Server['client']['workflowService']['resetWorkflowExecution']>[0];

const idOf = (value: Event['eventId'] | undefined): number => Number(value ?? 0);

/**
 * The event to reset to: where the workflow decided to run the activity that failed. Resetting to the last workflow
 * task instead would keep the failure in the history and fail again.
 * @returns the event, or why there is none
 */
export const resetPoint = (events: readonly Event[]): { eventId: number } | { refused: string } => {
  const failed = events.findLast(
    (event) => event.activityTaskFailedEventAttributes != null || event.activityTaskTimedOutEventAttributes != null,
  );
  if (failed === undefined) return { refused: 'no activity of it failed' };
  const attributes = failed.activityTaskFailedEventAttributes ?? failed.activityTaskTimedOutEventAttributes;
  const scheduled = events.find((event) => idOf(event.eventId) === idOf(attributes?.scheduledEventId));
  const eventId = idOf(scheduled?.activityTaskScheduledEventAttributes?.workflowTaskCompletedEventId);
  if (eventId === 0) return { refused: 'the event that scheduled the failed activity is not in its history' };
  // temporal#10639: a child that finished after its parent failed leaves the reset parent waiting for ever.
  if (events.some((event) => event.startChildWorkflowExecutionInitiatedEventAttributes != null && idOf(event.eventId) > eventId))
    return { refused: 'it started shards after that point, and a reset parent would wait for them for ever' };
  return { eventId };
};

const reset = async (server: Server, runId: string): Promise<void> => {
  const handle = server.client.workflow.getHandle(runId);
  const description = await handle.describe().catch((error: unknown) => {
    if (error instanceof WorkflowNotFoundError)
      throw new CommandFailed(`the server has no history of ${runId}; without --reset the input in the store is enough`);
    throw error;
  });
  const refuse = (why: string): never => {
    throw new CommandFailed(`${runId} cannot be reset: ${why}. npx retune resume ${runId} starts it again and finds what is finished`);
  };
  if (description.status.name === 'RUNNING') refuse('it is running');
  const [scheduleId] = (description.searchAttributes['TemporalScheduledById'] ?? []) as string[];
  if (scheduleId !== undefined) {
    // SKIP does not see a run that was reset: the next tick would start one beside it, and one may be open now.
    const open = await server.client.schedule
      .getHandle(scheduleId)
      .describe()
      .then(
        ({ info }) => info.runningActions.length,
        (error: unknown) => {
          if (error instanceof ScheduleNotFoundError) return 0;
          throw error;
        },
      );
    if (open > 0) refuse(`its schedule ${scheduleId} has a run open`);
  }
  const { events } = await handle.fetchHistory();
  const point = resetPoint(events ?? []);
  if ('refused' in point) return refuse(point.refused);
  await server.client.workflowService.resetWorkflowExecution({
    namespace: server.namespace,
    workflowExecution: { workflowId: runId, runId: description.runId },
    reason: 'retune resume --reset',
    workflowTaskFinishEventId: point.eventId as unknown as NonNullable<ResetRequest['workflowTaskFinishEventId']>, // a number is a valid int64 here
    requestId: randomUUID(),
  });
};

/** Takes the stored rejection of what the run prepared back, so that the run asks a person again. */
export const askAgain = async (store: Store, { runId, stages }: RunRecord): Promise<Approval> => {
  const prepared = stages.publish?.[0];
  if (prepared === undefined) throw new CommandFailed(`${runId} has prepared nothing that a person could have rejected`);
  const stood = await withdrawRejection(store, prepared.outputDigest);
  if (stood === null) throw new CommandFailed(`nobody has decided about what ${runId} prepared: npx retune resume ${runId} asks`);
  if (stood.approved) throw new CommandFailed(`${runId} was approved by ${stood.by}: there is nothing to ask again`);
  return stood;
};

export const resume: Command = {
  usage: '<run> [--reset | --ask-again] [--detach] [--json]',
  help: [
    'Starts the recorded input under the same id; every finished stage is found again, training goes on from its newest checkpoint.',
    '--reset   instead resets the history to the activity that failed; refused where that could hang or run twice',
    '--ask-again  takes back the rejection of what it prepared: without it a rejected model stays held',
    '--detach  only starts it',
  ],
  async run(args, { config: readConfig, output }) {
    const flag = { type: 'boolean', default: false } as const;
    const options = { ...JSON_OPTION, reset: flag, 'ask-again': flag, detach: flag } as const;
    const { values, positionals } = parse(args, options, { min: 1, max: 1 });
    const [runId = ''] = positionals;
    if (values.reset && values['ask-again']) throw new UsageError('--reset and --ask-again: choose one');
    const config = readConfig();
    const server = await requireServer(config);
    try {
      if (values.reset) await reset(server, runId);
      else {
        const store = await openStore(config.store);
        // The input as it was first given: from the store, where it outlives the history.
        const record = await findRecord(store, runId);
        if (values['ask-again']) {
          const { by, at } = await askAgain(store, record);
          output.line(`the rejection by ${by} of ${at} is taken back`);
        }
        await startRun(server, config, runId, record.raw);
      }
      output.line(`${runId} goes on`);
      output.event({ type: 'started', runId });
      if (values.detach) return EXIT.ok;
      return await conclude(config, output, await follow(server, output, runId));
    } finally {
      await server.close();
    }
  },
};
