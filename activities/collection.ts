// What collecting came to in one run, read from its shards and those of the run before: for the report, and for the
// message of a run that fails on it.
import type { CpuActivities } from '../contracts/activities';
import { ARTIFACT_SCHEMA, type RunRecord, type StageRef } from '../contracts/artifacts';
import type { PipelineInput } from '../contracts/input';
import { targetOf } from '../contracts/names';
import { Dropped, Page, PageChange } from '../contracts/records';
import { readManifest } from '../io/manifest';
import { listRuns } from '../io/runs';
import type { Store } from '../io/store';
import { estimatedCostUsd } from '../lib/brightdata';
import { type Collection, failuresText, type PageList } from '../lib/collection';
import { compareRuns } from '../lib/drift';
import { parseLines } from '../lib/jsonl';
import { requireStore, stagePath, stageRows } from './stage';
import { z } from 'zod';

/** Pages named in each list of a report. */
const SHOWN = 20;
/** URLs named for each reason. */
const EXAMPLES = 3;
/** Beyond this, comparing pairs is not cheap any more. */
const PAIR_BYTES = 64 * 1024 * 1024;

/** Runs that ended with a model or the finding that it stands: what a failed one collected is part of the way to the next. */
const ENDED_WELL = new Set<RunRecord['status']>(['published', 'prepared', 'unchanged', 'held']);

const target = ({ input, runId }: RunRecord): string => {
  const known = input as Pick<PipelineInput, 'publish' | 'name'> | null;
  return known === null ? runId : targetOf(known.publish.model, known.name);
};

const previousOf = async (store: Store, record: RunRecord): Promise<RunRecord | null> =>
  (await listRuns(store)).find(
    (one) =>
      one.executionId !== record.executionId &&
      one.date < record.date &&
      ENDED_WELL.has(one.status) &&
      (one.stages.collect ?? []).length > 0 &&
      target(one) === target(record),
  ) ?? null;

/** Shards are in the order of their buckets, which are ranges of ids: together they are sorted by id. */
async function* pagesOf(store: Store, shards: readonly StageRef[]): AsyncGenerator<Page> {
  for (const shard of shards) yield* stageRows(store, shard, 'pages.jsonl', Page);
}

type Shard = Pick<StageRef, 'verb' | 'key'>;

async function* droppedOf(store: Store, shards: readonly Shard[]): AsyncGenerator<Dropped> {
  for (const shard of shards) {
    const path = await stagePath(store, shard, 'dropped.jsonl');
    yield* parseLines(await store.open(path), Dropped);
  }
}

/** Pages that did not come tonight and whose last body stands in. */
async function* standIns(store: Store, shards: readonly Shard[]): AsyncGenerator<{ url: string; reason: string }> {
  for (const shard of shards)
    for await (const { change, url, reason } of parseLines(await store.open(await stagePath(store, shard, 'changes.jsonl')), PageChange))
      if (change === 'stale' || change === 'gone_once') yield { url, reason: reason ?? change };
}

const byReason = async (rows: AsyncIterable<Pick<Dropped, 'reason' | 'url' | 'detail'>>): Promise<Collection['failures']> => {
  const failures = new Map<string, Collection['failures'][number]>();
  for await (const { reason, url, detail } of rows) {
    const known = failures.get(reason) ?? { reason, count: 0, examples: [] };
    known.count += 1;
    if (known.examples.length < EXAMPLES) known.examples.push(url ?? detail ?? '');
    failures.set(reason, known);
  }
  return [...failures.values()].sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1));
};

type Absences = Pick<Collection, 'goneOnce' | 'tombstones' | 'stale'>;
const LIST = { gone_once: 'goneOnce', gone: 'tombstones', stale: 'stale', new: null, changed: null } as const;

const absencesOf = async (store: Store, shards: readonly StageRef[]): Promise<Absences> => {
  const lists = noAbsences();
  for (const shard of shards)
    for await (const { change, url, since, reason } of stageRows(store, shard, 'changes.jsonl', PageChange)) {
      const name = LIST[change];
      if (name === null) continue;
      const list = lists[name];
      list.count += 1;
      const told = [reason, since === null ? null : change === 'stale' ? `last had ${since}` : `since ${since}`];
      if (list.examples.length < SHOWN) list.examples.push({ url, reason: told.filter((text) => text !== null).join(', ') || null });
    }
  return lists;
};

