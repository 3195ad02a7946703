// The door of pair: sections to grounded questions and answers, with a fate for every candidate and every section.
import { RECORD_SCHEMA, type Dropped, type Pair, type Section } from '../contracts/records';
import { plain } from './blocks';
import { digest } from './hash';
import { candidatesOf } from './kinds';
import { headingRole } from './question';
import { flaw, score, type PairReason } from './score';
import { bareHeading, commandWords, subjectOf, type Subject } from './subject';

export interface PairOptions {
  kinds: readonly Pair['kind'][];
  minChars: number;
  maxChars: number;
  minScore: number;
  maxPerPage: number;
  /** Most of all pairs that one kind may be, 0 to 1. */
  maxKindShare: number;
}

export interface Paired {
  pairs: Pair[];
  dropped: Dropped[];
  /** `candidates` = `kept` + the dropped pairs by reason; `no_question` counts sections that give no candidate. */
  counts: Record<string, number>;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
/** Of pairs that ask or say the same, the one that asks for more in particular. */
const PARTICULAR: readonly Pair['kind'][] = ['faq', 'code', 'option', 'signature', 'definition', 'heading'];
const best = (a: Pair, b: Pair): number => b.score - a.score || compare(a.id, b.id);
const bestOfEqual = (a: Pair, b: Pair): number =>
  b.score - a.score || PARTICULAR.indexOf(a.kind) - PARTICULAR.indexOf(b.kind) || compare(a.id, b.id);
const hostOf = (url: string): string => /^[a-z]+:\/\/([^/]+)/i.exec(url)?.[1]?.toLowerCase() ?? '';
const asked = (instruction: string): string =>
  plain(instruction)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

const group = <T>(items: Iterable<T>, key: (item: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    const members = groups.get(name);
    if (members === undefined) groups.set(name, [item]);
    else members.push(item);
  }
  return groups;
};

interface Site {
  subjects: Map<string, Subject>;
  options: Map<string, number>;
  flags: Set<string>;
}

/** What each page of a host is about, and which options stand on it how often. */
const readSite = (sections: readonly Section[]): Site => {
  const around = commandWords(sections);
  const subjects = new Map<string, Subject>();
  for (const [page, own] of group(sections, (section) => section.pageId))
    subjects.set(
      page,
      subjectOf(
        [...own].sort((a, b) => a.position - b.position),
        around,
      ),
    );
  const options = new Map<string, number>();
  for (const section of sections) {
    if (headingRole(section.path, subjects.get(section.pageId)!) !== 'option') continue;
    const name = plain(bareHeading(section.path.at(-1) ?? ''));
    options.set(name, (options.get(name) ?? 0) + 1);
  }
  const flags = new Set<string>();
  for (const { text, code } of subjects.values())
    for (const [flag] of `${text}\n${code}`.matchAll(/(?<![\w-])--[a-z][\w-]*/g)) flags.add(flag);
  return { subjects, options, flags };
};

/** Pairs ascending by id. The order of the sections does not matter; that they are all of a site's does. */
export const pair = (sections: Iterable<Section>, options: PairOptions): Paired => {
  const all = [...sections].sort((a, b) => compare(a.id, b.id));
  const dropped: Dropped[] = [];
  const counts: Record<string, number> = { sections: all.length, no_question: 0, candidates: 0, kept: 0 };
  const drop = (of: 'section' | 'pair', id: string, reason: PairReason | 'no_question', detail?: string): void => {
    counts[reason] = (counts[reason] ?? 0) + 1;
    dropped.push({ schema: RECORD_SCHEMA, id, of, stage: 'pair', reason, ...(detail === undefined ? {} : { detail }) });
  };

  let pairs: Pair[] = [];
  const seen = new Set<string>();
  for (const site of group(all, (section) => hostOf(section.url)).values()) {
    const { subjects, options: onSite, flags } = readSite(site);
    // Page by page: what is remembered of a page (lib/page-words) serves all its sections.
    for (const section of [...group(site, ({ pageId }) => pageId).values()].flat()) {
      const surroundings = {
        subject: subjects.get(section.pageId)!,
        maxChars: options.maxChars,
        optionCount: (name: string): number => onSite.get(name) ?? 0,
        flags,
      };
      const candidates = candidatesOf(section, surroundings).filter((candidate) => options.kinds.includes(candidate.kind));
      if (candidates.length === 0) drop('section', section.id, 'no_question');
      for (const candidate of candidates) {
        const { kind, instruction, response, anchor } = candidate;
        const id = digest({ kind, sectionId: section.id, instruction, response });
        if (seen.has(id)) continue;
        seen.add(id);
        counts['candidates'] = (counts['candidates'] ?? 0) + 1;
        const reason = flaw(candidate, options.minChars);
        const points = score(candidate);
        if (reason !== null) drop('pair', id, reason, instruction);
        else if (points < options.minScore) drop('pair', id, 'low_score', instruction);
        else {
          const { url, path, pageId, cluster, documentSha256 } = section;
          pairs.push({
            schema: RECORD_SCHEMA,
            id,
            kind,
            instruction,
            response,
            url,
            anchor,
            path,
            pageId,
            sectionId: section.id,
            cluster,
            documentSha256,
            score: points,
          });
        }
      }
    }
  }

  const keepFirst = (key: (pair: Pair) => string, reason: PairReason): void => {
    const first = new Map<string, Pair>();
    for (const each of [...pairs].sort(bestOfEqual)) {
      const name = key(each);
      const survivor = first.get(name);
      if (survivor === undefined) first.set(name, each);
      else drop('pair', each.id, reason, survivor.id);
    }
    pairs = [...first.values()];
  };
  keepFirst((each) => asked(each.instruction), 'duplicate_question');
  keepFirst((each) => each.response, 'duplicate_response');

  const keepMost = (key: (pair: Pair) => string, most: number, reason: PairReason): void => {
    pairs = [...group(pairs, key).values()].flatMap((members) => {
      const sorted = [...members].sort(best);
      for (const each of sorted.slice(most)) drop('pair', each.id, reason, each.instruction);
      return sorted.slice(0, most);
    });
  };
  keepMost((each) => each.pageId, options.maxPerPage, 'quota_page');
  if (options.maxKindShare < 1) keepMost((each) => each.kind, Math.floor(options.maxKindShare * pairs.length), 'quota_kind');

  pairs.sort((a, b) => compare(a.id, b.id));
  dropped.sort((a, b) => compare(a.id, b.id));
  counts['kept'] = pairs.length;
  return { pairs, dropped, counts };
};
