// What collecting came to, for a person: the difference to the run before, what was spent, which URLs gave no page and why.
import { z } from 'zod';
import { ARTIFACT_SCHEMA } from '../contracts/artifacts';
import { grouped } from './wording';

/** A list of pages that may be long: how many, and the first of them by page id. */
export const PageList = z.object({
  count: z.int(),
  examples: z.array(z.object({ url: z.string(), reason: z.string().nullable() })),
});
export type PageList = z.infer<typeof PageList>;

export const Drift = z.object({
  new: PageList,
  changed: PageList,
  gone: PageList.describe('in the run before and not in this one'),
  unchanged: z.int(),
});
export type Drift = z.infer<typeof Drift>;

/** runs/<run>/<execution>/collection.json */
export const Collection = z.object({
  schema: z.literal(ARTIFACT_SCHEMA),
  previous: z.object({ runId: z.string(), executionId: z.string(), date: z.string() }).nullable(),
  drift: Drift.nullable().describe('null: no run before, or its lists are gone'),
  pairs: z.object({ added: z.int(), removed: z.int() }).nullable().describe('null: not both have pairs, or too many to compare'),
  goneOnce: PageList.describe('found gone for the first time: their last body stands in'),
  tombstones: PageList.describe('found gone by two runs in a row, and out of the data'),
  stale: PageList.default({ count: 0, examples: [] }).describe('not had tonight for a reason that may heal: their last body stands in'),
  spending: z
    .object({ requests: z.int(), billed: z.int(), possiblyBilled: z.int(), estimatedCostUsd: z.number() })
    .nullable()
    .describe('null: nothing was asked for that costs'),
  failures: z.array(z.object({ reason: z.string(), count: z.int(), examples: z.array(z.string()) })).describe('most frequent first'),
});
export type Collection = z.infer<typeof Collection>;

/** Examples of URLs by reason: `not_found 12 (https://a/, https://b/ and 10 more), timeout 1 (https://c/)`. */
export const failuresText = (failures: Collection['failures']): string =>
  failures
    .map(({ reason, count, examples }) => {
      const more = count - examples.length;
      const shown = examples.length === 0 ? '' : ` (${examples.join(', ')}${more > 0 ? ` and ${grouped(more)} more` : ''})`;
      return `${reason} ${grouped(count)}${shown}`;
    })
    .join(', ');

/** Dollars of an estimate, with as many digits as a small run needs. */
export const dollars = (usd: number): string => `$${usd.toFixed(usd < 1 ? 4 : 2)}`;

const listed = (name: string, { count, examples }: PageList): string[] => {
  if (count === 0) return [];
  const lines = examples.map(({ url, reason }) => `  ${url}${reason === null ? '' : ` (${reason})`}`);
  return [`${grouped(count)} ${name}`, ...lines, ...(count > examples.length ? [`  and ${grouped(count - examples.length)} more`] : [])];
};

/** The same for a terminal, a line each. */
export const collectionText = ({ previous, drift, pairs, goneOnce, tombstones, stale, spending, failures }: Collection): string[] => [
  ...(previous === null || drift === null
    ? ['no run before this one to compare with']
    : [
        `since ${previous.runId} of ${previous.date}: ${grouped(drift.new.count)} pages new, ${grouped(drift.changed.count)} changed, ${grouped(drift.gone.count)} gone, ${grouped(drift.unchanged)} unchanged${pairs === null ? '' : `; ${grouped(pairs.added)} pairs added, ${grouped(pairs.removed)} removed`}`,
        ...listed('new', drift.new),
        ...listed('changed', drift.changed),
        ...listed('gone', drift.gone),
      ]),
  ...listed('gone for the first time, kept as they were', goneOnce),
  ...listed('gone for good', tombstones),
  ...listed('not had this time, kept as they were', stale),
  ...(spending === null
    ? []
    : [
        `Bright Data: ${grouped(spending.requests)} asked for, ${grouped(spending.billed)} billed, ${grouped(spending.possiblyBilled)} possibly billed, about ${dollars(spending.estimatedCostUsd)} at the list price`,
      ]),
  ...(failures.length === 0 ? [] : [`no page: ${failuresText(failures)}`]),
];
