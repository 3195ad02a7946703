// Where a failed history is reset to; shapes as the server writes them (facts: reset to the last task fails again).
import { resetPoint } from '../../cli/resume';

type Events = Parameters<typeof resetPoint>[0];
const id = (value: number): never => value as never;
const scheduled = (eventId: number, task: number): Events[number] => ({
  eventId: id(eventId),
  activityTaskScheduledEventAttributes: { workflowTaskCompletedEventId: id(task) },
});
const failed = (eventId: number, from: number): Events[number] => ({
  eventId: id(eventId),
  activityTaskFailedEventAttributes: { scheduledEventId: id(from) },
});
const timedOut = (eventId: number, from: number): Events[number] => ({
  eventId: id(eventId),
  activityTaskTimedOutEventAttributes: { scheduledEventId: id(from) },
});
const child = (eventId: number): Events[number] => ({ eventId: id(eventId), startChildWorkflowExecutionInitiatedEventAttributes: {} });

test('it is where the workflow decided to run the last activity that failed', () => {
  expect(resetPoint([scheduled(5, 4), failed(7, 5), scheduled(17, 16), failed(19, 17)])).toEqual({ eventId: 16 });
});

test('a timeout counts as a failure', () => {
  expect(resetPoint([scheduled(17, 16), timedOut(19, 17)])).toEqual({ eventId: 16 });
});

test('shards before the point do no harm, shards after it forbid a reset', () => {
  expect(resetPoint([child(6), scheduled(17, 16), failed(19, 17)])).toEqual({ eventId: 16 });
  expect(resetPoint([scheduled(17, 16), child(18), failed(19, 17)])).toEqual({ refused: expect.stringContaining('shards') });
});

test('a history without a failed activity is refused', () => {
  expect(resetPoint([scheduled(17, 16)])).toEqual({ refused: expect.stringContaining('no activity') });
});
