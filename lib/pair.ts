// The door of pair: sections to grounded questions and answers, with a fate for every candidate and every section.
import { RECORD_SCHEMA, type Dropped, type Pair, type Section } from '../contracts/records';
import { plain } from './blocks';
import { foreignCandidates } from './foreign';
import { digest } from './hash';
import { type Candidate, candidatesOf } from './kinds';
import { languageOf } from './language';
import { PairTable } from './pair-table';
import { headingRole } from './question';
import { judge, type PairReason } from './score';
import { MemorySpill } from './spill';
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
/** Pages of one host are about one thing. */
export const hostOf = (url: string): string => /^[a-z]+:\/\/([^/]+)/i.exec(url)?.[1]?.toLowerCase() ?? '';
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

/** How often each term stands in a page's lists of definitions. */
const countTerms = (page: PageSections): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const { blocks } of page)
    for (const block of blocks)
      if (block.type === 'definition' && block.anchor === null) counts.set(block.term, (counts.get(block.term) ?? 0) + 1);
  return counts;
};

/** All sections of a page, by position. */
export type PageSections = readonly Section[];

interface About {
  subject: Subject;
  /** Null where it cannot be told. */
  language: string | null;
  /** Terms of its lists of definitions, with how often they stand. */
  terms: ReadonlyMap<string, number>;
}

interface Site {
  about: (page: PageSections) => About;
  /** Headings that are options, with how often they stand. */
  options: ReadonlyMap<string, number>;
  flags: ReadonlySet<string>;
  /** On how many pages a term is defined. */
  termPages: ReadonlyMap<string, number>;
  /** Of most pages. */
  language: string | null;
}

/** What each page of a host is about, and which options stand on it how often: grows with the words, not with the pages. */
const readSite = (pages: () => Iterable<PageSections>): Site => {
  const site = siteSubject(pages());
  // A page that its reader still holds is not looked at again.
  const known = new WeakMap<PageSections, About>();
  const about = (page: PageSections): About => {
    let found = known.get(page);
    if (found === undefined) {
      const subject = subjectOf(page, site);
      found = { subject, language: languageOf(subject.text), terms: countTerms(page) };
      known.set(page, found);
    }
    return found;
  };
  const options = new Map<string, number>();
  const flags = new Set<string>();
  const told = new Map<string, number>();
  const termPages = new Map<string, number>();
  for (const page of pages()) {
    const { subject, language, terms } = about(page);
    for (const term of terms.keys()) termPages.set(term, (termPages.get(term) ?? 0) + 1);
    for (const section of page) {
      if (headingRole(section.path, subject) !== 'option') continue;
      const name = plain(bareHeading(section.path.at(-1) ?? ''));
      options.set(name, (options.get(name) ?? 0) + 1);
    }
    for (const [flag] of `${subject.text}\n${subject.code}`.matchAll(/(?<![\w-])--[a-z][\w-]*/g)) flags.add(flag);
    if (language !== null) told.set(language, (told.get(language) ?? 0) + 1);
  }
  const language = [...told].sort(([a, m], [b, n]) => n - m || compare(a, b))[0]?.[0] ?? null;
  return { about, options, flags, termPages, language };
};

/** A candidate, or why a candidate or a whole section is none. */
export type Found = { pair: Pair } | { dropped: Dropped };

const lost = (of: 'section' | 'pair', id: string, reason: PairReason | 'no_question' | 'other_language', detail: string): Found => ({
  dropped: { schema: RECORD_SCHEMA, id, of, stage: 'pair', reason, detail },
});

/** Where a person finds a section. */
const placeOf = ({ url, anchor }: Section): string => (anchor === null ? url : `${url}#${anchor}`);

/**
 * Candidates of one host, a page after the other.
 * @param pages asked for more than once, in any order; those of the same host, each whole
 * @param written candidates by a language model, by section id
 */
export function* candidatesOfHost(
  pages: () => Iterable<PageSections>,
  options: PairOptions,
  written: ReadonlyMap<string, readonly Candidate[]> = new Map(),
): Generator<Found, void, undefined> {
  const { about, options: onSite, flags, termPages, language: main } = readSite(pages);
  const wanted: readonly string[] = options.kinds;
  for (const page of pages()) {
    const { subject, language: own, terms } = about(page);
    const language = own ?? main;
    const surroundings = {
      subject,
      maxChars: options.maxChars,
      optionCount: (name: string): number => onSite.get(name) ?? 0,
      flags,
      isLabel: (term: string): boolean => (terms.get(term) ?? 0) > 1 || (termPages.get(term) ?? 0) >= LABEL_PAGES,
    };
    for (const section of page) {
      if (options.otherLanguages === 'drop' && language !== main) {
        yield lost('section', section.id, 'other_language', `${language} ${placeOf(section)}`);
        continue;
      }
      const ruled =
        language === null || language === 'en' || options.questions === 'english'
          ? candidatesOf(section, surroundings)
          : foreignCandidates(section, subject, language, options.maxChars);
      const candidates = [...ruled.filter(({ kind }) => wanted.includes(kind)), ...(written.get(section.id) ?? [])];
      if (candidates.length === 0) yield lost('section', section.id, 'no_question', placeOf(section));
      const seen = new Set<string>();
      for (const candidate of candidates) {
        const { kind, instruction, response, anchor } = candidate;
        const id = digest({ kind, sectionId: section.id, instruction, response });
        if (seen.has(id)) continue;
        seen.add(id);
        const verdict = judge(candidate, options.minChars);
        if (verdict.reason !== null) yield lost('pair', id, verdict.reason, instruction);
        else if (verdict.score < options.minScore) yield lost('pair', id, 'low_score', instruction);
        else {
          const { url, path, pageId, cluster, documentSha256 } = section;
          const from = { url, anchor, path, pageId, sectionId: section.id, cluster, documentSha256 };
          yield { pair: { schema: RECORD_SCHEMA, id, kind, instruction, response, ...from, score: verdict.score } };
        }
      }
    }
  }
}

/** Sections by page and page by host, as candidatesOfHost takes them. */
const hostsOf = (sections: Iterable<Section>): PageSections[][] => {
  const pages = [...group(sections, ({ pageId }) => pageId).values()].map((page) => page.sort((a, b) => a.position - b.position));
  return [...group(pages, (page) => hostOf(page[0]!.url)).values()];
};

/**
 * All of it in memory: pairs ascending by id. The order of the sections does not matter; that they are all of a site's does.
 * @param written candidates by a language model, by section id
 */
export const pair = (
  sections: Iterable<Section>,
  options: PairOptions,
  written: ReadonlyMap<string, readonly Candidate[]> = new Map(),
): Paired => {
  const table = new PairTable(new MemorySpill());
  let size = 0;
  for (const pages of hostsOf(sections)) {
    size += pages.reduce((sum, page) => sum + page.length, 0);
    for (const found of candidatesOfHost(() => pages, options, written)) table.add(found);
  }
  const kept = table.settle(options);
  const read = <T>(lines: Iterable<Buffer>): T[] => Array.from(lines, (line) => JSON.parse(line.toString()) as T);
  const counts = { sections: size, no_question: 0, candidates: table.candidates, kept, ...table.reasons };
  return { pairs: read(table.lines()), dropped: read(table.droppedLines()), counts };
};
