// Examples as a Parquet file that the Hub's viewer and loaders read: typed messages and provenance columns, the same
// columns and rows as the JSONL beside it.
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { Example } from '../contracts/records';

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema'];

const text = (name: string, repetition: 'REQUIRED' | 'OPTIONAL' = 'REQUIRED'): Schema[number] => ({
  name,
  type: 'BYTE_ARRAY',
  converted_type: 'UTF8',
  repetition_type: repetition,
});
/** Parquet's three-level list: optional list, repeated group, element. */
const list = (name: string, element: Schema): Schema => [
  { name, converted_type: 'LIST', repetition_type: 'REQUIRED', num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  ...element,
];

const messageList = (name: string): Schema =>
  list(name, [{ name: 'element', repetition_type: 'REQUIRED', num_children: 2 }, text('role'), text('content')]);

const COLUMNS: { name: keyof Example; schema: Schema }[] = [
  { name: 'schema', schema: [{ name: 'schema', type: 'INT32', repetition_type: 'REQUIRED' }] },
  { name: 'id', schema: [text('id')] },
  { name: 'split', schema: [text('split')] },
  { name: 'messages', schema: messageList('messages') },
  { name: 'prompt', schema: messageList('prompt') },
  { name: 'completion', schema: messageList('completion') },
  { name: 'kind', schema: [text('kind')] },
  { name: 'url', schema: [text('url')] },
  { name: 'anchor', schema: [text('anchor', 'OPTIONAL')] },
  { name: 'path', schema: list('path', [text('element')]) },
  { name: 'pageId', schema: [text('pageId')] },
  { name: 'pairId', schema: [text('pairId')] },
  { name: 'documentSha256', schema: [text('documentSha256')] },
];

/** Rows that are held at once, and that a reader fetches at once. */
const ROW_GROUP = 10_000;

/**
 * The bytes of a Parquet file, Snappy compressed, a row group after the other; the same examples give the same bytes.
 * @param examples in the order of the JSONL
 */
export function* parquetChunks(examples: Iterable<Example>): Generator<Uint8Array, void, undefined> {
  const writer = new ByteWriter();
  const taken = (): Uint8Array => {
    const bytes = writer.getBytes().slice();
    writer.index = 0;
    return bytes;
  };
  const schema = [{ name: 'root', num_children: COLUMNS.length }, ...COLUMNS.flatMap((column) => column.schema)];
  const parquet = new ParquetWriter({ writer, schema, createdBy: 'retune' });
  const write = (rows: readonly Example[]): Uint8Array => {
    void parquet.write({ columnData: COLUMNS.map(({ name }) => ({ name, data: rows.map((row) => row[name]) })), rowGroupSize: ROW_GROUP });
    return taken();
  };
  let group: Example[] = [];
  for (const example of examples) {
    group.push(example);
    if (group.length < ROW_GROUP) continue;
    yield write(group);
    group = [];
  }
  if (group.length > 0) yield write(group);
  void parquet.finish();
  yield taken();
}

/** A Parquet file in memory. */
export const toParquet = (examples: readonly Example[]): Uint8Array => new Uint8Array(Buffer.concat([...parquetChunks(examples)]));
