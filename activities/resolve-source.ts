// What to collect, as lists in the store: one for each shard, so that no list travels through history.
import type { CpuActivities, ShardRef } from '../contracts/activities';
import { failure } from '../contracts/errors';
import { SHARD } from '../contracts/policies';
import { STAGES } from '../contracts/stages';
import type { Store } from '../io/store';
import { digest, sha256, stageKey } from '../lib/hash';
import { bucketCount, bucketName, bucketOf, canonicalUrl, pageId } from '../lib/url';
import { requireStore } from './stage';

/** Named at most in one message. */
const EXAMPLES = 5;

const canonicalUrls = (urls: readonly string[]): string[] => {
  const bad = urls.filter((url) => canonicalUrl(url) === null);
  if (bad.length > 0)
    throw failure(
      'InvalidInput',
      `source.urls: ${bad.length} of ${urls.length} are no http(s) address without a password: ${bad
        .slice(0, EXAMPLES)
        .map((url) => url.replace(/\/\/[^/@]*@/, '//[password]@'))
        .join(', ')}`,
    );
  // Spellings of one page are folded here, before anything is counted or asked for.
  return [...new Set(urls.flatMap((url) => canonicalUrl(url) ?? []))].sort();
};

export const createResolveSource = ({ store }: { store: Store }): Pick<CpuActivities, 'resolveSource'> => ({
  async resolveSource({ run, storeId, source }) {
    requireStore(store, storeId);
    const urls = canonicalUrls(source.urls);
    if (urls.length === 0) throw failure('SourceEmpty', 'source.urls is empty: name at least one page');
    const buckets = bucketCount(urls.map(pageId), SHARD.maxUrls);
    const lists = new Map<number, string[]>();
    for (const url of urls) {
      const bucket = bucketOf(pageId(url), buckets);
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
        key: stageKey({
          verb: 'collect',
          version: STAGES.collect.version,
          config: {},
          inputs: { run: digest(run), bucket: name, urls: content },
        }),
      });
    }
    return shards;
  },
});
