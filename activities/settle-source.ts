// After the last wave: which pages are one page under several addresses, and the shards that later stages see. Those
// are cut by address alone, so that a page that is found one wave later tomorrow changes no other shard's key.
import type { CpuActivities, SettledShard, ShardRef, Wave } from '../contracts/activities';
import type { Counts, StageRef } from '../contracts/artifacts';
import { STAGES } from '../contracts/stages';
import { Fetch, Page } from '../contracts/records';
import type { Store } from '../io/store';
import { droppedUrl } from '../lib/collect';
import { digest, sha256, stageKey } from '../lib/hash';
import { toLine } from '../lib/jsonl';
import { bucketRange, pageId } from '../lib/url';
import { foldVariants, otherName, outerRoots } from '../lib/variants';
import { withPulse } from './pulse';
import { readShard } from './shard';
import { writeShards } from './shard-lists';
import { manifestOf, requireStore, stageRows } from './stage';

interface Collected {
  shard: ShardRef;
  ref: StageRef;
}

const SPENDING = ['requests', 'billed', 'possiblyBilled'];

const overlap = (a: string, b: string): boolean => {
  const [one, other] = [bucketRange(a), bucketRange(b)];
  return one.from < other.to && other.from < one.to;
};

const startsIn = (a: string, b: string): boolean => {
  const [one, other] = [bucketRange(a), bucketRange(b)];
  return other.from <= one.from && one.from < other.to;
};

const holds = ({ shard }: Collected, id: string): boolean => {
  const { from, to } = bucketRange(shard.bucket);
  const at = parseInt(id.slice(0, 8), 16) / 2 ** 32;
  return from <= at && at < to;
};

export const createSettleSource = ({ store }: { store: Store }): Pick<CpuActivities, 'settleSource'> => {
  /** Duplicate to the page that stays, over all shards. */
  const variants = async (all: readonly Collected[], signal: AbortSignal): Promise<Map<string, string>> => {
    const names = new Map<string, string>();
    for (const { ref } of all) {
      signal.throwIfAborted();
      if (((await manifestOf(store, ref)).facts.metrics['variants'] ?? 0) === 0) continue;
      for await (const fetch of stageRows(store, ref, 'fetch-log.jsonl', Fetch)) {
        const other = otherName(fetch);
        if (other !== null) names.set(fetch.url, other);
      }
    }
    const asked = outerRoots(names);
    const ids = [...asked].map(pageId);
    const pages = new Set<string>();
    for (const one of all) {
      signal.throwIfAborted();
      if (!ids.some((id) => holds(one, id))) continue;
      for await (const { url } of stageRows(store, one.ref, 'pages.jsonl', Page)) if (asked.has(url)) pages.add(url);
    }
    return foldVariants(names, (url) => pages.has(url));
  };

  const writeFolded = async (
    folded: ReadonlyMap<string, string>,
    urls: readonly string[],
  ): Promise<{ path: string; content: string } | null> => {
    const rows = urls.flatMap((url) => {
      const stays = folded.get(url);
      return stays === undefined ? [] : [toLine(droppedUrl(url, 'duplicate_of', stays))];
    });
    if (rows.length === 0) return null;
    const text = rows.join('');
    const content = sha256(text);
    const path = `variants/${content.slice(0, 2)}/${content}.jsonl`;
    if ((await store.stat(path)) === null) await store.putFile(path, text);
    return { path, content };
  };

  /** A shard that is sealed again: over several waves, or without its duplicates. */
  const sealedAgain = (shard: ShardRef, from: readonly Collected[], folded: { path: string; content: string } | null): ShardRef => {
    const keys = from.map((one) => one.shard.key);
    const spent: Counts = {};
    for (const { ref } of from.filter((one) => startsIn(one.shard.bucket, shard.bucket)))
      for (const name of SPENDING) if (ref.counts[name] !== undefined) spent[name] = (spent[name] ?? 0) + ref.counts[name];
    return {
      ...shard,
      key: stageKey({
        verb: 'collect',
        version: STAGES.collect.version,
        config: {},
        inputs: { shard: shard.key, from: digest(keys), variants: folded?.content ?? '' },
      }),
      again: { from: keys, variants: folded?.path ?? null, spent },
    };
  };

  return {
    async settleSource({ run, storeId, waves }) {
      requireStore(store, storeId);
      return withPulse(async ({ signal }) => {
        const all = waves.flatMap(pairUp);
        const folded = await variants(all, signal);
        const one = waves.length === 1;
        const urls = new Set<string>();
        if (!one) for (const { shard } of all) for (const url of await readShard(store, shard)) urls.add(url);
        const shards = one ? (waves[0]?.shards ?? []) : await writeShards(store, run, urls);
        const settled: SettledShard[] = [];
        for (const shard of shards) {
          signal.throwIfAborted();
          const from = all.filter((wave) => overlap(wave.shard.bucket, shard.bucket));
          const variant = folded.size === 0 ? null : await writeFolded(folded, await readShard(store, shard));
          const [only] = from;
          if (one && variant === null && only !== undefined) settled.push({ shard, ref: only.ref });
          else settled.push({ shard: sealedAgain(shard, from, variant), ref: null });
        }
        return settled;
      });
    },
  };
};

const pairUp = ({ shards, refs }: Wave): Collected[] =>
  shards.flatMap((shard, index) => {
    const ref = refs[index];
    return ref === undefined ? [] : [{ shard, ref }];
  });
