// Blocks that stand at the edge of many pages of one host, under headings that differ: chrome that no page's structure
// gives away. Counted over shards: each shard's places, then all of them together.
import { z } from 'zod';
import { Sha256, type Section } from '../contracts/records';
import { blockHash } from './blocks';
import { sha256 } from './hash';

/** How many blocks from either end of a page chrome may be. */
const EDGE = 3;
/** Rows of all shards that are put together at once. */
const PLACES_A_PASS = 500_000;

/** A block's occurrences at the edges of a shard's pages. */
export const Place = z.object({
  key: Sha256.describe('of host and normalised block'),
  pages: z.int(),
  headings: z.array(z.string()).describe('hashes of the headings above it, sorted'),
  section: Sha256.describe('smallest id of a section that has it'),
  block: z.int().describe('its first place there'),
});
export type Place = z.infer<typeof Place>;

/** By key, the one occurrence that stays. */
export type Boilerplate = ReadonlyMap<string, Pick<Place, 'section' | 'block'>>;

interface Edge {
  key: string;
  section: Section;
  block: number;
}

const host = (url: string): string => /^[a-z]+:\/\/([^/]+)/i.exec(url)?.[1]?.toLowerCase() ?? '';

/** The blocks of a page that could be chrome; code never is. */
const edgesOf = (sections: readonly Section[]): Edge[] => {
  const all = sections.flatMap((section) => section.blocks.map((_, block) => ({ section, block })));
  const edges = all.length <= 2 * EDGE ? all : [...all.slice(0, EDGE), ...all.slice(-EDGE)];
  return edges.flatMap(({ section, block }) => {
    const content = section.blocks[block]!;
    return content.type === 'code' ? [] : [{ key: sha256(`${host(section.url)} ${blockHash(content)}`), section, block }];
  });
};

const earlier = (a: Pick<Place, 'section' | 'block'>, b: Pick<Place, 'section' | 'block'>): boolean =>
  a.section < b.section || (a.section === b.section && a.block < b.block);

/** Counts the blocks at the edges of a shard's pages. */
export class PlaceCounter {
  private readonly places = new Map<string, { pages: number; lastPage: string; headings: Set<string>; section: string; block: number }>();

  /** @param sections all of one page */
  add(sections: readonly Section[]): void {
    for (const { key, section, block } of edgesOf(sections)) {
      const heading = sha256(section.path.at(-1) ?? '').slice(0, 12);
      const at = { section: section.id, block };
      const place = this.places.get(key);
      if (place === undefined) this.places.set(key, { pages: 1, lastPage: section.pageId, headings: new Set([heading]), ...at });
      else {
        if (place.lastPage !== section.pageId) place.pages += 1;
        place.lastPage = section.pageId;
        place.headings.add(heading);
        if (earlier(at, place)) Object.assign(place, at);
      }
    }
  }

  /** Ascending by key. */
  rows(): Place[] {
    return [...this.places]
      .map(([key, { pages, headings, section, block }]) => ({ key, pages, headings: [...headings].sort(), section, block }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}

/**
 * What stands on at least `least` pages, under headings that differ. Under one heading it is a section that many pages
 * share, which is for the duplicates; so are the places that come back.
 * @param read rows of all shards, in any order; asked once a pass
 * @param total how many rows there are: decides how many passes bound the memory
 */
export const findBoilerplate = async (
  read: () => AsyncIterable<Place> | Iterable<Place>,
  total: number,
  least: number,
): Promise<Place[]> => {
  const found: Place[] = [];
  const passes = Math.max(1, Math.ceil(total / PLACES_A_PASS));
  for (let pass = 0; pass < passes; pass++) {
    const places = new Map<string, { place: Place; headings: Set<string> }>();
    for await (const row of read()) {
      if (Number.parseInt(row.key.slice(0, 8), 16) % passes !== pass) continue;
      const known = places.get(row.key);
      if (known === undefined) places.set(row.key, { place: { ...row }, headings: new Set(row.headings) });
      else {
        known.place.pages += row.pages;
        for (const heading of row.headings) known.headings.add(heading);
        if (earlier(row, known.place)) Object.assign(known.place, { section: row.section, block: row.block });
      }
    }
    for (const { place, headings } of places.values())
      if (place.pages >= least && headings.size * 2 >= place.pages) found.push({ ...place, headings: [...headings].sort() });
  }
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
};

/** A page's sections without the blocks that stay elsewhere; `removed` counts them. */
export const withoutBoilerplate = (
  sections: readonly Section[],
  boilerplate: Boilerplate,
): { sections: readonly Section[]; removed: number } => {
  if (boilerplate.size === 0) return { sections, removed: 0 };
  const gone = new Map<string, Set<number>>();
  let removed = 0;
  for (const { key, section, block } of edgesOf(sections)) {
    const kept = boilerplate.get(key);
    if (kept === undefined || (kept.section === section.id && kept.block === block)) continue;
    gone.set(section.id, (gone.get(section.id) ?? new Set()).add(block));
    removed += 1;
  }
  if (removed === 0) return { sections, removed };
  return {
    removed,
    sections: sections.map((section) => {
      const blocks = gone.get(section.id);
      return blocks === undefined ? section : { ...section, blocks: section.blocks.filter((_, index) => !blocks.has(index)) };
    }),
  };
};
