// Every name that a person meets in the Temporal UI. Change them like an API.

/** Search attributes (all Keyword); a worker registers them, `resolveInput` says whether they are there. */
export const ATTRIBUTES = { stage: 'RetuneStage', status: 'RetuneStatus', name: 'RetuneName' } as const;

export const WORKFLOWS = { pipeline: 'pipeline', collectShard: 'collectShard' } as const;

export const QUERY_PROGRESS = 'progress';
export const UPDATE_APPROVE = 'approve';
export const UPDATE_REJECT = 'reject';

/**
 * Task queues.
 * @param prefix RETUNE_QUEUE_PREFIX, '' by default
 * @returns `main`: workflows and cpu activities; `gpu`: the queue that lends devices
 */
export const queues = (prefix = ''): { main: string; gpu: string } => ({ main: `${prefix}retune`, gpu: `${prefix}gpu` });

/** Queue of one device: `gpu-<host>-<index>`. */
export const deviceQueue = (prefix: string, host: string, index: number): string => `${prefix}gpu-${host}-${index}`;

/** Workflow id of a run started by hand: the same input attaches to the same run. */
export const runWorkflowId = (name: string, inputDigest: string): string => `${name}-${inputDigest.slice(0, 8)}`;

/** Workflow id of one collect shard. @param wave links away from the source's own pages */
export const shardWorkflowId = (runId: string, bucket: string, wave = 0): string =>
  `${runId}/collect/${wave === 0 ? '' : `wave-${wave}/`}${bucket}`;

/** The name under which a published adapter is remembered: the Hub repository, or the run's own name. */
export const targetOf = (repository: string | null, name: string): string => repository ?? `local/${name}`;
