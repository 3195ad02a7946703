// The activities as workflows call them and workers must provide them. All arguments and results are small
// JSON: rows travel through the store.
import type { BaseModel, Counts, Pointer, RunRecord, RunStatus, SourceSummary, StageRef, Verb } from './artifacts';
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

type Source = PipelineInput['source'];

export interface SourceTask {
  run: RunIdentity;
  storeId: string;
  source: Source;
}

/**
 * How pages are fetched. Without what names them: a run may name 5,000 addresses, and this stands in a shard's history once
 * for each of its activities.
 */
export type Fetching = Pick<
  Source,
  'provider' | 'robots' | 'userAgent' | 'maxAgeHours' | 'maxBodyMb' | 'timeoutSeconds' | 'perHost' | 'batchMinutes' | 'retries'
>;

export const fetching = (source: Source): Fetching => {
  const { provider, robots, userAgent, maxAgeHours, maxBodyMb, timeoutSeconds, perHost, batchMinutes, retries } = source;
  return { provider, robots, userAgent, maxAgeHours, maxBodyMb, timeoutSeconds, perHost, batchMinutes, retries };
};

/** Which links are followed. */
export interface LinkTask {
  run: RunIdentity;
  storeId: string;
  source: Pick<Source, 'include' | 'exclude' | 'robots' | 'maxPages'>;
}

/** URLs of one shard, in a file of the store. */
export interface ShardRef {
  bucket: string;
  path: string;
  urls: number;
  /** How many of them are files of the worker. */
  files: number;
  /** Of this shard in this run: collecting is never skipped, so the run's identity is in it. */
  key: string;
  /** Sealed from what other shards have collected, under other addresses or in other waves. */
  again?: {
    /** Keys of those shards. */
    from: string[];
    /** Store path of the fates of pages that are another's duplicates. */
    variants: string | null;
    /** What those shards have cost, each counted in one of its heirs. */
    spent: Counts;
  };
}

export interface ResolvedSource {
  shards: ShardRef[];
  summary: SourceSummary;
}

/** The shards of one wave of links, collected. */
export interface Wave {
  shards: ShardRef[];
  /** In the order of the shards. */
  refs: StageRef[];
}

/** A shard as later stages see it: sealed, or to be sealed again. */
export interface SettledShard {
  shard: ShardRef;
  ref: StageRef | null;
}

export interface CollectTask {
  run: RunIdentity;
  storeId: string;
  shard: ShardRef;
  source: Fetching;
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

/** A shard's share of dedup; what it writes lies under the stage's key, the same bytes whoever writes them. */
export interface DedupPart {
  storeId: string;
  /** Of the stage. */
  key: string;
  /** Of the shard among the stage's inputs. */
  name: string;
  documents: StageRef;
}

export interface CpuActivities {
  /** Checks, merges with the preset and completes the input; fetches nothing. */
  resolveInput(raw: unknown, date: string): Promise<Resolved>;
  /** Resolves model.base to digests; downloads or builds it where needed. */
  resolveModel(input: Pick<PipelineInput, 'model'>, heartbeatSeconds: number): Promise<BaseModel>;
  /** Reads whatever names pages, and writes the URL lists of the run's shards. */
  resolveSource(task: SourceTask): Promise<ResolvedSource>;
  findStage(task: StageTask): Promise<Found>;
  /** Reads the shard's files below RETUNE_FILES_ROOT. */
  collectFiles(task: CollectTask): Promise<Counts>;
  /** Fetches what is due of a shard; what may heal comes back. */
  collect(task: CollectTask): Promise<{ pending: Pending[]; counts: Counts }>;
  /** Tries one URL again; throws what may heal, records every outcome for sealShard. */
  collectPage(task: CollectTask, url: string): Promise<void>;
  /** Who fetches where the input says `auto`: decided by the worker's account, once a shard. */
  chooseProvider(task: CollectTask): Promise<'direct' | 'brightdata'>;
  /**
   * Starts Bright Data's batch of what is due of the shard, once; null when nothing is due.
   * `refused`: why it is none; then all that is due is for single requests.
   */
  triggerBatch(task: CollectTask): Promise<{ snapshotId: string } | { refused: string; pending: Pending[] } | null>;
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
  /** Writes what the pages of a sealed shard lead to, inside the source's patterns. */
  findLinks(task: LinkTask & { shard: StageRef }): Promise<{ path: string; links: number }>;
  /** Shards of what was found and not seen; none: the crawl is over. @param task `seen`, `found`: paths of lists */
  nextWave(task: LinkTask & { seen: string[]; found: string[] }): Promise<ResolvedSource>;
  /** Folds variants of pages and cuts the shards that later stages see. */
  settleSource(task: { run: RunIdentity; storeId: string; waves: Wave[] }): Promise<SettledShard[]>;
  /** Why URLs of these collect stages gave no page: reasons by count with examples, for a failure's message. */
  explainCollect(storeId: string, keys: string[]): Promise<string>;
  clean(task: KeyedTask): Promise<StageRef>;
  /** Writes how often each block stands at the edge of the shard's pages. */
  surveyShard(part: DedupPart): Promise<void>;
  /** Writes the blocks that stand at the edge of this many pages of all shards. */
  findBoilerplate(task: { storeId: string; key: string; names: string[]; leastPages: number }): Promise<void>;
  /** Writes the shard's sections, and what their duplicates are found by. */
  signShard(part: DedupPart): Promise<void>;
  /** Merges the signed shards. */
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
