// The exclusion shelf for a person: what was kept out, by stage and reason, with examples.
import type { Dropped } from '../contracts/records';

export interface FateExample {
  id: string;
  /** A URL, a question, the survivor of duplicates; null where the stage says no more. */
  detail: string | null;
}

/** All rows of one kind that one stage dropped for one reason. */
export interface Fate {
  stage: string;
  /** What was dropped: url, page, section, pair. */
  of: Dropped['of'];
  reason: string;
  count: number;
  examples: FateExample[];
}

/** Which rows to look at; a field that is absent takes all. */
export interface FateFilter {
  stage?: string;
  reason?: string;
}

/**
 * Counts rows by stage, kind and reason.
 * @param most examples kept of each; ids are hashes, so the first of a file are as good as any
 * @returns in the order of the stages, most frequent first
 */
export const tallyFates = async (
  rows: AsyncIterable<Dropped> | Iterable<Dropped>,
  most: number,
  filter: FateFilter = {},
): Promise<Fate[]> => {
  const fates = new Map<string, Fate>();
  const stages: string[] = [];
  for await (const { id, of, stage, reason, detail } of rows) {
    if ((filter.stage ?? stage) !== stage || (filter.reason ?? reason) !== reason) continue;
    if (!stages.includes(stage)) stages.push(stage);
    const name = `${stage} ${of} ${reason}`;
    const fate = fates.get(name) ?? { stage, of, reason, count: 0, examples: [] };
    fate.count += 1;
    if (fate.examples.length < most) fate.examples.push({ id, detail: detail ?? null });
    fates.set(name, fate);
  }
  return [...fates.values()].sort(
    (a, b) => stages.indexOf(a.stage) - stages.indexOf(b.stage) || b.count - a.count || (a.reason < b.reason ? -1 : 1),
  );
};

const DETAIL_CHARACTERS = 110;
const short = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > DETAIL_CHARACTERS ? `${line.slice(0, DETAIL_CHARACTERS - 1)}…` : line;
};

/** Lines for a terminal. Control characters of pages do not reach it: white space folds, the others are left out. */
export const fatesText = (fates: readonly Fate[]): string[] =>
  fates.length === 0
    ? ['nothing was kept out']
    : fates.flatMap(({ stage, of, reason, count, examples }) => [
        `${stage}: ${count} ${of}${count === 1 ? '' : 's'} ${reason}`,
        ...examples.map(({ id, detail }) =>
          `    ${id.slice(0, 12)}  ${detail === null ? '' : short(detail)}`.replace(/\p{Cc}/gu, '').trimEnd(),
        ),
      ]);
