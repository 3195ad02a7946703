// Examples as a Parquet file that the Hub's viewer and loaders read: typed messages and provenance columns, the same
// columns and rows as the JSONL beside it.
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { Example } from '../contracts/records';

type Schema = NonNullable<Parameters<typeof parquetWriteBuffer>[0]['schema']>;

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

/**
 * The bytes of a Parquet file, Snappy compressed; the same examples give the same bytes.
 * @param examples at least one, in the order of the JSONL
 */
export const toParquet = (examples: readonly Example[]): Uint8Array =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: COLUMNS.map(({ name }) => ({ name, data: examples.map((example) => example[name]) })),
      schema: [{ name: 'root', num_children: COLUMNS.length }, ...COLUMNS.flatMap(({ schema }) => schema)],
      createdBy: 'retune',
    }),
  );
