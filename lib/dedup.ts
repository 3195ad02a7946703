// The door of dedup: sections that each say something once. Shards are signed apart and merged once; nothing depends on
// the order of the documents or on which shard they are in.
import { RECORD_SCHEMA, type Document, type Dropped, type Section } from '../contracts/records';
import { findBoilerplate, PlaceCounter } from './boilerplate';
import { buckets, joinSimilar, type SignedSets, UnionFind } from './cluster';
import { asSet } from './minhash';
import { SectionTable } from './section-table';
import { splitSections } from './sections';
import { type Signed, signShard } from './sign';

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

/** What the merge reads of a signed shard (lib/sign). */
export interface ShardReader {
  rows: Iterable<Signed> | AsyncIterable<Signed>;
  size: number;
  /** One key a row. */
  band: (band: number) => Uint32Array;
  /** `count` grams from the shard's gram `start`, in an array that may be changed. */
  grams: (start: number, count: number) => Uint32Array;
}

/** What becomes of a section: kept, with where its line is, or dropped. */
export type Fate = { kept: { shard: number; start: number; bytes: number; cluster: string } } | { dropped: Dropped };

export interface Merged {
  /** Ascending by id; may be asked for again. */
  fates: () => Generator<Fate, void, undefined>;
  counts: Record<'sections' | 'kept' | DedupReason, number>;
}

const CACHED_GRAMS = 8_000_000;

/** Sets of all shards by rank; read once while they are asked for often. */
const setsOf = (shards: readonly ShardReader[], table: SectionTable): SignedSets => {
  const starts: number[] = [];
  let total = 0;
  for (const { size } of shards) {
    starts.push(total);
    total += size;
  }
  const cache = new Map<number, Uint32Array>();
  let cached = 0;
  return {
    size: table.size,
    band: (band) => {
      const all = new Uint32Array(total);
      shards.forEach((shard, index) => all.set(shard.band(band), starts[index]));
      return Uint32Array.from(table.order, (row) => all[row]!);
    },
    grams: (rank) => {
      const known = cache.get(rank);
      if (known !== undefined) return known;
      const { shard, start, count } = table.gramsAt(rank);
      const set = asSet(shards[shard]!.grams(start, count));
      if (cached > CACHED_GRAMS) {
        cache.clear();
        cached = 0;
      }
      cache.set(rank, set);
      cached += count;
      return set;
    },
  };
};

/**
 * Finds the duplicates among signed shards.
 * @param pause awaited every few thousand comparisons, with the share done
 */
export const mergeShards = async (
  shards: readonly ShardReader[],
  similarity: number,
  pause: (share: number) => Promise<void>,
): Promise<Merged> => {
  const table = new SectionTable(shards.reduce((sum, { size }) => sum + size, 0));
  for (const [index, shard] of shards.entries()) for await (const row of shard.rows) table.add(index, row);
  table.rank();

  const clusters = new UnionFind(table.size);
  const alive = Uint32Array.from({ length: table.size }, (_, rank) => rank).filter((rank) => table.gone(rank) === null);
  const copies = new Uint8Array(table.size);
  for (const bucket of buckets(alive, table.textKeys())) {
    const first = new Map<string, number>();
    for (const rank of bucket) {
      const text = table.text(rank);
      const same = first.get(text);
      if (same === undefined) first.set(text, rank);
      else {
        clusters.union(same, rank);
        copies[rank] = 1;
      }
    }
  }
  const unique = alive.filter((rank) => copies[rank] === 0);
  const sets = setsOf(shards, table);
  for (const share of joinSimilar(sets, unique, similarity, clusters)) await pause(share);

  const survivors = new Uint32Array(table.size);
  for (const rank of alive) {
    const root = clusters.find(rank);
    if (root === rank || table.prefers(survivors[root]!, rank) > 0) survivors[root] = rank;
  }
  const counts = { sections: table.size, kept: 0, exact_duplicate: 0, near_duplicate: 0, boilerplate: 0, too_short: 0 };
  const reasonOf = (rank: number): DedupReason | null => {
    const gone = table.gone(rank);
    if (gone !== null) return gone;
    const survivor = survivors[clusters.find(rank)]!;
    if (survivor === rank) return null;
    return table.text(survivor) === table.text(rank) ? 'exact_duplicate' : 'near_duplicate';
  };
  for (let rank = 0; rank < table.size; rank++) counts[reasonOf(rank) ?? 'kept'] += 1;

  const fates = function* (): Generator<Fate, void, undefined> {
    for (let rank = 0; rank < table.size; rank++) {
      const reason = reasonOf(rank);
      const root = clusters.find(rank);
      if (reason === null) yield { kept: { ...table.lineAt(rank), cluster: table.id(root) } };
      else
        yield {
          dropped: {
            schema: RECORD_SCHEMA,
            id: table.id(rank),
            of: 'section',
            stage: 'dedup',
            reason,
            detail: table.gone(rank) === null ? `${table.id(survivors[root]!)} ${table.url(survivors[root]!)}` : table.url(rank),
          },
        };
    }
  };
  return { fates, counts };
};

/** The line of a kept section, as signShard made it, with its cluster: the last field, so that no line is parsed. */
export const withCluster = (line: Buffer, cluster: string): Buffer => {
  line.write(cluster, line.length - '"}\n'.length - cluster.length, 'latin1');
  return line;
};

/**
 * All of it in memory, as one shard: sections ascending by id, and every other one with why it is not kept (`detail`: id and
 * page of the one that is).
 */
export const dedup = async (documents: Iterable<Document> | AsyncIterable<Document>, options: DedupOptions): Promise<Deduped> => {
  const all: Document[] = [];
  for await (const document of documents) all.push(document);
  const counter = new PlaceCounter();
  for (const document of all) counter.add(splitSections(document));
  const places = counter.rows();
  const boilerplate = await findBoilerplate(() => places, places.length, options.boilerplatePages);
  const signed = await signShard(all, new Map(boilerplate.map((place) => [place.key, place])));
  const grams = signed.grams;
  const starts = new Map<number, number>();
  let start = 0;
  grams.forEach((each, index) => {
    if (each.length > 0) starts.set(start, index);
    start += each.length;
  });
  const size = signed.rows.length;
  const merged = await mergeShards(
    [
      {
        rows: signed.rows,
        size,
        band: (band) => signed.bands.subarray(band * size, (band + 1) * size),
        grams: (at) => grams[starts.get(at)!]!,
      },
    ],
    options.similarity,
    async () => Promise.resolve(),
  );
  const sections: Section[] = [];
  const dropped: Dropped[] = [];
  const lines = signed.lines;
  let rank = 0;
  for (const fate of merged.fates()) {
    if ('kept' in fate) sections.push({ ...(JSON.parse(lines[rank]!) as Section), cluster: fate.kept.cluster });
    else dropped.push(fate.dropped);
    rank += 1;
  }
  return {
    sections,
    dropped,
    counts: { documents: signed.documents, boilerplateBlocks: signed.boilerplateBlocks, ...merged.counts },
  };
};
