// What a page's record on the shelf remembers of earlier runs: when its body came, which it had before, since when it is
// gone. Answers the question of a nightly run, page by page, without the lists of the run before.
import type { Fetch } from '../contracts/records';

/**
 * `gone_once`: it answered for the first time that it is gone, and its last body stands in. `gone`: it is out of the data.
 * `stale`: its server gave no answer that says anything about it, and its last body stands in for as long as that lasts.
 */
export type Change = 'new' | 'changed' | 'unchanged' | 'gone_once' | 'gone' | 'stale';

/** Reasons by which a page's own server says that it is there no more; robots, types and sizes say nothing of the kind. */
const GONE = new Set(['not_found', 'gone', 'dead_page', 'http_404', 'http_410']);

export const saysGone = (reason: string): boolean => GONE.has(reason);

/** True from the second run in a row that finds it gone, until it answers again. */
export const isTombstone = ({ gone }: Pick<Fetch, 'gone'>): boolean => gone !== undefined && gone.seenAt > gone.since;

/**
 * A fresh answer, with what the record before it remembers. One that comes back from its tombstone starts anew.
 * @param fresh as it came, 304 included (then with the body's own fetchedAt)
 * @param known the record that it replaces
 */
export const withHistory = (fresh: Fetch, known: Fetch | null): Fetch => {
  const { bodySince: _since, before: _before, gone: _gone, ...answer } = fresh;
  if (known === null || isTombstone(known)) return { ...answer, bodySince: fresh.checkedAt };
  const same = known.page.bodySha256 === fresh.page.bodySha256;
  const before = same ? known.before : { bodySha256: known.page.bodySha256, checkedAt: known.checkedAt };
  return {
    ...answer,
    bodySince: same ? (known.bodySince ?? known.fetchedAt) : fresh.checkedAt,
    ...(before === undefined ? {} : { before }),
  };
};

/** The record of a page that a run found gone; the same run may say so twice. @param date the run's, ISO 8601 */
export const withGone = (known: Fetch, date: string, reason: string): Fetch => ({
  ...known,
  gone: { since: known.gone?.since ?? date, seenAt: date, reason },
});

/** What is new about a page that came. @param date the run's, ISO 8601 */
export const changeOf = ({ bodySince, before, fetchedAt }: Fetch, date: string): 'new' | 'changed' | 'unchanged' => {
  if ((bodySince ?? fetchedAt) < date) return 'unchanged';
  return before === undefined ? 'new' : 'changed';
};
