import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { withPulse } from '../../activities/pulse';
import { HEARTBEAT_EVERY_MS } from '../../contracts/policies';

const watched = (): { environment: MockActivityEnvironment; beats: unknown[] } => {
  const environment = new MockActivityEnvironment();
  const beats: unknown[] = [];
  environment.on('heartbeat', (details: unknown) => beats.push(details));
  return { environment, beats };
};

test('heartbeats come by a timer, also from work that reports nothing, and carry the newest details', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  try {
    const { environment, beats } = watched();
    let finish = (): void => undefined;
    const running = environment.run(() =>
      withPulse(async ({ details }) => {
        details({ done: 1 });
        details({ done: 2 });
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        return 'result';
      }),
    );
    await Promise.resolve();
    jest.advanceTimersByTime(2 * HEARTBEAT_EVERY_MS);
    expect(beats).toEqual([undefined, { done: 2 }, { done: 2 }]);
    finish();
    expect(await running).toBe('result');
    jest.advanceTimersByTime(10 * HEARTBEAT_EVERY_MS);
    expect(beats.length).toBe(3);
  } finally {
    jest.useRealTimers();
  }
});

const abortable = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('socket closed')), { once: true }));

test('work that is cancelled ends as cancelled, whatever it throws, and its last details are sent', async () => {
  const { environment, beats } = watched();
  const running = environment.run(() =>
    withPulse(async ({ signal, details }) => {
      details({ done: 3 });
      return abortable(signal);
    }),
  );
  setImmediate(() => environment.cancel('CANCELLED'));
  await expect(running).rejects.toThrow(CancelledFailure);
  expect(beats.at(-1)).toEqual({ done: 3 });
});

test('a failure of our table is kept, also while cancelled', async () => {
  const { environment } = watched();
  const running = environment.run(() =>
    withPulse(async ({ signal }) => {
      await abortable(signal).catch(() => undefined);
      throw ApplicationFailure.nonRetryable('corrupt', 'ArtifactCorrupt');
    }),
  );
  setImmediate(() => environment.cancel('WORKER_SHUTDOWN'));
  await expect(running).rejects.toMatchObject({ type: 'ArtifactCorrupt' });
});

test('work that finishes although it was cancelled has its result', async () => {
  const { environment } = watched();
  const running = environment.run(() => withPulse(async ({ signal }) => abortable(signal).catch(() => 'checkpoint written')));
  setImmediate(() => environment.cancel());
  expect(await running).toBe('checkpoint written');
});

test('an attempt without news sends on what the one before it reported', async () => {
  const environment = new MockActivityEnvironment({ heartbeatDetails: { step: 17 } });
  const beats: unknown[] = [];
  environment.on('heartbeat', (details: unknown) => beats.push(details));
  await environment.run(() => withPulse(async () => undefined));
  expect(beats).toEqual([{ step: 17 }]);
});
