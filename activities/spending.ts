// What a shard has asked Bright Data for: written before each paid call, so that a crash leaves a doubt and not a gap.
import { z } from 'zod';
import type { CollectTask } from '../contracts/activities';
import { failure } from '../contracts/errors';
import type { Fetch } from '../contracts/records';
import type { Store } from '../io/store';
import { isDue } from '../lib/collect';
import { digest } from '../lib/hash';
import { inLanes } from './lanes';
import { windowOf } from './shard';

const READS = 16;

/** The shard's batch. `sending`: nobody knows yet whether Bright Data has it. */
export const Batch = z.object({
  state: z.enum(['sending', 'refused', 'triggered', 'settled', 'abandoned']),
  /** ISO 8601, just before the first send. */
  at: z.string(),
  /** Records asked for, and the digest of their addresses. */
  sent: z.int(),
  inputs: z.string(),
  tries: z.int(),
  snapshotId: z.string().nullable(),
  billed: z.int(),
  possiblyBilled: z.int(),
});
export type Batch = z.infer<typeof Batch>;

/** The single requests of one URL. `open`: sent, and no answer is written down; a page on the shelf is the answer. */
export const Single = z.object({
  open: z.boolean(),
  requests: z.int(),
  billed: z.int(),
  possiblyBilled: z.int(),
});
export type Single = z.infer<typeof Single>;

const folder = ({ shard }: CollectTask): string => `collect/${shard.key}/brightdata`;
const batchPath = (task: CollectTask): string => `${folder(task)}/batch.json`;
const singlePath = (task: CollectTask, id: string): string => `${folder(task)}/singles/${id}.json`;
export const snapshotPath = (task: CollectTask): string => `${folder(task)}/snapshot.ndjson`;

const read = async <T>(store: Store, path: string, schema: z.ZodType<T>): Promise<T | null> => {
  const bytes = await store.read(path);
  return bytes === null ? null : schema.parse(JSON.parse(bytes.toString('utf8')));
};

export const readBatch = (store: Store, task: CollectTask): Promise<Batch | null> => read(store, batchPath(task), Batch);
export const writeBatch = async (store: Store, task: CollectTask, batch: Batch): Promise<void> =>
  void (await store.putFile(batchPath(task), JSON.stringify(batch)));
export const readSingle = async (store: Store, task: CollectTask, id: string): Promise<Single> =>
  (await read(store, singlePath(task, id), Single)) ?? { open: false, requests: 0, billed: 0, possiblyBilled: 0 };
export const writeSingle = async (store: Store, task: CollectTask, id: string, single: Single): Promise<void> =>
  void (await store.putFile(singlePath(task, id), JSON.stringify(single)));

/**
 * Takes up to `wanted` pages from the run's budget, over all its shards and workers; a negative number gives back.
 * @returns how many may be asked for
 * @throws QuotaExhausted when none is left
 */
export const takeBudget = async (store: Store, { run, maxRequests }: CollectTask, wanted: number): Promise<number> => {
  if (maxRequests === null || wanted === 0) return wanted;
  const path = `brightdata/budgets/${digest(run)}.json`;
  for (;;) {
    const current = await store.readTagged(path);
    const { used } = current === null ? { used: 0 } : z.object({ used: z.int() }).parse(JSON.parse(current.data.toString('utf8')));
    const taken = Math.min(wanted, maxRequests - used);
    if (wanted > 0 && taken <= 0)
      throw failure(
        'QuotaExhausted',
        `budget.maxRequests: the run has asked Bright Data for ${used} pages and may for ${maxRequests}. What has come is kept: raise it and start the run again`,
      );
    const data = JSON.stringify({ used: used + taken });
    if (current === null ? await store.createExclusive(path, data) : await store.replaceIfMatch(path, data, current.etag)) return taken;
  }
};

/**
 * Sums up what the shard has cost.
 * @param records what is on the shelf now, by page id
 */
export const readSpending = async (
  store: Store,
  task: CollectTask,
  records: ReadonlyMap<string, Fetch>,
): Promise<{ requests: number; billed: number; possiblyBilled: number }> => {
  const batch = await readBatch(store, task);
  const asked = batch !== null && batch.state !== 'refused';
  const sum = { requests: asked ? batch.sent : 0, billed: batch?.billed ?? 0, possiblyBilled: batch?.possiblyBilled ?? 0 };
  const window = windowOf(task);
  await inLanes(await store.list(`${folder(task)}/singles`), READS, async (path) => {
    const single = await read(store, path, Single);
    if (single === null) return;
    const record = records.get(path.slice(path.lastIndexOf('/') + 1, -'.json'.length)) ?? null;
    const came = record !== null && !isDue(record, window);
    sum.requests += single.requests;
    sum.billed += single.billed + (single.open && came ? 1 : 0);
    sum.possiblyBilled += single.possiblyBilled + (single.open && !came ? 1 : 0);
  });
  return sum;
};
