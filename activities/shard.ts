// What all activities of a shard share: its list, what is known of its pages, and the notes about those that gave none.
import type { CollectTask, ShardRef } from '../contracts/activities';
import { failure } from '../contracts/errors';
import { Dropped, type Fetch } from '../contracts/records';
import type { Log } from '../io/log';
import type { PageShelf } from '../io/page-shelf';
import type { Store } from '../io/store';
import { droppedUrl, type Window } from '../lib/collect';
import { parseLines } from '../lib/jsonl';
import { pageId } from '../lib/url';
import type { Outcome } from './fetch-page';
import { inLanes } from './lanes';

/** Records read at once. */
const READS = 16;
/** Bright Data has no answer that says "unchanged": a page younger than this is not paid for again. */
const PAID_HOURS = 20;

/** Reasons that no retry could change, or the newest that one might. */
export type FateKind = 'fates' | 'tries';

export const fatePath = ({ shard }: CollectTask, kind: FateKind, id: string): string => `collect/${shard.key}/${kind}/${id}.json`;

export const windowOf = ({ date, source }: CollectTask): Window => {
  const at = Date.parse(date);
  // Direct revalidates for the price of a 304, so by default everything is asked about.
  const maxAgeMs = (source.maxAgeHours ?? (source.provider === 'brightdata' ? PAID_HOURS : 0)) * 3_600_000;
  return { date: new Date(at).toISOString(), since: new Date(at - maxAgeMs).toISOString() };
};

export const readShard = async (store: Store, shard: ShardRef): Promise<string[]> => {
  const bytes = await store.read(shard.path);
  if (bytes === null) throw failure('ArtifactCorrupt', `the URL list ${shard.path} is gone from the store; start the run again`);
  return bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
};

/** By page id; of a shard that is sealed again those of the shards that collected its pages, its variants included. */
export const readFates = async (store: Store, { shard }: CollectTask, kind: FateKind): Promise<Map<string, Dropped>> => {
  const fates = new Map<string, Dropped>();
  for (const key of shard.again?.from ?? [shard.key])
    await inLanes(await store.list(`collect/${key}/${kind}`), READS, async (path) => {
      const bytes = await store.read(path);
      if (bytes === null) return;
      const dropped = Dropped.parse(JSON.parse(bytes.toString('utf8')));
      fates.set(dropped.id, dropped);
    });
  if (kind === 'fates' && shard.again?.variants != null)
    for await (const dropped of parseLines(await store.open(shard.again.variants), Dropped)) fates.set(dropped.id, dropped);
  return fates;
};

/** By page id. */
export const readRecords = async (shelf: PageShelf, urls: readonly string[]): Promise<Map<string, Fetch>> => {
  const records = new Map<string, Fetch>();
  await inLanes(urls, READS, async (url) => {
    const record = await shelf.read(pageId(url));
    if (record !== null) records.set(record.id, record);
  });
  return records;
};

/** Writes down what is no page; pages are on the shelf already. */
export const noteOutcome = async (
  { store, log }: { store: Store; log: Pick<Log, 'debug'> },
  task: CollectTask,
  outcome: Outcome,
): Promise<void> => {
  if ('page' in outcome) return;
  const [kind, row]: [FateKind, Dropped] =
    'dropped' in outcome
      ? [outcome.heals === true ? 'tries' : 'fates', outcome.dropped]
      : ['tries', droppedUrl(outcome.pending.url, outcome.pending.reason, outcome.error.message)];
  await store.putFile(fatePath(task, kind, row.id), JSON.stringify(row));
  log.debug({ reason: row.reason, url: 'pending' in outcome ? outcome.pending.url : row.detail }, 'no page');
};
