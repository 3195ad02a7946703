import { inlineText } from '../../lib/inline-text';
import { parseMarkdown } from '../../lib/markdown';

test.each([
  ['[text](http://x.test/a "t") and ![image](i.png) end', 'text and end'],
  ['**bold** and *italic* and __both__', 'bold and italic and both'],
  ['snake_case_name and 2 * 3 * 4', 'snake_case_name and 2 * 3 * 4'],
  ['`a_b_c` and ``x`y`` stay', '`a_b_c` and ``x`y`` stay'],
  ['\\*not italic\\* \\_', '*not italic* _'],
  ['see <https://x.test>', 'see https://x.test'],
])('reads inline %s as %s', (markdown, text) => {
  expect(inlineText(markdown)).toBe(text);
});

test('keeps fenced code byte for byte, with longer fences and indentation', () => {
  expect(parseMarkdown('````md\n```\n  a\t\n```\n````')).toEqual([{ type: 'code', text: '```\n  a\t\n```', language: 'md' }]);
  expect(parseMarkdown('  ~~~sh\n  x\n    y\n  ~~~')).toEqual([{ type: 'code', text: 'x\n  y', language: 'bash' }]);
  expect(parseMarkdown('```\nnever closed')).toEqual([{ type: 'code', text: 'never closed', language: null }]);
});

test('takes hashes inside code for code', () => {
  expect(parseMarkdown('```sh\n# a comment\n```').map((block) => block.type)).toEqual(['code']);
});

test('reads headings of both kinds and their anchors', () => {
  expect(parseMarkdown('Title\n=====\n\n## Use [¶](#use "Link")\n\n### C# code ###')).toEqual([
    { type: 'heading', level: 1, text: 'Title', anchor: null },
    { type: 'heading', level: 2, text: 'Use', anchor: 'use' },
    { type: 'heading', level: 3, text: 'C# code', anchor: null },
  ]);
});

test('reads lists with nested items, and goes on counting after code', () => {
  expect(parseMarkdown('- one\n  more\n  - two\n- three')).toEqual([
    { type: 'list', ordered: false, items: ['one\nmore\n- two', 'three'] },
  ]);
  expect(parseMarkdown('1. First:\n\n   ```\n   a\n   ```\n\n2. Second.')).toEqual([
    { type: 'list', ordered: true, items: ['First:'] },
    { type: 'code', text: 'a', language: null },
    { type: 'list', ordered: true, start: 2, items: ['Second.'] },
  ]);
});

test('reads tables with escaped bars', () => {
  expect(parseMarkdown('| a | b |\n|---|:-:|\n| `x` | y \\| z |')).toEqual([
    { type: 'table', header: ['a', 'b'], rows: [['`x`', 'y | z']] },
  ]);
});

test('reads quotes and paragraphs as prose and indented lines as code', () => {
  expect(parseMarkdown('One\ntwo.\n\n> Quoted.\n\n    code\n      more\n\nEnd')).toEqual([
    { type: 'prose', text: 'One\ntwo.' },
    { type: 'prose', text: 'Quoted.' },
    { type: 'code', text: 'code\n  more', language: null },
    { type: 'prose', text: 'End' },
  ]);
});

test('ends in time on a line that invites backtracking', () => {
  for (const line of [
    `${'*'.repeat(50_000)}a`,
    `${'`'.repeat(20_000)} x`,
    `${'['.repeat(50_000)}`,
    `${'- '.repeat(20_000)}x`,
    `| ${'-'.repeat(50_000)}x\n|${'-|'.repeat(20_000)}x`,
  ])
    expect(Array.isArray(parseMarkdown(line))).toBe(true);
}, 20_000);
