// What the store says about a run, also when its history is gone.
import { Manifest, RunRecord, type StageRef } from '../contracts/artifacts';
import { pathSegment, type Store } from '../io/store';
import { CommandFailed } from './exit';

const readRecord = async (store: Store, path: string): Promise<RunRecord> => {
  const data = await store.read(path);
  if (data === null) throw new CommandFailed(`${path} is gone from the store ${store.uri}`);
  const parsed = RunRecord.safeParse(JSON.parse(data.toString('utf8')));
  if (!parsed.success) throw new CommandFailed(`${path} was written by another release of retune, or is damaged`);
  return parsed.data;
};

/** Every record of a run, oldest first. */
const records = async (store: Store, runId: string): Promise<RunRecord[]> => {
  const files = (await store.list(`runs/${pathSegment(runId)}`)).filter((path) => path.split('/').length === 3 && path.endsWith('.json'));
  const found = await Promise.all(files.map(async (path) => readRecord(store, path)));
  return found.sort((a, b) => (a.updatedAt < b.updatedAt ? -1 : 1));
};

/** Ids of the runs that the store knows. */
export const knownRuns = async (store: Store): Promise<string[]> => [
  ...new Set((await store.list('runs')).map((path) => decodeURIComponent(path.split('/')[1] ?? ''))),
];

/**
 * The newest record of a run, or that of one execution.
 * @throws CommandFailed when the store does not know it
 */
export const findRecord = async (store: Store, runId: string, executionId?: string): Promise<RunRecord> => {
  const found = await records(store, runId);
  const record = executionId === undefined ? found.at(-1) : found.find((one) => one.executionId === executionId);
  if (record !== undefined) return record;
  const known = await knownRuns(store);
  throw new CommandFailed(
    `the store ${store.uri} knows no run ${runId}${known.length === 0 ? '; it has none' : `; it has: ${known.slice(-10).join(', ')}`}`,
  );
};

/** The newest record that has a finished stage of this verb: an unchanged run names its stages too. */
export const findStageRef = async (store: Store, runId: string, verb: StageRef['verb']): Promise<{ record: RunRecord; ref: StageRef }> => {
  await findRecord(store, runId);
  for (const record of (await records(store, runId)).reverse()) {
    const ref = record.stages[verb]?.[0];
    if (ref !== undefined) return { record, ref };
  }
  throw new CommandFailed(`run ${runId} has not finished the stage ${verb}`);
};

/** Manifest of a finished stage, and the folder of its files in the store. */
export const readStage = async (
  store: Store,
  ref: Pick<StageRef, 'verb' | 'key'>,
): Promise<{ manifest: Manifest; folder: string } | null> => {
  const data = await store.read(`${ref.verb}/${ref.key}/manifest.json`);
  if (data === null) return null;
  const manifest = Manifest.parse(JSON.parse(data.toString('utf8')));
  return { manifest, folder: `${ref.verb}/${ref.key}/${manifest.facts.fence}` };
};
