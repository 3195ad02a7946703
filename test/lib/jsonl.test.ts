import { z } from 'zod';
import { parseLines, toLine } from '../../lib/jsonl';

const Row = z.object({ schema: z.literal(1), id: z.string(), note: z.string().optional() });

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}
const read = async (bytes: string | Uint8Array, size = 7): Promise<unknown[]> => {
  const rows: unknown[] = [];
  for await (const row of parseLines(chunks(Buffer.from(bytes as string), size), Row)) rows.push(row);
  return rows;
};

const rows = ['ä€😀', 'line\nbreak\u2028', '', '\ufeffmark'].map((id) => ({ schema: 1, id }));

test.each([1, 2, 3, 5, 64, 10_000])('rows come back as they were written, cut into chunks of %i bytes', async (size) => {
  expect(await read(rows.map(toLine).join(''), size)).toEqual(rows);
});

test('a file without rows, and a last line without its end, are read', async () => {
  expect(await read('')).toEqual([]);
  expect(await read('{"schema":1,"id":"a"}')).toEqual([{ schema: 1, id: 'a' }]);
});

test('unknown fields are left out', async () => {
  expect(await read('{"schema":1,"id":"a","later":2}\n')).toEqual([{ schema: 1, id: 'a' }]);
});

const good = '{"schema":1,"id":"a"}\n';
test.each([
  [`${good}${good}{"schema":1,"id":`, 'line 3: it is not JSON'],
  [`${good}\n${good}`, 'line 2: it is empty'],
  [`${good}{"schema":1,"id":7}\n`, 'line 2: id: '],
  [`${good}[]\n`, 'line 2: the record: '],
  [`${good}{"schema":2,"id":"a"}\n`, 'line 2: schema 2 is not one that this release reads'],
])('a bad line is named: %j', async (text, message) => {
  await expect(read(text)).rejects.toMatchObject({ code: 'BAD_LINE', message: expect.stringContaining(message) as string });
});

test('bytes that are not UTF-8 are refused, also a character cut off at the end', async () => {
  await expect(read(Buffer.concat([Buffer.from(good), Buffer.from([0xff])]))).rejects.toThrow('UTF-8');
  await expect(read(Buffer.from('"é').subarray(0, 2), 1)).rejects.toThrow('UTF-8');
});

test('rows before a bad one are given out', async () => {
  const seen: unknown[] = [];
  await expect(
    (async () => {
      for await (const row of parseLines(chunks(Buffer.from(`${good}bad\n`), 3), Row)) seen.push(row);
    })(),
  ).rejects.toThrow('line 2');
  expect(seen).toHaveLength(1);
});

test('a line keeps the order of the fields and has no line break inside', () => {
  expect(toLine({ b: 'x\ny', a: 1 })).toBe('{"b":"x\\ny","a":1}\n');
});
