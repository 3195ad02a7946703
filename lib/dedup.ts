// The door of dedup: documents to sections that each say something once. Nothing depends on the order of the documents.
import { RECORD_SCHEMA, type Document, type Dropped, type Section } from '../contracts/records';
import { blockHash, normalised, words } from './blocks';
import { sha256 } from './hash';
import { UnionFind, joinSimilar, shingles } from './minhash';
import { splitSections } from './sections';

interface DedupOptions {
  /** Jaccard similarity of word 5-grams from which two sections are duplicates. */
  similarity: number;
  /** A block at the start or end of this many pages of a host is boilerplate. */
  boilerplatePages: number;
}

type DedupReason = 'exact_duplicate' | 'near_duplicate' | 'boilerplate' | 'too_short';

export interface Deduped {
  sections: Section[];
  dropped: Dropped[];
  counts: Record<'documents' | 'sections' | 'kept' | DedupReason | 'boilerplateBlocks', number>;
}

/** Fewer words answer nothing. */
const MIN_WORDS = 3;
/** How many blocks from either end of a page chrome may be. */
const EDGE = 3;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const host = (url: string): string => /^[a-z]+:\/\/([^/]+)/i.exec(url)?.[1]?.toLowerCase() ?? '';
const textOf = (section: Section): string => section.blocks.map(normalised).join('\n');

interface Edge {
  section: Section;
  block: number;
}

/**
 * Blocks that stand at the edge of many pages of one host, under headings that differ: chrome that no page's structure gives away.
 * Under one heading it is a section that many pages share, which is for the duplicates below; code is never boilerplate.
 */
const findBoilerplate = (pages: readonly Section[][], least: number): Edge[] => {
  const places = new Map<string, { pages: Set<string>; headings: Set<string>; edges: Edge[] }>();
  for (const sections of pages) {
    const all = sections.flatMap((section) => section.blocks.map((_, block) => ({ section, block })));
    const edges = all.length <= 2 * EDGE ? all : [...all.slice(0, EDGE), ...all.slice(-EDGE)];
    for (const edge of edges) {
      const block = edge.section.blocks[edge.block]!;
      if (block.type === 'code') continue;
      const key = `${host(edge.section.url)} ${blockHash(block)}`;
      const place = places.get(key) ?? { pages: new Set(), headings: new Set(), edges: [] };
      place.pages.add(edge.section.pageId);
      place.headings.add(edge.section.path.at(-1) ?? '');
      place.edges.push(edge);
      places.set(key, place);
    }
  }
  return [...places.values()]
    .filter((place) => place.pages.size >= least && place.headings.size * 2 >= place.pages.size)
    .flatMap((place) => {
      const first = place.edges.reduce((least_, edge) => (compare(edge.section.id, least_.section.id) < 0 ? edge : least_));
      return place.edges.filter((edge) => edge !== first);
    });
};

/**
 * Sections ascending by id, and every other one with why it is not kept (`detail`: id of the one that is).
 * Survivor of a cluster: the longest text, then that of the page with the fewest sections (a page of its own, not the whole manual on
 * one page), then the smallest URL, then the smallest id.
 */
export const dedup = async (documents: Iterable<Document> | AsyncIterable<Document>, options: DedupOptions): Promise<Deduped> => {
  const pages: Section[][] = [];
  for await (const document of documents) pages.push(splitSections(document));
  const sizes = new Map(pages.map((sections) => [sections[0]?.pageId ?? '', sections.length]));
  const made = pages.flat().sort((a, b) => compare(a.id, b.id));
  const dropped: Dropped[] = [];
  const counts: Deduped['counts'] = {
    documents: pages.length,
    sections: made.length,
    kept: 0,
    exact_duplicate: 0,
    near_duplicate: 0,
    boilerplate: 0,
    too_short: 0,
    boilerplateBlocks: 0,
  };
  const drop = (section: Section, reason: DedupReason, detail?: string): void => {
    counts[reason] += 1;
    dropped.push({
      schema: RECORD_SCHEMA,
      id: section.id,
      of: 'section',
      stage: 'dedup',
      reason,
      ...(detail === undefined ? {} : { detail }),
    });
  };

  const removed = new Map<Section, Set<number>>();
  for (const { section, block } of findBoilerplate(pages, options.boilerplatePages)) {
    const blocks = removed.get(section) ?? new Set();
    blocks.add(block);
    removed.set(section, blocks);
    counts.boilerplateBlocks += 1;
  }
  const candidates: { section: Section; text: string }[] = [];
  for (const whole of made) {
    const gone = removed.get(whole);
    const section = gone === undefined ? whole : { ...whole, blocks: whole.blocks.filter((_, index) => !gone.has(index)) };
    const text = textOf(section);
    if (section.blocks.length === 0) drop(section, 'boilerplate');
    else if (words(text).length < MIN_WORDS) drop(section, 'too_short');
    else candidates.push({ section, text });
  }

  const clusters = new UnionFind(candidates.length);
  const byText = new Map<string, number>();
  const unique: number[] = [];
  candidates.forEach(({ text }, index) => {
    const hash = sha256(text);
    const first = byText.get(hash);
    if (first === undefined) {
      byText.set(hash, index);
      unique.push(index);
    } else clusters.union(first, index);
  });
  const alike = new UnionFind(unique.length);
  joinSimilar(
    unique.map((index) => shingles(candidates[index]!.text)),
    options.similarity,
    alike,
  );
  unique.forEach((index, position) => {
    clusters.union(index, unique[alike.find(position)]!);
  });

  const members = new Map<number, number[]>();
  candidates.forEach((_, index) => {
    const root = clusters.find(index);
    const cluster = members.get(root);
    if (cluster === undefined) members.set(root, [index]);
    else cluster.push(index);
  });
  const sections: Section[] = [];
  for (const cluster of members.values()) {
    const least = candidates[cluster[0]!]!.section.id;
    const best = cluster
      .map((index) => candidates[index]!)
      .reduce((survivor, other) => {
        const order =
          other.text.length - survivor.text.length ||
          (sizes.get(survivor.section.pageId) ?? 0) - (sizes.get(other.section.pageId) ?? 0) ||
          compare(survivor.section.url, other.section.url) ||
          compare(survivor.section.id, other.section.id);
        return order > 0 ? other : survivor;
      });
    for (const index of cluster) {
      const { section, text } = candidates[index]!;
      if (section === best.section) sections.push({ ...section, cluster: least });
      else drop(section, text === best.text ? 'exact_duplicate' : 'near_duplicate', best.section.id);
    }
  }
  sections.sort((a, b) => compare(a.id, b.id));
  dropped.sort((a, b) => compare(a.id, b.id));
  counts.kept = sections.length;
  return { sections, dropped, counts };
};
