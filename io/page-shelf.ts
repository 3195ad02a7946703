// Pages as last fetched, whatever run asked: pages/<2 hex>/<pageId>.json names the body, bodies/<2 hex>/<sha256>.
import { Fetch, RECORD_SCHEMA } from '../contracts/records';
import type { Store } from './store';

export class PageRecordError extends Error {
  readonly code = 'PAGE_RECORD';
  constructor(path: string, problem: string) {
    super(`${path} ${problem}`);
    this.name = 'PageRecordError';
  }
}

/** Store path of a body by its sha256. */
export const bodyPath = (sha256: string): string => `bodies/${sha256.slice(0, 2)}/${sha256}`;

const recordPath = (pageId: string): string => `pages/${pageId.slice(0, 2)}/${pageId}.json`;

export interface PageShelf {
  /**
   * The newest record of a page whose body is there, or null.
   * @throws PageRecordError for one of a newer release
   */
  read(pageId: string): Promise<Fetch | null>;
  /** The body first, then the record: a record never names a body that is not there. */
  save(fetch: Fetch, body: Uint8Array): Promise<void>;
  /** A newer answer about the same body. */
  touch(fetch: Fetch): Promise<void>;
}

export const createPageShelf = (store: Store): PageShelf => {
  const writeRecord = async (fetch: Fetch): Promise<void> => {
    await store.putFile(recordPath(fetch.id), `${JSON.stringify(Fetch.parse(fetch))}\n`);
  };
  return {
    async read(pageId) {
      const path = recordPath(pageId);
      const bytes = await store.read(path);
      if (bytes === null) return null;
      const value = JSON.parse(bytes.toString('utf8')) as { schema?: unknown };
      if (typeof value.schema === 'number' && value.schema > RECORD_SCHEMA)
        throw new PageRecordError(path, `is of schema ${value.schema}, this release reads ${RECORD_SCHEMA}: update it`);
      const record = Fetch.parse(value);
      // A body that was lost (a disk cleaned by hand) makes the page due again instead of failing every later run.
      return (await store.stat(bodyPath(record.page.bodySha256)))?.bytes === record.page.bodyBytes ? record : null;
    },
    async save(fetch, body) {
      const path = bodyPath(fetch.page.bodySha256);
      if ((await store.stat(path))?.bytes !== body.length) await store.putFile(path, body);
      await writeRecord(fetch);
    },
    touch: writeRecord,
  };
};
