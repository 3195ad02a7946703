// Links, in waves: what each shard's pages lead to, and which of it the run has not seen. Both are files of the store,
// named by their content, so that a wave that is repeated after a crash gives the same lists.
import type { CpuActivities } from '../contracts/activities';
import { failure } from '../contracts/errors';
import { Fetch } from '../contracts/records';
import { bodyPath } from '../io/page-shelf';
import { textLines } from '../io/plain-text';
import type { Store } from '../io/store';
import { sha256 } from '../lib/hash';
import { createIntake } from '../lib/intake';
import { pageLinks } from '../lib/page-links';
import { compilePatterns } from '../lib/pattern';
import { sameSite } from '../lib/url';
import { withPulse } from './pulse';
import { writeShards } from './shard-lists';
import { requireStore, stageRows } from './stage';

/** Lines of a list; canonical addresses are shorter. */
const MAX_LINE = 8192;

async function* listed(store: Store, paths: readonly string[]): AsyncGenerator<string> {
  for (const path of paths) {
    const stream = await store.open(path);
    yield* textLines(stream.setEncoding('utf8') as AsyncIterable<string>, MAX_LINE);
  }
}

export const createCrawl = ({ store }: { store: Store }): Pick<CpuActivities, 'findLinks' | 'nextWave'> => ({
  async findLinks({ storeId, source, shard }) {
    requireStore(store, storeId);
    return withPulse(async ({ signal, details }) => {
      const included = compilePatterns(source.include);
      const excluded = compilePatterns(source.exclude);
      const found = new Set<string>();
      let pages = 0;
      for await (const { page, url, finalUrl } of stageRows(store, shard, 'fetch-log.jsonl', Fetch)) {
        signal.throwIfAborted();
        const body = await store.read(bodyPath(page.bodySha256));
        if (body === null) throw failure('ArtifactCorrupt', `the body ${page.bodySha256} of ${url} is gone from the store`);
        for (const link of pageLinks(body, page, finalUrl, source.robots === 'obey')) {
          // Without patterns a crawl stays where it began, and where that place itself has moved to.
          const ours = source.include.length > 0 ? included(link) : sameSite(link, url);
          if (ours && !excluded(link)) found.add(link);
        }
        pages += 1;
        details({ pages, links: found.size });
      }
      const text = [...found]
        .sort()
        .map((url) => `${url}\n`)
        .join('');
      const content = sha256(text);
      const path = `links/${content.slice(0, 2)}/${content}.txt`;
      if ((await store.stat(path)) === null) await store.putFile(path, text);
      return { path, links: found.size };
    });
  },

  async nextWave({ run, storeId, source, seen, found }) {
    requireStore(store, storeId);
    return withPulse(async ({ signal, details }) => {
      const known = new Set<string>();
      for await (const url of listed(store, seen)) known.add(url);
      const fresh = new Set<string>();
      for await (const url of listed(store, found)) {
        signal.throwIfAborted();
        if (!known.has(url)) fresh.add(url);
        details({ known: known.size, new: fresh.size });
      }
      // In the order of addresses, not of discovery: what maxPages leaves out is the same every time.
      const intake = createIntake({ include: [], exclude: [], maxPages: Math.max(0, source.maxPages - known.size) });
      for (const url of [...fresh].sort()) intake.own(url);
      const { urls, reasons, examples } = intake;
      const leftOut = fresh.size - urls.size;
      return {
        shards: urls.size === 0 ? [] : await writeShards(store, run, urls, seen.length),
        summary: { counts: leftOut > 0 ? { left_out: leftOut } : {}, reasons, examples },
      };
    });
  },
});
