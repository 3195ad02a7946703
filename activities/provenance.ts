// From each example back to its page: which URL, which content, fetched when.
import { type Example, RECORD_SCHEMA } from '../contracts/records';
import type { PageShelf } from '../io/page-shelf';

/** One line of provenance.jsonl: a page that examples of the dataset were made of. */
interface PageOrigin {
  schema: typeof RECORD_SCHEMA;
  url: string;
  pageId: string;
  /** Of the cleaned document that the examples quote. */
  documentSha256: string;
  examples: number;
  /** The newest fetch of the page when the dataset was prepared; null when its record is gone. */
  finalUrl: string | null;
  fetchedAt: string | null;
  bodySha256: string | null;
  provider: string | null;
}

/** Lines of provenance.jsonl, sorted by URL. Fetch times change on their own, so the file never causes a commit. */
export const provenance = async (
  examples: AsyncIterable<Pick<Example, 'pageId' | 'url' | 'documentSha256'>>,
  pages: Pick<PageShelf, 'read'>,
): Promise<PageOrigin[]> => {
  const origins = new Map<string, PageOrigin>();
  for await (const { pageId, url, documentSha256 } of examples) {
    const origin = origins.get(pageId);
    if (origin !== undefined) {
      origin.examples += 1;
      continue;
    }
    const fetched = await pages.read(pageId);
    origins.set(pageId, {
      schema: RECORD_SCHEMA,
      url,
      pageId,
      documentSha256,
      examples: 1,
      finalUrl: fetched?.finalUrl ?? null,
      fetchedAt: fetched?.fetchedAt ?? null,
      bodySha256: fetched?.page.bodySha256 ?? null,
      provider: fetched?.provider ?? null,
    });
  }
  return [...origins.values()].sort((a, b) => (a.url < b.url ? -1 : a.url > b.url ? 1 : 0));
};
