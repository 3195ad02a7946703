// What duplicates are found by, shard by shard: each section's text hash, length and band keys, its grams for the exact
// comparison, and the finished line that is copied when the section is kept.
import { z } from 'zod';
import { RECORD_SCHEMA, Sha256, type Document, type Section } from '../contracts/records';
import { type Boilerplate, withoutBoilerplate } from './boilerplate';
import { normalised } from './blocks';
import { sha256 } from './hash';
import { toLine } from './jsonl';
import { BANDS, bandKeys, signature, wordGrams } from './minhash';
import { splitSections } from './sections';

/** Fewer words answer nothing. */
const MIN_WORDS = 3;

/** One section as the merge sees it. */
export const Signed = z.object({
  schema: z.literal(RECORD_SCHEMA),
  id: Sha256,
  pageId: Sha256,
  url: z.string(),
  pageSections: z.int().describe('how many sections its page has'),
  gone: z.enum(['boilerplate', 'too_short']).nullable().describe('why it is dropped before any comparison'),
  textSha256: Sha256.describe('of the normalised text'),
  chars: z.int().describe('length of the normalised text'),
  grams: z.int().describe('how many hashes it has in the shard’s grams'),
  lineBytes: z.int().describe('length of its line in the shard’s sections'),
});
export type Signed = z.infer<typeof Signed>;

/** Ascending by id; grams, lines and band keys lie in the same order, without gaps. */
export interface SignedShard {
  rows: Signed[];
  grams: Uint32Array[];
  lines: string[];
  /** Band by band, each with one key a row. */
  bands: Uint32Array;
  documents: number;
  boilerplateBlocks: number;
}

const hasWords = (text: string, least: number): boolean => {
  let words = 0;
  for (let at = 0, inside = false; at < text.length && words < least; at++) {
    const word = text.charCodeAt(at) > 32;
    if (word && !inside) words += 1;
    inside = word;
  }
  return words >= least;
};

/** Signs the sections of a shard's documents; the order of the documents does not matter. */
export const signShard = async (
  documents: Iterable<Document> | AsyncIterable<Document>,
  boilerplate: Boilerplate,
): Promise<SignedShard> => {
  const made: { row: Signed; grams: Uint32Array; line: string }[] = [];
  let count = 0;
  let boilerplateBlocks = 0;
  for await (const document of documents) {
    count += 1;
    const whole = splitSections(document);
    const { sections, removed } = withoutBoilerplate(whole, boilerplate);
    boilerplateBlocks += removed;
    for (const section of sections) made.push(sign(section, whole.length));
  }
  made.sort((a, b) => (a.row.id < b.row.id ? -1 : 1));
  const bands = new Uint32Array(BANDS * made.length);
  made.forEach(({ grams }, index) => {
    const keys = bandKeys(signature(grams));
    for (let band = 0; band < BANDS; band++) bands[band * made.length + index] = keys[band]!;
  });
  return {
    rows: made.map(({ row }) => row),
    grams: made.map(({ grams }) => grams),
    lines: made.map(({ line }) => line),
    bands,
    documents: count,
    boilerplateBlocks,
  };
};

const sign = (section: Section, pageSections: number): { row: Signed; grams: Uint32Array; line: string } => {
  const { id, pageId, url } = section;
  const text = section.blocks.map(normalised).join('\n');
  const gone = section.blocks.length === 0 ? 'boilerplate' : hasWords(text, MIN_WORDS) ? null : 'too_short';
  const grams = gone === null ? wordGrams(text) : new Uint32Array();
  const line = gone === null ? toLine(section) : '';
  const lineBytes = Buffer.byteLength(line);
  const row = {
    schema: RECORD_SCHEMA,
    id,
    pageId,
    url,
    pageSections,
    gone,
    textSha256: sha256(text),
    chars: text.length,
    grams: grams.length,
    lineBytes,
  } as const;
  return { row, grams, line };
};
