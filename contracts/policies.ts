// Timeouts and retries of every activity, each with its reason. Constants, because workflow code must not
// read an environment; a run changes what it may through input.limits.
import type { ActivityOptions } from '@temporalio/common';

const WAIT = 'WAIT_CANCELLATION_COMPLETED' as const; // the default is TRY_CANCEL: the run would close while the work goes on

/** Small look-ups and notes: seconds of work, so a minute means that the worker is gone. */
export const SMALL: ActivityOptions = {
  startToCloseTimeout: '1 minute',
  cancellationType: WAIT,
  retry: { initialInterval: '1 second', maximumInterval: '1 minute', maximumAttempts: 10 },
};

/** Deeds that heartbeat on a timer: the heartbeat finds a dead worker, the long limit only ends a runaway. */
export const deed = (heartbeatSeconds: number): ActivityOptions => ({
  startToCloseTimeout: '12 hours',
  heartbeatTimeout: heartbeatSeconds * 1000,
  cancellationType: WAIT,
  retry: { initialInterval: '1 second', maximumInterval: '1 minute', maximumAttempts: 10 },
});

/** StageBusy waits for another run without limit, so a deed's attempts are counted by the deed itself. */
export const keyedDeed = (heartbeatSeconds: number): ActivityOptions => ({
  ...deed(heartbeatSeconds),
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
});

/** One URL, one activity: what can heal is tried again, politely. */
export const single = (retries: number, timeoutSeconds: number): ActivityOptions => ({
  startToCloseTimeout: (timeoutSeconds + 30) * 1000,
  cancellationType: WAIT,
  retry: { initialInterval: '2 seconds', backoffCoefficient: 2, maximumInterval: '1 minute', maximumAttempts: retries + 1 },
});

/** Bright Data answers one page in 4 to 20 s; below a minute we would pay for pages and not wait for them. */
export const BRIGHTDATA = {
  leastSeconds: 60,
  /** Longest wait of an attempt for its turn; then the slot is free for others. */
  patienceMs: 15_000,
  /** Tries to start a batch before its URLs are asked for one by one. */
  triggers: 4,
  /** Between looks at a batch. */
  pollMs: [1_000, 2_000, 5_000, 10_000],
} as const;

/** One paid call: waiting for a turn costs no attempt, so the activity counts its own. */
export const paid = (timeoutSeconds: number): ActivityOptions => ({
  scheduleToCloseTimeout: '6 hours',
  startToCloseTimeout: Math.max(timeoutSeconds, BRIGHTDATA.leastSeconds) * 1000 + BRIGHTDATA.patienceMs + 30_000,
  cancellationType: WAIT,
  retry: { initialInterval: '2 seconds', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/** Asks for a device until one is free; each refusal costs a second, not a slot. */
export const lend = (waitHours: number): ActivityOptions => ({
  scheduleToCloseTimeout: waitHours * 3_600_000,
  startToCloseTimeout: '30 seconds',
  cancellationType: WAIT,
  retry: { initialInterval: '1 second', backoffCoefficient: 1, maximumInterval: '1 second' },
});

/** On a device's own queue: nobody takes it in a minute = that worker is gone or busy, so ask again. */
export const onDevice = (heartbeatSeconds: number, hours: number): ActivityOptions => ({
  scheduleToStartTimeout: '60 seconds',
  startToCloseTimeout: hours * 3_600_000,
  heartbeatTimeout: heartbeatSeconds * 1000,
  cancellationType: WAIT,
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
});

/** How a worker leaves: its activities hear it after the grace, may take `saveMs` to write a checkpoint. */
export const SHUTDOWN = { graceMs: 1_000, saveMs: 120_000, forceMs: 150_000, killMs: 180_000 } as const;

/** Core sends heartbeats at most this often; its own default of 0.8 x timeout would lose the last one before a kill. */
export const HEARTBEAT_THROTTLE_MS = 5_000;
export const HEARTBEAT_EVERY_MS = 5_000;

/** Lease: the holder writes every 5 s, a waiter that sees no beat for 60 s of its own clock takes over. */
export const LEASE = { beatMs: 5_000, staleMs: 60_000, busyRetryMs: 10_000 } as const;

/** A keyed deed that fails this often, other than by waiting for another run or a device, is given up. */
export const DEED_ATTEMPTS = 10;

/** A training that crashes this often without a newer checkpoint is given up. */
export const CRASHES_WITHOUT_ADVANCE = 3;

/**
 * Shards: a power of two so that growth moves URLs only on doubling. A shard is at most 45 events of the pipeline's history
 * (collect 9, links 6, sealed again 6, clean 12, dedup 12), so `most` of them stay below the server's limit of 51,200.
 */
export const SHARD = { maxUrls: 1000, children: 8, most: 1024 } as const;
