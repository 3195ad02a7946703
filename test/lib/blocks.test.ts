import type { Block } from '../../contracts/records';
import { parseMarkdown } from '../../lib/markdown';
import { blockHash, fenced, inlineCode, plain, renderBlock, renderMeaning } from '../../lib/blocks';

test.each([
  ['x', '`x`'],
  ['a`b', '`` a`b ``'],
  ['``', '` `` `'],
])('writes inline code %s as %s', (code, expected) => {
  expect(inlineCode(code)).toBe(expected);
  expect(plain(expected)).toBe(code);
});

test('fences code longer than any run of backticks inside', () => {
  expect(fenced('```js\nx\n````', 'markdown')).toBe('`````markdown\n```js\nx\n````\n`````');
});

test('writes each block as Markdown', () => {
  const blocks: Block[] = [
    { type: 'heading', level: 3, text: 'A', anchor: null },
    { type: 'list', ordered: true, start: 3, items: ['one\n- two', 'three'] },
    { type: 'table', header: ['a|b'], rows: [['1', '2\n3']] },
    { type: 'definition', term: 'word', anchor: null, signature: false, text: 'Meaning.', code: [] },
  ];
  expect(blocks.map(renderBlock)).toEqual([
    '### A',
    '3. one\n   - two\n4. three',
    '| a\\|b |  |\n| --- | --- |\n| 1 | 2 3 |',
    '**word**\n\nMeaning.',
  ]);
});

test('fills up the rows of a table, but not every short row under a wide one', () => {
  const table = (header: string[], rows: string[][]): string => renderBlock({ type: 'table', header, rows });
  expect(table(['a', 'b', 'c'], [['1'], ['1', '2', '3']])).toBe('| a | b | c |\n| --- | --- | --- |\n| 1 |  |  |\n| 1 | 2 | 3 |');
  const cells = Array.from({ length: 5000 }, () => 'x');
  const wide = table(
    cells,
    cells.map((cell) => [cell]),
  );
  expect(wide.length).toBeLessThan(20 * (cells.length + cells.length));
  const [head, , ...rows] = parseMarkdown(wide)[0]!.type === 'table' ? wide.split('\n') : [];
  expect(head!.length).toBe(4 * cells.length + 1);
  expect(new Set(rows)).toEqual(new Set(['| x |']));
});

test('puts the code of a definition where it stood', () => {
  const block = {
    type: 'definition' as const,
    term: 't',
    anchor: null,
    signature: true,
    text: 'Before.\n\n\uFFFC\n\nAfter.',
    code: [{ text: 'x', language: 'js' }],
  };
  expect(renderMeaning(block)).toBe('Before.\n\n```js\nx\n```\n\nAfter.');
});

test('one hash for prose that differs in case and space, two for such code', () => {
  expect(blockHash({ type: 'prose', text: 'Run `npm`  NOW' })).toBe(blockHash({ type: 'prose', text: 'run npm now' }));
  expect(blockHash({ type: 'code', text: 'Run', language: null })).not.toBe(blockHash({ type: 'code', text: 'run', language: null }));
});
