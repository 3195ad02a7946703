import { type GeneralRow, GeneralRows, mixCount, mixSource, mixUrl } from '../../lib/mix';
import { MemorySpill } from '../../lib/spill';

const readMix = (given: string[]): { rows: GeneralRow[]; refused: number } => {
  const general = new GeneralRows(new MemorySpill());
  for (const line of given) general.add(line);
  return { rows: general.slice(0, general.size), refused: general.refused };
};

const lines = [
  '{"messages":[{"role":"system","content":"s"},{"role":"user","content":"Hi?"},{"role":"assistant","content":"Hello."}]}',
  '{"prompt":"One?","completion":"Two."}',
  '{"instruction":"Sort this.","input":"b a","output":"a b"}',
  '{"instruction":"Alone.","input":"","output":"Mail jane@corp.io."}',
];

test('the usual shapes are read, each row once, secrets masked, whatever the order', () => {
  const { rows, refused } = readMix([...lines, lines[1]!, '']);
  expect(refused).toBe(0);
  expect(rows.map(({ instruction, response }) => [instruction, response])).toEqual(
    expect.arrayContaining([
      ['Hi?', 'Hello.'],
      ['One?', 'Two.'],
      ['Sort this.\n\nb a', 'a b'],
      ['Alone.', 'Mail user@example.com.'],
    ]),
  );
  expect(rows).toHaveLength(4);
  expect(readMix([...lines].reverse()).rows).toEqual(rows);
});

test('what is no single turn is refused and counted', () => {
  const turns =
    '{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"},{"role":"assistant","content":"d"}]}';
  expect(readMix(['no json', '{"text":"plain"}', '{"prompt":"","completion":"x"}', turns])).toEqual({ rows: [], refused: 4 });
});

test('the share is of all training examples', () => {
  expect(mixCount(75, 0.25)).toBe(25);
  expect(mixCount(10, 0)).toBe(0);
  expect(mixCount(10, 0.9)).toBe(90);
});

test('a source is a file or a dataset at a commit, and its address holds no path', () => {
  const commit = '0123456789abcdef0123456789abcdef01234567';
  expect(mixSource(`org/data@${commit}`)).toEqual({ dataset: 'org/data', revision: commit });
  expect(mixSource('a/general.jsonl')).toEqual({ file: 'a/general.jsonl' });
  expect(mixUrl('secret/folder/general data.jsonl')).toBe('file:///general%20data.jsonl');
});
