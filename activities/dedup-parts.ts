// The parts of dedup that run shard by shard. Each writes files under the stage's key that depend on the shards alone, so
// they may be made twice, by anyone, and are not made again when they stand. They go when the stage is done.
import { z } from 'zod';
import type { CpuActivities, DedupPart } from '../contracts/activities';
import { failure } from '../contracts/errors';
import { Document } from '../contracts/records';
import type { FileParts } from '../io/file-parts';
import { readManifest } from '../io/manifest';
import type { Store } from '../io/store';
import { findBoilerplate, Place, PlaceCounter } from '../lib/boilerplate';
import type { ShardReader } from '../lib/dedup';
import { parseLines, toLine } from '../lib/jsonl';
import { splitSections } from '../lib/sections';
import { Signed, signShard } from '../lib/sign';
import { type Pulse, withPulse } from './pulse';
import { requireStore, type StageDeps, stageRows } from './stage';

/** Folder of all parts of a stage, or of one shard. */
export const partsFolder = (key: string): string => `dedup/${key}/parts`;
const partFolder = ({ key, name }: Pick<DedupPart, 'key' | 'name'>): string => `${partsFolder(key)}/${name}`;
const boilerplatePath = (key: string): string => `${partsFolder(key)}/boilerplate.jsonl`;

/** Written last: the shard's files are whole. */
const Part = z.object({ documents: z.int(), sections: z.int(), boilerplateBlocks: z.int() });
type Part = z.infer<typeof Part>;

/** A place takes about this many bytes as a line. */
const PLACE_BYTES = 220;
const NUMBER_BYTES = Uint32Array.BYTES_PER_ELEMENT;

const bytesOf = (numbers: Uint32Array): Buffer => Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
const numbersOf = (bytes: Buffer<ArrayBuffer>): Uint32Array =>
  new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / NUMBER_BYTES);

async function* linesOf(rows: Iterable<object>): AsyncGenerator<string> {
  for (const row of rows) yield await Promise.resolve(toLine(row));
}

async function* documentsOf(store: Store, part: DedupPart, pulse: Pulse): AsyncGenerator<Document> {
  let documents = 0;
  for await (const document of stageRows(store, part.documents, 'documents.jsonl', Document)) {
    pulse.signal.throwIfAborted();
    yield document;
    pulse.details({ shard: part.name, documents: ++documents });
  }
}

type PartActivities = Pick<CpuActivities, 'surveyShard' | 'findBoilerplate' | 'signShard'>;

export const createDedupParts = ({ store }: Pick<StageDeps, 'store'>): PartActivities => {
  const once = async (
    { storeId, key }: Pick<DedupPart, 'storeId' | 'key'>,
    path: string,
    make: (pulse: Pulse) => Promise<AsyncIterable<string> | string>,
  ): Promise<void> => {
    requireStore(store, storeId);
    await withPulse(async (pulse) => {
      // Another run may have finished the stage, and taken the parts away.
      if ((await readManifest(store, 'dedup', key)) !== null || (await store.stat(path)) !== null) return;
      await store.putFile(path, await make(pulse));
    });
  };
  return {
    async surveyShard(part) {
      await once(part, `${partFolder(part)}/places.jsonl`, async (pulse) => {
        const counter = new PlaceCounter();
        for await (const document of documentsOf(store, part, pulse)) counter.add(splitSections(document));
        return linesOf(counter.rows());
      });
    },

    async findBoilerplate({ storeId, key, names, leastPages }) {
      await once({ storeId, key }, boilerplatePath(key), async (pulse) => {
        const paths = names.map((name) => `${partFolder({ key, name })}/places.jsonl`);
        let bytes = 0;
        for (const path of paths) bytes += (await store.stat(path))?.bytes ?? 0;
        const read = async function* (): AsyncGenerator<Place> {
          for (const path of paths) {
            pulse.signal.throwIfAborted();
            yield* parseLines(await store.open(path), Place);
          }
        };
        return linesOf(await findBoilerplate(read, bytes / PLACE_BYTES, leastPages));
      });
    },

    async signShard(part) {
      const folder = partFolder(part);
      await once(part, `${folder}/part.json`, async (pulse) => {
        const boilerplate = new Map<string, Place>();
        for await (const place of parseLines(await store.open(boilerplatePath(part.key)), Place)) boilerplate.set(place.key, place);
        const signed = await signShard(documentsOf(store, part, pulse), boilerplate);
        const { rows, lines, grams, bands, documents, boilerplateBlocks } = signed;
        await store.putFile(`${folder}/signed.jsonl`, linesOf(rows));
        await store.putFile(`${folder}/sections.jsonl`, inChunks(lines.map((line) => Buffer.from(line))));
        await store.putFile(`${folder}/grams.bin`, inChunks(grams.map(bytesOf)));
        await store.putFile(`${folder}/bands.bin`, bytesOf(bands));
        return JSON.stringify({ documents, sections: rows.length, boilerplateBlocks } satisfies Part);
      });
    },
  };
};

async function* inChunks(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

/** A signed shard as the merge reads it: its rows at once, a band or a section's grams when they are asked for. */
export interface PartReader extends ShardReader {
  counts: Part;
  line: (start: number, bytes: number) => Buffer;
}

/** @param files reads from the shards' files; closed by the caller */
export const openPart = async (store: Store, key: string, name: string, files: FileParts): Promise<PartReader> => {
  const folder = partFolder({ key, name });
  const bytes = await store.read(`${folder}/part.json`);
  if (bytes === null) throw failure('ArtifactCorrupt', `shard ${name} of dedup ${key.slice(0, 8)} is not signed; start the run again`);
  const counts = Part.parse(JSON.parse(bytes.toString('utf8')));
  const size = counts.sections;
  const [grams, bands, lines] = await Promise.all(
    ['grams.bin', 'bands.bin', 'sections.jsonl'].map(async (file) => store.local(`${folder}/${file}`)),
  );
  return {
    counts,
    size,
    rows: rowsOf(store, `${folder}/signed.jsonl`),
    band: (band) => numbersOf(files.read(bands!, band * size * NUMBER_BYTES, size * NUMBER_BYTES)),
    grams: (start, count) => numbersOf(files.read(grams!, start * NUMBER_BYTES, count * NUMBER_BYTES)),
    line: (start, length) => files.read(lines!, start, length),
  };
};

async function* rowsOf(store: Store, path: string): AsyncGenerator<Signed> {
  yield* parseLines(await store.open(path), Signed);
}
