import { HashColumn, NumberColumn } from '../../lib/columns';
import { sha256 } from '../../lib/hash';

test('hashes are sorted as their digits are, equal ones as they came, and those with equal first bytes too', () => {
  const hashes = Array.from({ length: 3000 }, (_, index) => sha256(String(index % 700)));
  const near = Array.from({ length: 300 }, (_, index) => `00000001${sha256(String(index)).slice(8)}`);
  const all = [...hashes, ...near];
  const column = new HashColumn(32);
  for (const hex of all) column.push(hex);
  const expected = all.map((hex, row) => ({ hex, row })).sort((a, b) => (a.hex < b.hex ? -1 : a.hex > b.hex ? 1 : a.row - b.row));
  expect(Array.from(column.sorted())).toEqual(expected.map(({ row }) => row));
  expect(column.hex(5)).toBe(all[5]);
});

test('groups are the rows of one hash each', () => {
  const column = new HashColumn(16);
  for (const text of ['a', 'b', 'a', 'c', 'b', 'a']) column.push(sha256(text));
  const groups = [...column.groups()].map((rows) => Array.from(rows).join());
  expect(groups.sort()).toEqual(['0,2,5', '1,4', '3']);
  expect([...new HashColumn(16).groups()]).toEqual([]);
});

test('numbers outgrow the first capacity', () => {
  const column = new NumberColumn();
  for (let value = 0; value < 5000; value++) column.push(value / 2);
  expect(column.size).toBe(5000);
  expect(column.at(4999)).toBe(2499.5);
});
