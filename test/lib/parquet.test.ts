import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import { sha256 } from '../../lib/hash';
import { toLine } from '../../lib/jsonl';
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

test('pyarrow, which loaders build on, reads row by row what stands in the JSONL, with typed messages', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parquet-'));
  try {
    writeFileSync(join(folder, 'rows.parquet'), toParquet(rows));
    writeFileSync(join(folder, 'rows.jsonl'), rows.map(toLine).join(''));
    const script = `
import json, sys, pyarrow.parquet
table = pyarrow.parquet.read_table(sys.argv[1] + "/rows.parquet")
rows = [json.loads(line) for line in open(sys.argv[1] + "/rows.jsonl", encoding="utf8")]
print(json.dumps([table.to_pylist() == rows, len(rows), str(table.schema.field("completion").type)]))`;
    const said = execFileSync(join(__dirname, '../../native/.venv/bin/python'), ['-c', script, folder], { encoding: 'utf8' });
    const type = 'list<element: struct<role: string not null, content: string not null> not null>';
    expect(JSON.parse(said)).toEqual([true, rows.length, type]);
  } finally {
    rmSync(folder, { recursive: true });
  }
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