const emptyList = (): PageList => ({ count: 0, examples: [] });
const noAbsences = (): Absences => ({ goneOnce: emptyList(), tombstones: emptyList(), stale: emptyList() });

const driftOf = async (store: Store, before: readonly StageRef[], after: readonly StageRef[]): Promise<Collection['drift']> => {
  const drift = await compareRuns(pagesOf(store, before), pagesOf(store, after), SHOWN);
  const named = new Map(drift.gone.examples.map((example) => [example.url, example]));
  if (named.size === 0) return drift;
  for (const example of named.values()) example.reason = 'no longer in the source';
  for await (const { url, reason } of droppedOf(store, after)) {
    const example = url === undefined ? undefined : named.get(url);
    if (example !== undefined) example.reason = reason;
  }
  return drift;
};

const Id = z.object({ id: z.string() });

const pairsOf = async (store: Store, before: StageRef | undefined, after: StageRef | undefined): Promise<Collection['pairs']> => {
  if (before === undefined || after === undefined) return null;
  if (before.outputDigest === after.outputDigest) return { added: 0, removed: 0 };
  for (const ref of [before, after]) {
    const output = (await readManifest(store, 'pair', ref.key))?.content.outputs.find(({ name }) => name === 'pairs.jsonl');
    if (output === undefined || output.bytes > PAIR_BYTES) return null;
  }
  const old = new Set<string>();
  for await (const { id } of stageRows(store, before, 'pairs.jsonl', Id)) old.add(id);
  let added = 0;
  let kept = 0;
  for await (const { id } of stageRows(store, after, 'pairs.jsonl', Id))
    if (old.has(id)) kept += 1;
    else added += 1;
  return { added, removed: old.size - kept };
};

const spendingOf = (shards: readonly StageRef[]): Collection['spending'] => {
  if (shards.every(({ counts }) => counts['requests'] === undefined)) return null;
  const sum = (name: string): number => shards.reduce((total, { counts }) => total + (counts[name] ?? 0), 0);
  const billed = sum('billed');
  return { requests: sum('requests'), billed, possiblyBilled: sum('possiblyBilled'), estimatedCostUsd: estimatedCostUsd(billed) };
};

/** What the source named and no shard was asked for. */
const leftOut = ({ source }: RunRecord): Collection['failures'] =>
  Object.entries(source?.reasons ?? {})
    .map(([reason, count]) => ({ reason, count, examples: (source?.examples[reason] ?? []).slice(0, EXAMPLES) }))
    .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1));

/** A reader of one part that may be missing without taking the others with it. */
export type Part = <T>(name: string, read: () => Promise<T>, otherwise: T) => Promise<T>;

/** @returns null for a run that has not collected */
export const collectionOf = async (store: Store, record: RunRecord, part: Part): Promise<Collection | null> => {
  const shards = record.stages.collect ?? [];
  if (shards.length === 0) return null;
  const previous = await part('the run before', async () => previousOf(store, record), null);
  const before = previous?.stages.collect ?? [];
  return {
    schema: ARTIFACT_SCHEMA,
    previous: previous === null ? null : { runId: previous.runId, executionId: previous.executionId, date: previous.date },
    drift: previous === null ? null : await part('drift', async () => driftOf(store, before, shards), null),
    pairs: await part('pairs', async () => pairsOf(store, previous?.stages.pair?.[0], record.stages.pair?.[0]), null),
    ...(await part('absences', async () => absencesOf(store, shards), noAbsences())),
    spending: spendingOf(shards),
    failures: await part('failures', async () => [...(await byReason(droppedOf(store, shards))), ...leftOut(record)], []),
  };
};

export const createExplainCollect = ({ store }: { store: Store }): Pick<CpuActivities, 'explainCollect'> => ({
  async explainCollect(storeId, keys) {
    requireStore(store, storeId);
    const shards = keys.map((key) => ({ verb: 'collect' as const, key }));
    const missing = async function* () {
      yield* droppedOf(store, shards);
      yield* standIns(store, shards);
    };
    return failuresText(await byReason(missing()));
  },
});
