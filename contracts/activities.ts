// The activities as workflows call them and workers must provide them. All arguments and results are small
// JSON: rows travel through the store.
import type { BaseModel, Counts, Pointer, RunRecord, RunStatus, StageRef, Verb } from './artifacts';
import type { PipelineInput } from './input';

/** The resolved input and what the worker said about itself; recorded once a run. */
export interface Resolved {
  input: PipelineInput;
  inputDigest: string;
  storeId: string;
  /** For people and details: the store's address. */
  store: string;
  /** True when the search attributes are registered with the right type. */
  searchAttributes: boolean;
  /** Hub repository or local/<name>. */
  target: string;
  /** Of the settings after training: together with the trained adapter they decide `unchanged`. */
  settingsDigest: string;
}

/** Which run is asking, for leases and records. */
export interface RunIdentity {
  runId: string;
  executionId: string;
}

/** What a stage is asked to do: enough to compute its key, and to do it. */
export interface StageTask {
  verb: Verb;
  run: RunIdentity;
  storeId: string;
  /** The stage's fields of the input, by dotted path prefix (contracts/stages.ts), as a partial input. */
  config: Partial<PipelineInput>;
  /** Finished stages that it reads, by name. */
  inputs: Record<string, StageRef>;
  /** Other digests that decide the result (base weights, template, baseline), by name. */
  digests: Record<string, string>;
}

/** A task whose key is known: the deed writes its manifest under it. */
export interface KeyedTask extends StageTask {
  key: string;
  heartbeatSeconds: number;
}

export interface Found {
  key: string;
  ref: StageRef | null;
}

/** URLs of one shard, in a file of the store. */
export interface ShardRef {
  bucket: string;
  path: string;
  urls: number;
  /** Of this shard in this run: collecting is never skipped, so the run's identity is in it. */
  key: string;
}

export interface CollectTask {
  run: RunIdentity;
  storeId: string;
  shard: ShardRef;
  source: PipelineInput['source'];
  /** ISO 8601: pages checked since (date - maxAge) are not asked for again. */
  date: string;
  heartbeatSeconds: number;
  /** Most pages that the run may ask Bright Data for; null: as many as it needs. */
  maxRequests: number | null;
}

/** What has become of a batch: still being made, to be read, or over without rows. */
export type BatchState = 'waiting' | 'ready' | 'ended';

/** How a batch ended: its snapshot, or why there is none to read. */
export type BatchOutcome = { snapshotId: string } | 'not_triggered' | 'failed' | 'over_time';

/** A URL that may heal; each becomes an activity of its own. */
export interface Pending {
  url: string;
  reason: string;
  retryAfterMs: number | null;
}

export interface CpuActivities {
  /** Checks, merges with the preset and completes the input; fetches nothing. */
  resolveInput(raw: unknown, date: string): Promise<Resolved>;
  /** Resolves model.base to digests; downloads or builds it where needed. */
  resolveModel(input: Pick<PipelineInput, 'model'>, heartbeatSeconds: number): Promise<BaseModel>;
  /** Writes the URL lists of the run's shards. */
  resolveSource(task: { run: RunIdentity; storeId: string; source: PipelineInput['source'] }): Promise<ShardRef[]>;
  findStage(task: StageTask): Promise<Found>;
  /** Fetches what is due of a shard; what may heal comes back. */
  collect(task: CollectTask): Promise<{ pending: Pending[]; counts: Counts }>;
  /** Tries one URL again; throws what may heal, records every outcome for sealShard. */
  collectPage(task: CollectTask, url: string): Promise<void>;
  /** Who fetches: `auto` is decided by the worker's account, once a shard. */
  chooseProvider(task: CollectTask): Promise<'direct' | 'brightdata'>;
  /** Starts Bright Data's batch of what is due of the shard, once; null when nothing is due. */
  triggerBatch(task: CollectTask): Promise<{ snapshotId: string } | null>;
  checkBatch(task: CollectTask, snapshotId: string): Promise<BatchState>;
  /**
   * Makes the pages of a batch durable; what it did not bring comes back.
   * Null while the snapshot is still being built.
   */
  settleBatch(task: CollectTask, outcome: BatchOutcome): Promise<{ pending: Pending[]; counts: Counts } | null>;
  /** Cancels the shard's batch at Bright Data unless it is over. */
  cancelBatch(task: CollectTask): Promise<void>;
  /** Asks Bright Data for one URL; throws what may heal, records every outcome for sealShard. */
  requestPage(task: CollectTask, url: string): Promise<void>;
  /** Gives every URL of the shard its fate and writes the shard's manifest. */
  sealShard(task: CollectTask): Promise<StageRef>;
  clean(task: KeyedTask): Promise<StageRef>;
  dedup(task: KeyedTask): Promise<StageRef>;
  pair(task: KeyedTask): Promise<StageRef>;
  /** Digest of what decides a language model's answers, for the key of `pair`. */
  resolveLlm(): Promise<string>;
  /** Brings the general data of `mix` into the store. @returns the sha256 of its bytes */
  resolveMix(asked: { storeId: string; source: string }): Promise<string>;
  format(task: KeyedTask, base: BaseModel): Promise<StageRef>;
  /** Prepares the repository folders (keyed). */
  publish(task: KeyedTask, base: BaseModel, target: string): Promise<StageRef>;
  /** Pushes what differs from the Hub's head; never skipped by a manifest. */
  push(task: {
    run: RunIdentity;
    storeId: string;
    prepared: StageRef;
    publish: PipelineInput['publish'];
    heartbeatSeconds: number;
  }): Promise<PushResult>;
  readPointer(storeId: string, target: string): Promise<Pointer | null>;
  movePointer(storeId: string, pointer: Pointer): Promise<void>;
  /** The decision about a prepared digest, stored with who and when. */
  readApproval(storeId: string, digest: string): Promise<Approval | null>;
  saveApproval(storeId: string, digest: string, approval: Approval): Promise<void>;
  saveRun(storeId: string, record: RunRecord): Promise<void>;
  /** Renders runs/<id>/report.html from the run record. Returns its store path. */
  report(storeId: string, run: RunIdentity): Promise<string>;
}

export interface Approval {
  approved: boolean;
  by: string;
  note: string;
  at: string;
}

export interface PushResult {
  /** 'none': no token or no repository asked for. */
  outcome: 'none' | 'pushed' | 'same';
  /** Why nothing was pushed, for a person. */
  reason: string | null;
  commits: Record<string, string>;
}

/** On the shared gpu queue. */
export interface GpuLender {
  /** The own queue of an idle device; fails GpuBusy otherwise. */
  lendGpu(need: { base: BaseModel }): Promise<{ queue: string }>;
}

/** On the queue of one device. */
export interface GpuActivities {
  train(task: KeyedTask, base: BaseModel): Promise<StageRef>;
  evaluate(task: KeyedTask, base: BaseModel): Promise<StageRef>;
  convert(task: KeyedTask, base: BaseModel): Promise<StageRef>;
}

/** What the `progress` query answers. */
export interface Progress {
  status: RunStatus | 'running' | 'waiting_for_approval';
  stage: Verb | null;
  stages: { verb: Verb; state: 'waiting' | 'running' | 'reused' | 'done' | 'skipped'; text: string; counts: Counts }[];
  store: string | null;
  reason: string | null;
}
