// Which page is due, what an answer is worth, and how a shard's fates are counted.
import type { Counts } from '../contracts/artifacts';
import { type Dropped, type Fetch, type Page, type PageChange, RECORD_SCHEMA } from '../contracts/records';
import { type Change, changeOf, isTombstone, saysGone, withGone } from './page-history';
import { pageId } from './url';

/** How a page came into a run: asked and brought, asked and unchanged, or young enough not to be asked for. */
export type Arrival = 'fetched' | 'revalidated' | 'reused';

export interface Window {
  /** The run's date, ISO 8601 as Date.toISOString writes it: pages checked since then were checked by this run. */
  date: string;
  /** `date` less maxAge, likewise: pages checked before are due. */
  since: string;
}

/** True when the page has to be asked for; after a crash of this very run it has not. */
export const isDue = (record: Fetch | null, { since }: Window): boolean => record === null || record.checkedAt < since;

export const arrivalOf = ({ checkedAt, fetchedAt }: Fetch, { date }: Window): Arrival => {
  if (checkedAt < date) return 'reused';
  return fetchedAt === checkedAt ? 'fetched' : 'revalidated';
};

/**
 * HTML or Markdown, from the content type and, where that says nothing, the name.
 * @returns null for what is neither
 */
export const pageFormat = (contentType: string | null, url: string): Page['format'] | null => {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const named = /\.(?:md|markdown)$/i.test(new URL(url).pathname);
  if (type === 'text/html' || type === 'application/xhtml+xml') return 'html';
  if (type === 'text/markdown' || type === 'text/x-markdown') return 'markdown';
  // Many servers do not know .md; other plain text has no structure to learn from.
  if (type === 'text/plain' || type === 'application/octet-stream') return named ? 'markdown' : null;
  if (type === '') return named ? 'markdown' : 'html';
  return null;
};

/** HTML or Markdown by a file's name; null for what is neither. */
export const fileFormat = (name: string): Page['format'] | null => {
  if (/\.(?:html?|xhtml)$/i.test(name)) return 'html';
  return /\.(?:md|markdown)$/i.test(name) ? 'markdown' : null;
};

/** The fate of a URL that gave no page. */
export const droppedUrl = (url: string, reason: string, detail: string): Dropped => ({
  schema: RECORD_SCHEMA,
  id: pageId(url),
  of: 'url',
  stage: 'collect',
  url,
  reason,
  detail,
});

export interface ShardFates {
  /** Sorted by id. */
  pages: Page[];
  fetches: Fetch[];
  dropped: Dropped[];
  changes: PageChange[];
  /** Records of pages that this run found gone, to be put back on the shelf. */
  gone: Fetch[];
  counts: Counts;
  reasons: Counts;
}

/**
 * Gives every URL exactly one fate: a page, or a reason. A page that says for the first time that it is gone, and one whose
 * server is in trouble, keep their last body: a bad night of a server must not take pages out of the data.
 * @param urls canonical, distinct
 * @param final reasons that no retry could change, by page id
 * @param tried the newest reasons that a retry might have changed, by page id
 */
export const sealFates = (
  urls: readonly string[],
  window: Window,
  {
    records,
    final,
    tried,
  }: { records: ReadonlyMap<string, Fetch>; final: ReadonlyMap<string, Dropped>; tried: ReadonlyMap<string, Dropped> },
): ShardFates => {
  const fates: ShardFates = { pages: [], fetches: [], dropped: [], changes: [], gone: [], counts: {}, reasons: {} };
  const counts = {
    ...{ urls: urls.length, pages: 0, fetched: 0, revalidated: 0, reused: 0, dropped: 0 },
    ...{ new: 0, changed: 0, unchanged: 0, goneOnce: 0, gone: 0, stale: 0 },
  };
  const changed = (id: string, url: string, change: Change, since: string | null = null, reason: string | null = null): void => {
    counts[change === 'gone_once' ? 'goneOnce' : change] += 1;
    if (change !== 'unchanged') fates.changes.push({ schema: RECORD_SCHEMA, id, url, change, since, reason });
  };
  const keep = (record: Fetch): void => {
    fates.pages.push(record.page);
    fates.fetches.push(record);
    counts.pages += 1;
  };
  const sorted = urls.map((url) => ({ url, id: pageId(url) })).sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const { url, id } of sorted) {
    const record = records.get(id) ?? null;
    const reason = final.get(id);
    if (reason === undefined && record !== null && !isDue(record, window)) {
      keep(record);
      counts[arrivalOf(record, window)] += 1;
      changed(id, url, changeOf(record, window.date));
      continue;
    }
    if (reason !== undefined && record !== null && saysGone(reason.reason)) {
      const gone = withGone(record, window.date, reason.reason);
      fates.gone.push(gone);
      const tombstone = isTombstone(gone);
      changed(id, url, tombstone ? 'gone' : 'gone_once', gone.gone?.since ?? null, reason.reason);
      if (!tombstone) {
        keep(gone);
        continue;
      }
    }
    const fate =
      reason ??
      tried.get(id) ??
      droppedUrl(url, 'interrupted', `${url} was asked for, and the worker that did so ended each time before it had an answer`);
    // What may heal says nothing about the page; a tombstone is not raised by it.
    if (reason === undefined && record !== null && !isTombstone(record)) {
      keep(record);
      changed(id, url, 'stale', record.checkedAt, fate.reason);
      continue;
    }
    fates.dropped.push(fate);
    fates.reasons[fate.reason] = (fates.reasons[fate.reason] ?? 0) + 1;
    counts.dropped += 1;
  }
  fates.counts = counts;
  return fates;
};
