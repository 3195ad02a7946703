// What every stage's deed shares: find or lease the key, work under a heartbeat, write the manifest last.
import { activityInfo, ApplicationFailure } from '@temporalio/activity';
import type { z } from 'zod';
import type { CpuActivities, Found, KeyedTask, StageTask } from '../contracts/activities';
import { ARTIFACT_SCHEMA, type Counts, type Manifest, type Output, type StageRef } from '../contracts/artifacts';
import { failure, isFailureType } from '../contracts/errors';
import { DEED_ATTEMPTS, LEASE } from '../contracts/policies';
import { STAGES } from '../contracts/stages';
import { acquireLease, type Lease, LeaseLost } from '../io/lease';
import type { Clock } from '../io/clock';
import { readManifest, stageFolder, writeManifest } from '../io/manifest';
import type { Store, Written } from '../io/store';
import { stageKey } from '../lib/hash';
import { parseLines, toLine } from '../lib/jsonl';
import { sealManifest } from '../lib/manifest';
import { keyedConfig } from '../lib/keys';
import { type Pulse, withPulse } from './pulse';

export interface StageDeps {
  store: Store;
  clock: Clock;
  /** For manifests and leases; never in a digest. */
  host: string;
  versions: Record<string, string>;
}

/** What a deed works with: a folder of the store that only it writes to. */
export interface Box {
  /** Lease number: part of every name that this attempt writes. */
  fence: number;
  pulse: Pulse;
  counts: Counts;
  reasons: Counts;
  metrics: Record<string, unknown>;
  /** An output: its bytes enter the output digest. */
  put(name: string, data: string | Uint8Array | AsyncIterable<Uint8Array | string>): Promise<Written>;
  /** An output of records, one a line, in the order given; bytes are a finished line. */
  putRows(name: string, rows: Iterable<object> | AsyncIterable<object>): Promise<number>;
  /** A finished local file as an output. */
  putLocal(name: string, file: string): Promise<Written>;
  /** A file beside the outputs that may differ between equal runs (times, logs, curves). */
  sidecar(name: string, data: string | Uint8Array): Promise<void>;
  /** Throws when a newer holder has taken over. */
  check(): Promise<void>;
}

export const requireStore = (store: Store, storeId: string): void => {
  if (store.storeId !== storeId)
    throw failure(
      'ConfigMissing',
      `this worker's store is ${store.uri} (${store.storeId}), the run uses store ${storeId}: set RETUNE_STORE to the same store on every worker of this queue`,
    );
};

export const refOf = (manifest: Manifest): StageRef => ({
  verb: manifest.content.stage,
  key: manifest.facts.key,
  outputDigest: manifest.outputDigest,
  counts: manifest.facts.counts,
  reasons: manifest.facts.reasons,
  ...('verdict' in manifest.facts.metrics ? { verdict: manifest.facts.metrics['verdict'] as NonNullable<StageRef['verdict']> } : {}),
});

/** Key of a task: stage, version, its fields of the input that are not at their default, result digests of its inputs. */
export const keyOf = (task: StageTask): string =>
  stageKey({
    verb: task.verb,
    version: STAGES[task.verb].version,
    config: keyedConfig(task.verb, task.config),
    inputs: { ...task.digests, ...Object.fromEntries(Object.entries(task.inputs).map(([name, ref]) => [name, ref.outputDigest])) },
  });

const intact = async (store: Store, manifest: Manifest): Promise<boolean> => {
  const folder = stageFolder(manifest.content.stage, manifest.facts.key, manifest.facts.fence);
  for (const output of [...manifest.content.outputs, ...manifest.facts.sidecars])
    if ((await store.stat(`${folder}/${output.name}`))?.bytes !== output.bytes) return false;
  return true;
};

/** The `findStage` activity: key, and the stage when its manifest and files are whole. */
export const createFindStage = ({ store }: Pick<StageDeps, 'store'>): Pick<CpuActivities, 'findStage'> => ({
  async findStage(task: StageTask): Promise<Found> {
    requireStore(store, task.storeId);
    const key = keyOf(task);
    const manifest = await readManifest(store, task.verb, key);
    if (manifest === null) return { key, ref: null };
    if (await intact(store, manifest)) return { key, ref: refOf(manifest) };
    // A lost or cut file: the stage is made again, under the same key.
    await store.remove(`${task.verb}/${key}/manifest.json`);
    return { key, ref: null };
  },
});

/** Rows of an output of a finished stage. */
export async function* stageRows<T>(store: Store, ref: StageRef, name: string, schema: z.ZodType<T>): AsyncGenerator<T> {
  yield* parseLines(await store.open(await stagePath(store, ref, name)), schema);
}

/** Store path of an output or sidecar of a finished stage. */
export const stagePath = async (store: Store, ref: Pick<StageRef, 'verb' | 'key'>, name: string): Promise<string> => {
  const manifest = await readManifest(store, ref.verb, ref.key);
  if (manifest === null) throw failure('ArtifactCorrupt', `the manifest of ${ref.verb}/${ref.key} is gone; start the run again`);
  return `${stageFolder(ref.verb, ref.key, manifest.facts.fence)}/${name}`;
};

