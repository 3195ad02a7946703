// Run records: what is left of a run once its history is gone.
import { ARTIFACT_SCHEMA, RunRecord } from '../contracts/artifacts';
import { pathSegment, type Store, StoreError } from './store';

export interface RunName {
  /** The workflow id. */
  runId: string;
  /** Temporal's run id. */
  executionId: string;
}

const shelf = (runId: string): string => `runs/${pathSegment(runId)}`;

/** Store folder of what belongs to one execution beside its record: the report, notes of its pushes. */
export const runFolder = ({ runId, executionId }: RunName): string => `${shelf(runId)}/${pathSegment(executionId)}`;

/** Store path of the run as one HTML page. */
export const reportPath = (run: RunName): string => `${runFolder(run)}/report.html`;

/** Store path of what collecting came to. */
export const collectionPath = (run: RunName): string => `${runFolder(run)}/collection.json`;

const recordPath = (run: RunName): string => `${runFolder(run)}.json`;

/** Writes the record whole; the newest one stands. */
export const writeRun = async (store: Store, record: RunRecord): Promise<void> => {
  await store.putFile(recordPath(record), `${JSON.stringify(RunRecord.parse(record), null, 2)}\n`);
};

const read = async (store: Store, path: string): Promise<RunRecord | null> => {
  const data = await store.read(path);
  if (data === null) return null;
  const raw = JSON.parse(data.toString('utf8')) as { schema?: unknown };
  if (typeof raw.schema === 'number' && raw.schema > ARTIFACT_SCHEMA)
    throw new StoreError(
      'FORMAT',
      `${path} was written by a newer retune (schema ${raw.schema}, this one knows ${ARTIFACT_SCHEMA}): update retune`,
    );
  return RunRecord.parse(raw);
};

const records = async (store: Store, prefix: string, depth: number): Promise<RunRecord[]> => {
  const paths = (await store.list(prefix)).filter((path) => path.endsWith('.json') && path.split('/').length === depth);
  const found = await Promise.all(paths.map(async (path) => read(store, path)));
  return found
    .filter((record): record is RunRecord => record !== null)
    .sort((a, b) => (a.date === b.date ? (a.updatedAt < b.updatedAt ? 1 : -1) : a.date < b.date ? 1 : -1));
};

/**
 * The record of an execution, or of the newest one of a workflow id.
 * @returns null when the store knows no such run
 * @throws StoreError FORMAT for a record of a newer release
 */
export const readRun = async (store: Store, runId: string, executionId?: string): Promise<RunRecord | null> => {
  if (executionId !== undefined) return read(store, recordPath({ runId, executionId }));
  return (await records(store, shelf(runId), 3))[0] ?? null;
};

/** Every record, newest run first. */
export const listRuns = async (store: Store): Promise<RunRecord[]> => records(store, 'runs', 3);
