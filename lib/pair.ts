// The door of pair: sections to grounded questions and answers, with a fate for every candidate and every section.
import { RECORD_SCHEMA, type Dropped, type Pair, type Section } from '../contracts/records';
import { plain } from './blocks';
import { digest } from './hash';
import { foreignCandidates } from './foreign';
import { type Candidate, candidatesOf } from './kinds';
import { languageOf } from './language';
import { headingRole } from './question';
import { flaw, score, type PairReason } from './score';
import { bareHeading, siteSubject, subjectOf, type Subject } from './subject';

export interface PairOptions {
  kinds: readonly Exclude<Pair['kind'], 'llm'>[];
  minChars: number;
  maxChars: number;
  minScore: number;
  maxPerPage: number;
  /** What becomes of pages in another language than most of their site. */
  otherLanguages: 'drop' | 'keep';
  /** `page`: pages that are not in English are asked in their own language. */
  questions: 'page' | 'english';
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
const PARTICULAR: readonly Pair['kind'][] = ['faq', 'code', 'option', 'signature', 'definition', 'llm', 'heading'];
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

/** So many pages define a term that it only labels: "Author", "See also". */
const LABEL_PAGES = 5;

/** How often each term stands in lists of definitions. */
const countTerms = (sections: readonly Section[]): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const { blocks } of sections)
    for (const block of blocks)
      if (block.type === 'definition' && block.anchor === null) counts.set(block.term, (counts.get(block.term) ?? 0) + 1);
  return counts;
};

interface Site {
  /** By page. */
  terms: Map<string, Map<string, number>>;
  /** On how many pages a term is defined. */
  termPages: Map<string, number>;
  subjects: Map<string, Subject>;
  options: Map<string, number>;
  flags: Set<string>;
  /** By page; null where it cannot be told. */
  languages: Map<string, string | null>;
  /** Of most pages. */
  language: string | null;
}

/** What each page of a host is about, and which options stand on it how often. */
const readSite = (sections: readonly Section[]): Site => {
  const pages = [...group(sections, (section) => section.pageId).values()].map((own) => [...own].sort((a, b) => a.position - b.position));
  const site = siteSubject(pages);
  const subjects = new Map<string, Subject>();
  for (const own of pages) subjects.set(own[0]!.pageId, subjectOf(own, site));
  const terms = new Map(pages.map((own) => [own[0]!.pageId, countTerms(own)]));
  const termPages = new Map<string, number>();
  for (const counts of terms.values()) for (const term of counts.keys()) termPages.set(term, (termPages.get(term) ?? 0) + 1);
  const options = new Map<string, number>();
  for (const section of sections) {
    if (headingRole(section.path, subjects.get(section.pageId)!) !== 'option') continue;
    const name = plain(bareHeading(section.path.at(-1) ?? ''));
    options.set(name, (options.get(name) ?? 0) + 1);
  }
  const flags = new Set<string>();
  for (const { text, code } of subjects.values())
    for (const [flag] of `${text}\n${code}`.matchAll(/(?<![\w-])--[a-z][\w-]*/g)) flags.add(flag);
  const languages = new Map([...subjects].map(([page, { text }]) => [page, languageOf(text)]));
  const told = new Map<string, number>();
  for (const language of languages.values()) if (language !== null) told.set(language, (told.get(language) ?? 0) + 1);
  const language = [...told].sort(([a, m], [b, n]) => n - m || compare(a, b))[0]?.[0] ?? null;
  return { terms, termPages, subjects, options, flags, languages, language };
};

/**
 * Pairs ascending by id. The order of the sections does not matter; that they are all of a site's does.
 * @param written candidates by a language model, by section id
 */
export const pair = (
  sections: Iterable<Section>,
  options: PairOptions,
  written: ReadonlyMap<string, readonly Candidate[]> = new Map(),
): Paired => {
  const all = [...sections].sort((a, b) => compare(a.id, b.id));
  const dropped: Dropped[] = [];
  const counts: Record<string, number> = { sections: all.length, no_question: 0, candidates: 0, kept: 0 };
  const drop = (of: 'section' | 'pair', id: string, reason: PairReason | 'no_question' | 'other_language', detail?: string): void => {
    counts[reason] = (counts[reason] ?? 0) + 1;
    dropped.push({ schema: RECORD_SCHEMA, id, of, stage: 'pair', reason, ...(detail === undefined ? {} : { detail }) });
  };

  let pairs: Pair[] = [];
  const seen = new Set<string>();
  for (const site of group(all, (section) => hostOf(section.url)).values()) {
    const { terms, termPages, subjects, options: onSite, flags, languages, language: main } = readSite(site);
    // Page by page: what is remembered of a page (lib/page-words) serves all its sections.
    for (const section of [...group(site, ({ pageId }) => pageId).values()].flat()) {
      const surroundings = {
        subject: subjects.get(section.pageId)!,
        maxChars: options.maxChars,
        optionCount: (name: string): number => onSite.get(name) ?? 0,
        flags,
        isLabel: (term: string): boolean => (terms.get(section.pageId)!.get(term) ?? 0) > 1 || (termPages.get(term) ?? 0) >= LABEL_PAGES,
      };
      const language = languages.get(section.pageId) ?? main;
      if (options.otherLanguages === 'drop' && language !== main) {
        drop('section', section.id, 'other_language', language ?? undefined);
        continue;
      }
      const ruled =
        language === null || language === 'en' || options.questions === 'english'
          ? candidatesOf(section, surroundings)
          : foreignCandidates(section, surroundings.subject, language, options.maxChars);
      const wanted: readonly string[] = options.kinds;
      const candidates = [...ruled.filter(({ kind }) => wanted.includes(kind)), ...(written.get(section.id) ?? [])];
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
