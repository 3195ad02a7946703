// The part of a run's page about collecting: drift, money, and URLs that gave no page.
import { type Collection, dollars, type PageList } from './collection';
import { grouped } from './wording';
import { type Markup, markup, safeHref } from './markup';

const address = (url: string): Markup => {
  const href = safeHref(url);
  return href === null ? markup`<code>${url}</code>` : markup`<a href="${href}" rel="noreferrer">${url}</a>`;
};

const list = (title: string, { count, examples }: PageList): Markup =>
  count === 0
    ? markup``
    : markup`<details><summary>${grouped(count)} ${title}</summary><ul>${examples.map(
        ({ url, reason }) => markup`<li>${address(url)}${reason === null ? '' : ` (${reason})`}</li>`,
      )}${count > examples.length ? markup`<li class="quiet">and ${grouped(count - examples.length)} more</li>` : ''}</ul></details>`;

/** Null when the run has not collected. */
export const driftMarkup = (collection: Collection | null): Markup | null => {
  if (collection === null) return null;
  const { previous, drift, pairs, goneOnce, tombstones, stale } = collection;
  const absent = [
    list('gone for the first time, kept as they were', goneOnce),
    list('gone for good', tombstones),
    list('not had this time, kept as they were', stale),
  ];
  if (previous === null || drift === null) return markup`<p class="quiet">No earlier run of this target to compare with.</p>${absent}`;
  return markup`<p>Since <code>${previous.runId}</code> of ${previous.date}: <strong>${grouped(drift.new.count)}</strong> pages new, <strong>${grouped(drift.changed.count)}</strong> changed, <strong>${grouped(drift.gone.count)}</strong> gone, ${grouped(drift.unchanged)} unchanged.${
    pairs === null ? '' : ` ${grouped(pairs.added)} pairs added, ${grouped(pairs.removed)} removed.`
  }</p>${[list('new', drift.new), list('changed', drift.changed), list('gone', drift.gone), ...absent]}`;
};

/** Null when nothing was spent. */
export const spendingMarkup = (collection: Collection | null): Markup | null => {
  const spending = collection?.spending ?? null;
  return spending === null
    ? null
    : markup`<p>Bright Data: <strong>${grouped(spending.requests)}</strong> asked for, <strong>${grouped(spending.billed)}</strong> billed, ${grouped(spending.possiblyBilled)} possibly billed; about <strong>${dollars(spending.estimatedCostUsd)}</strong> at the list price.</p>`;
};

/** Null when every URL gave a page. */
export const failuresMarkup = (collection: Collection | null): Markup | null =>
  collection === null || collection.failures.length === 0
    ? null
    : markup`<div class="scroll"><table><thead><tr><th>reason</th><th class="n">URLs</th><th>for example</th></tr></thead>${collection.failures.map(
        ({ reason, count, examples }) =>
          markup`<tr><td>${reason.replaceAll('_', ' ')}</td><td class="n">${grouped(count)}</td><td>${examples.map((url) => markup`<div>${address(url)}</div>`)}</td></tr>`,
      )}</table></div>`;
