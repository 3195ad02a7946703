// URLs as lists in the store, one for each shard, so that no list travels through history.
import type { RunIdentity, ShardRef } from '../contracts/activities';
import { failure } from '../contracts/errors';
import { SHARD } from '../contracts/policies';
import { STAGES } from '../contracts/stages';
import type { Store } from '../io/store';
import { digest, sha256, stageKey } from '../lib/hash';
import { bucketCount, bucketName, bucketOf, filesPath, pageId } from '../lib/url';

/**
 * Writes the lists. Which shard a URL is in depends on itself and on the power of two alone.
 * @param urls canonical, distinct
 * @param before shards of earlier waves, which stand in the same history
 * @throws InvalidInput for more shards than the history of one execution holds, before anything is written
 */
export const writeShards = async (store: Store, run: RunIdentity, urls: Iterable<string>, before = 0): Promise<ShardRef[]> => {
  const sorted = [...urls].sort();
  const ids = sorted.map(pageId);
  const buckets = bucketCount(ids, SHARD.maxUrls);
  if (before + buckets > SHARD.most)
    throw failure(
      'InvalidInput',
      `source: ${sorted.length} pages make ${buckets} shards${before === 0 ? '' : ` after ${before} of earlier waves of links`}, and one run holds ${SHARD.most}, about 900,000 pages: lower source.maxPages, or make several runs with source.include`,
    );
  const lists = new Map<number, string[]>();
  for (const [index, url] of sorted.entries()) {
    const bucket = bucketOf(ids[index] ?? '', buckets);
    const list = lists.get(bucket);
    if (list === undefined) lists.set(bucket, [url]);
    else list.push(url);
  }
  const shards: ShardRef[] = [];
  for (const [bucket, list] of [...lists].sort(([a], [b]) => a - b)) {
    const text = list.map((url) => `${url}\n`).join('');
    const content = sha256(text);
    const path = `urls/${content.slice(0, 2)}/${content}.txt`;
    if ((await store.stat(path)) === null) await store.putFile(path, text);
    const name = bucketName(bucket, buckets);
    shards.push({
      bucket: name,
      path,
      urls: list.length,
      files: list.filter((url) => filesPath(url) !== null).length,
      key: stageKey({
        verb: 'collect',
        version: STAGES.collect.version,
        config: {},
        inputs: { run: digest(run), bucket: name, urls: content },
      }),
    });
  }
  return shards;
};
