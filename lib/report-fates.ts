// The report's part about what was kept out: a bar for each reason, examples behind it.
import type { Fate } from './fates';
import { grouped, words } from './wording';
import { type Markup, markup, safeHref } from './markup';

const shown = (detail: string): Markup => {
  const href = safeHref(detail);
  return href === null ? markup`${detail}` : markup`<a href="${href}" rel="noreferrer">${detail}</a>`;
};

/** Null when nothing was kept out. */
export const fatesMarkup = (fates: readonly Fate[]): Markup | null => {
  if (fates.length === 0) return null;
  const most = Math.max(...fates.map(({ count }) => count));
  return markup`<p class="quiet">Nothing is lost silently: every URL, page, section and pair that is not in the dataset is counted here. More examples: <code>retune report RUN --dropped --examples 100</code>.</p>
${fates.map(({ stage, of, reason, count, examples }) => {
  const told = examples.filter(({ detail }) => detail !== null);
  const bar = markup`<table class="bars"><tr><th>${stage}: ${words(reason)}</th><td><span class="bar" style="width:${((100 * count) / most).toFixed(1)}%"></span></td><td class="n">${grouped(count)} ${of}${count === 1 ? '' : 's'}</td></tr></table>`;
  return told.length === 0
    ? bar
    : markup`<details class="fate"><summary>${bar}</summary><ul>${told.map(({ detail }) => markup`<li>${shown(detail ?? '')}</li>`)}</ul></details>`;
})}`;
};
