// What the store says about a run, also when its history is gone.
import type { Manifest, RunRecord, StageRef } from '../contracts/artifacts';
import { readManifest, stageFolder } from '../io/manifest';
import { listRuns, readRun } from '../io/runs';
import type { Store } from '../io/store';
import { CommandFailed } from './exit';

const KNOWN_SHOWN = 10;

/**
 * The newest record of a run.
 * @throws CommandFailed when the store does not know it, naming those that it has
 */
export const findRecord = async (store: Store, runId: string): Promise<RunRecord> => {
  const record = await readRun(store, runId);
  if (record !== null) return record;
  const known = [...new Set((await listRuns(store)).map((one) => one.runId))].slice(0, KNOWN_SHOWN);
  throw new CommandFailed(
    `the store ${store.uri} knows no run ${runId}${known.length === 0 ? '; it has none' : `; it has: ${known.join(', ')}`}`,
  );
};

/**
 * The newest finished stage of this verb: that of the newest record which got so far.
 * @throws CommandFailed when there is none
 */
export const findStageRef = async (store: Store, runId: string, verb: StageRef['verb']): Promise<{ record: RunRecord; ref: StageRef }> => {
  const newest = await findRecord(store, runId);
  const all = newest.stages[verb] === undefined ? (await listRuns(store)).filter((one) => one.runId === runId) : [newest];
  for (const record of all) {
    const ref = record.stages[verb]?.[0];
    if (ref !== undefined) return { record, ref };
  }
  throw new CommandFailed(`run ${runId} has not finished the stage ${verb}`);
};

/** Manifest of a finished stage, and the folder of its files in the store; null when it is gone. */
export const readStage = async (
  store: Store,
  { verb, key }: Pick<StageRef, 'verb' | 'key'>,
): Promise<{ manifest: Manifest; folder: string } | null> => {
  const manifest = await readManifest(store, verb, key);
  return manifest === null ? null : { manifest, folder: stageFolder(verb, key, manifest.facts.fence) };
};