/** The manifest of a finished stage. */
export const manifestOf = async (store: Store, ref: StageRef): Promise<Manifest> => {
  const manifest = await readManifest(store, ref.verb, ref.key);
  if (manifest === null) throw failure('ArtifactCorrupt', `the manifest of ${ref.verb}/${ref.key} is gone; start the run again`);
  return manifest;
};

/**
 * Runs a deed once per key, whoever asks: a manifest that stands is returned, a live holder means StageBusy
 * (retryable), a dead one is taken over with a higher fence.
 */
export const runStage = async (deps: StageDeps, task: KeyedTask, deed: (box: Box) => Promise<void>): Promise<StageRef> => {
  const { store, clock } = deps;
  requireStore(store, task.storeId);
  const standing = await readManifest(store, task.verb, task.key);
  if (standing !== null) return refOf(standing);
  return withPulse(async (pulse) => {
    const info = activityInfo();
    const owner = { ...task.run, activity: info.activityId };
    const lease = await acquireLease(store, `${task.verb}/${task.key}`, owner, { ...LEASE, clock, signal: pulse.signal });
    if (lease.busy)
      throw failure(
        'StageBusy',
        `${task.verb} ${task.key.slice(0, 8)} is being made by ${lease.owner?.runId ?? 'another run'} on ${lease.host ?? 'another machine'}`,
        {
          retryAfterMs: LEASE.busyRetryMs,
        },
      );
    // The holder before us may have finished between our look and our lease.
    const finished = await readManifest(store, task.verb, task.key);
    if (finished !== null) {
      await lease.release();
      return refOf(finished);
    }
    try {
      return await underLease(deps, task, lease, pulse, deed);
    } catch (error) {
      throw deedFailure(error, task, info.attempt, pulse.signal);
    } finally {
      await lease.release();
    }
  });
};

/** A deed's error as a failure of the table; what repeats is given up (training counts its own crashes). */
const deedFailure = (error: unknown, task: KeyedTask, attempt: number, signal: AbortSignal): unknown => {
  if (error instanceof LeaseLost)
    return failure('StageBusy', `${task.verb} ${task.key.slice(0, 8)} was taken over by a newer attempt`, { cause: error });
  if (signal.aborted) return error;
  const known = error instanceof ApplicationFailure && isFailureType(error.type);
  const final = attempt >= DEED_ATTEMPTS && task.verb !== 'train';
  if (known) return final && !error.nonRetryable ? failure(error.type, error.message, { final, cause: error }) : error;
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  return failure('Unexpected', `${task.verb}: ${name}: ${message}`, { cause: error, final: final || attempt >= DEED_ATTEMPTS });
};

const underLease = async (
  deps: StageDeps,
  task: KeyedTask,
  lease: Lease,
  pulse: Pulse,
  deed: (box: Box) => Promise<void>,
): Promise<StageRef> => {
  const { store, clock } = deps;
  const folder = stageFolder(task.verb, task.key, lease.n);
  const startedAt = new Date(clock.now()).toISOString();
  const outputs: Output[] = [];
  const sidecars: Output[] = [];
  const box: Box = {
    fence: lease.n,
    pulse,
    counts: {},
    reasons: {},
    metrics: {},
    async put(name, data) {
      const written = await store.putFile(`${folder}/${name}`, data);
      outputs.push({ name, rows: null, ...written });
      return written;
    },
    async putRows(name, rows) {
      let count = 0;
      const lines = async function* (): AsyncGenerator<string | Uint8Array> {
        for await (const row of rows) {
          count += 1;
          pulse.signal.throwIfAborted();
          yield row instanceof Uint8Array ? row : toLine(row);
        }
      };
      const written = await store.putFile(`${folder}/${name}`, lines());
      outputs.push({ name, rows: count, ...written });
      return count;
    },
    async putLocal(name, file) {
      const written = await store.putLocal(`${folder}/${name}`, file);
      outputs.push({ name, rows: null, ...written });
      return written;
    },
    async sidecar(name, data) {
      sidecars.push({ name, rows: null, ...(await store.putFile(`${folder}/${name}`, data)) });
    },
    check: () => lease.check(),
  };
  await deed(box);
  await lease.check();
  const manifest = sealManifest({
    content: { schema: ARTIFACT_SCHEMA, stage: task.verb, version: STAGES[task.verb].version, outputs },
    facts: {
      key: task.key,
      fence: lease.n,
      inputs: Object.fromEntries(Object.entries(task.inputs).map(([name, ref]) => [name, ref.outputDigest])),
      config: task.config,
      counts: box.counts,
      reasons: box.reasons,
      metrics: box.metrics,
      startedAt,
      finishedAt: new Date(clock.now()).toISOString(),
      host: deps.host,
      versions: deps.versions,
      sidecars,
    },
  });
  return refOf(await writeManifest(store, manifest));
};

/** Counts one more of a reason. */
export const countReason = (reasons: Counts, reason: string): void => {
  reasons[reason] = (reasons[reason] ?? 0) + 1;
};

/** "too_short 12, navigation 3": for messages to a person. */
export const reasonText = (reasons: Counts): string =>
  Object.entries(reasons)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ');
