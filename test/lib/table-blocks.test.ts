import { renderBlocks } from '../../lib/blocks';
import { cleanText } from '../../lib/clean';
import { htmlPage } from '../support/html-page';

const LONG = 'This sentence is long enough to be taken for the content of a page.';

/** What is left of a page that is a sentence and a table, as Markdown. */
const rendered = (rows: string): string => {
  const result = cleanText(htmlPage, `<p>${LONG}</p><table>${rows}</table>`, { minWords: 1 });
  return result.keep ? renderBlocks(result.document.blocks.slice(1)) : result.reason;
};

test.each([
  [
    'labels and code',
    '<tr><td>Unpack</td><td><pre>tar xzf a\n  cd a</pre></td></tr><tr><td><code>make</code></td><td>Builds it.</td></tr>',
    '**Unpack**\n\n```\ntar xzf a\n  cd a\n```\n\n|  |  |\n| --- | --- |\n| `make` | Builds it. |',
  ],
  [
    'headings of columns',
    '<tr><th>Name</th><th>Default:</th><th>Example</th></tr><tr><td>port</td><td>80</td><td><pre>Listen 80</pre></td></tr>',
    '**port**\n\nDefault: 80\n\nExample:\n\n```\nListen 80\n```',
  ],
  [
    'labels with a colon, in a table between whose rows of text they stand',
    '<tr><th>What:</th><td>A port</td></tr><tr><th>Syntax:</th><td><pre>Listen port</pre></td></tr><tr><th>Default:</th><td>80</td></tr>',
    '|  |  |\n| --- | --- |\n| What: | A port |\n\nSyntax:\n\n```\nListen port\n```\n\n|  |  |\n| --- | --- |\n| Default: | 80 |',
  ],
  [
    'headings over the rows of text too',
    '<tr><th>Flag</th><th>Meaning</th></tr><tr><td>a</td><td>All</td></tr><tr><td>b</td><td><pre>-b x</pre></td></tr><tr><td>c</td><td>Copy</td></tr>',
    '| Flag | Meaning |\n| --- | --- |\n| a | All |\n\n**b**\n\n```\n-b x\n```\n\n| Flag | Meaning |\n| --- | --- |\n| c | Copy |',
  ],
  [
    'a heading over all columns',
    '<tr><th colspan="2">Steps</th></tr><tr><td>Get</td><td>Download it.</td></tr><tr><td>Unpack</td><td><pre>tar</pre></td></tr>',
    'Steps\n\n|  |  |\n| --- | --- |\n| Get | Download it. |\n\n**Unpack**\n\n```\ntar\n```',
  ],
  [
    'code under each heading',
    '<tr><th>Before</th><th>After</th></tr><tr><td><pre>a</pre></td><td><pre>b</pre></td></tr>',
    'Before:\n\n```\na\n```\n\nAfter:\n\n```\nb\n```',
  ],
  [
    'a table in a cell, and numbers for labels',
    '<tr><th>Column</th><th>What</th></tr><tr><td>1</td><td>A type:<table><tr><td>b</td><td>byte</td></tr><tr><td>s</td><td>short</td></tr></table></td></tr>',
    '**Column 1**\n\nA type:\n\n|  |  |\n| --- | --- |\n| b | byte |\n| s | short |',
  ],
  ['no labels', '<tr><td><pre>a</pre></td><td>x</td></tr><tr><td><pre>b</pre></td><td>y</td></tr>', '```\na\n```\n\nx\n\n```\nb\n```\n\ny'],
  [
    'a page in columns',
    '<tr><td>Menu</td><td><h2>Top</h2><p>Text.</p></td></tr><tr><td>More</td><td><pre>a</pre></td></tr>',
    'Menu\n\n## Top\n\nText.\n\nMore\n\n```\na\n```',
  ],
  [
    'line numbers beside each line',
    '<tr><td>1</td><td><pre>a</pre></td></tr><tr><td>2</td><td><pre>b</pre></td></tr>',
    '1\n\n```\na\n```\n\n2\n\n```\nb\n```',
  ],
])('keeps what the rows of a table say together: %s', (_, rows, expected) => {
  expect(rendered(rows)).toBe(expected);
});

test('keeps a table with more rows than a call may have arguments', () => {
  const rows = 200_000;
  const result = cleanText(htmlPage, `<p>${LONG}</p><table>${'<tr><td>a</td><td>b</td></tr>'.repeat(rows)}</table>`, { minWords: 1 });
  expect(result).toMatchObject({ keep: true });
  const table = result.keep ? result.document.blocks.at(-1) : undefined;
  expect(table?.type === 'table' ? table.rows.length : 0).toBe(rows);
  expect(result.keep ? renderBlocks(result.document.blocks).split('\n').length : 0).toBe(rows + 4);
});
