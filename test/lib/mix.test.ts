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

const chat = (...turns: [string, string | null][]): object[] => turns.map(([role, content]) => ({ role, content }));

test.each([
  ['a developer message before it', { messages: chat(['developer', 'd'], ['user', 'Hi?'], ['assistant', 'Hello.']) }],
  ['further turns after it', { messages: chat(['user', 'Hi?'], ['assistant', 'Hello.'], ['user', 'c'], ['assistant', 'd']) }],
  [
    'the names of ShareGPT',
    {
      conversations: [
        { from: 'system', value: 's' },
        ...[
          { from: 'human', value: 'Hi?' },
          { from: 'gpt', value: 'Hello.' },
        ],
      ],
    },
  ],
  ['lists of messages as prompt and completion', { prompt: chat(['user', 'Hi?']), completion: chat(['assistant', 'Hello.']) }],
  ['columns that are null', { messages: null, prompt: 'Hi?', completion: 'Hello.', instruction: null }],
  ["Dolly's columns", { instruction: 'Hi?', context: '', response: 'Hello.', category: 'x' }],
])('a turn is read with %s', (_, row) => {
  expect(readMix([JSON.stringify(row)]).rows).toMatchObject([{ instruction: 'Hi?', response: 'Hello.' }]);
});

test('a context stands below its instruction', () => {
  expect(readMix(['{"instruction":"Why?","context":"It is so.","response":"So."}']).rows).toMatchObject([
    { instruction: 'Why?\n\nIt is so.' },
  ]);
});

test('a file that begins with a byte order mark loses no row', () => {
  expect(readMix([`\ufeff${lines[1]!}`])).toMatchObject({ refused: 0, rows: [{ instruction: 'One?' }] });
});

test('what has no turn is refused and counted', () => {
  const tool = JSON.stringify({ messages: chat(['user', 'a'], ['assistant', null], ['tool', '4'], ['assistant', 'b']) });
  const answered = JSON.stringify({ messages: chat(['assistant', 'a'], ['user', 'b']) });
  expect(readMix(['no json', '{"text":"plain"}', '{"prompt":"","completion":"x"}', tool, answered, '[]', 'null'])).toEqual({
    rows: [],
    refused: 7,
  });
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
