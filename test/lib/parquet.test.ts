import { parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import { sha256 } from '../../lib/hash';
import { toParquet } from '../../lib/parquet';
import { example } from '../support/example-builder';

const rows = [
  example({ instruction: 'What is 語?', response: 'A `<|end|>` 🚀\n\n```js\nlet a = 1;\n```' }),
  example({ anchor: null, path: [], instruction: 'second', instructions: 'Be brief.' }),
  ...Array.from({ length: 1500 }, (_, index) => example({ instruction: `question ${index}` })),
];

test('rows read back from Parquet are the rows of the JSONL', async () => {
  const bytes = toParquet(rows);
  const read = await parquetReadObjects({ file: bytes.buffer as ArrayBuffer });
  expect(read).toEqual(rows.map((row) => JSON.parse(JSON.stringify(row)) as unknown));
});

test('the same examples give the same bytes', () => {
  expect(sha256(toParquet(rows))).toBe(sha256(toParquet(structuredClone(rows))));
});

test('an empty split is a file with the same columns and no row', async () => {
  const bytes = toParquet([]);
  expect(await parquetReadObjects({ file: bytes.buffer as ArrayBuffer })).toEqual([]);
  expect(parquetSchema(parquetMetadata(bytes.buffer as ArrayBuffer)).children.map(({ element }) => element.name)).toEqual(
    Object.keys(example()),
  );
});
