import { renderBlocks } from '../../lib/blocks';
import { cleanText, type Cleaned } from '../../lib/clean';
import { parseMarkdown } from '../../lib/markdown';
import { createRandom } from '../../lib/random';
import { tokenize } from '../../lib/tokenizer';
import { htmlPage } from '../support/html-page';

const of = (html: string): Cleaned => cleanText(htmlPage, html, { minWords: 1 });

/** Characters that reading a page looks at: one a charCodeAt, and what an indexOf passes over. */
const work = (html: string): number => {
  let looked = 0;
  const charCodeAt = Reflect.get(String.prototype, 'charCodeAt');
  const indexOf = Reflect.get(String.prototype, 'indexOf');
  String.prototype.charCodeAt = function (at): number {
    looked += 1;
    return charCodeAt.call(this, at);
  };
  String.prototype.indexOf = function (sign, from = 0): number {
    const found = indexOf.call(this, sign, from);
    looked += (found < 0 ? this.length : found) - from + 1;
    return found;
  };
  try {
    tokenize(html, { open: () => undefined, text: () => undefined, close: () => undefined });
  } finally {
    Object.assign(String.prototype, { charCodeAt, indexOf });
  }
  return looked;
};

const HOSTILE: [what: string, html: (size: number) => string][] = [
  ['deep nesting', (size) => '<div>'.repeat(size)],
  ['end tags that match nothing below open elements', (size) => '<div>'.repeat(500) + '</b>'.repeat(size)],
  ['end tags of unknown elements', (size) => '<x>'.repeat(500) + '</y>'.repeat(size)],
  ['headings that are never closed', (size) => '<h1><b>'.repeat(size)],
  ['many attributes', (size) => `<p ${'a=b '.repeat(size)}>text</p>`],
  ['a name that never ends', (size) => `<${'a'.repeat(size)}`],
  ['a huge attribute', (size) => `<p title="${'&amp;'.repeat(size)}">text`],
  ['quotes that are never closed', (size) => '<p title="'.repeat(size).replaceAll('"', "'")],
  ['comments that are never closed', (size) => '<!-- '.repeat(size)],
  ['comments that end almost', (size) => `<!--${'--!'.repeat(size)}`],
  ['dashes', (size) => `<!--${'-'.repeat(size)}`],
  ['CDATA that never ends', (size) => '<![CDATA['.repeat(size)],
  ['scripts that never end', (size) => `<script>${'</scrip'.repeat(size)}`],
  ['declarations that never end', (size) => '<!x'.repeat(size)],
  ['signs that begin no tag', (size) => '< '.repeat(size)],
  ['ampersands', (size) => '&'.repeat(size)],
  ['references', (size) => '&notin;'.repeat(size)],
  ['nested lists full of lines', (size) => '<ul><li>'.repeat(400) + 'a<br>'.repeat(size)],
  ['nested tables', (size) => '<table><tr><td>'.repeat(300) + '<p>x</p>'.repeat(size)],
  ['nested quotes with classes', (size) => '<div class="nav a b">'.repeat(900) + '<p>words of text here</p>'.repeat(size)],
  ['code full of line numbers', (size) => `<pre>${'<span class="lineno">'.repeat(900)}${'1 '.repeat(size)}`],
  ['code spans that are never closed', (size) => '<p><code>a'.repeat(size)],
  ['links without text', (size) => '<a href="#x">'.repeat(size)],
  ['NULs', (size) => `<p>\0${'\0<pre>\0</pre>'.repeat(size)}`],
];

test.each(HOSTILE)('looks at %s in a number of steps that grows with its length', (_, html) => {
  const [little, much] = [work(html(1000)), work(html(4000))];
  expect(much).toBeLessThan(4.2 * little + 1000);
});

test.each(HOSTILE)('ends with a document or a reason on %s', (_, html) => {
  const result = of(`<p>Some words of text.</p>${html(100_000)}`);
  // No document is much larger than its page: nesting and references cannot blow it up.
  if (result.keep) expect(JSON.stringify(result.document).length).toBeLessThan(200 * 100_000);
  else expect(['too_deep', 'too_large', 'empty', 'too_short']).toContain(result.reason);
});

/** CPU time of cleaning, the least of two tries. */
const cost = (text: string, format: 'html' | 'markdown'): number => {
  const tries = [0, 1].map(() => {
    const before = process.cpuUsage();
    cleanText({ ...htmlPage, format }, text, { minWords: 1 });
    const { user, system } = process.cpuUsage(before);
    return user + system;
  });
  return Math.min(...tries);
};

const COSTLY: [what: string, format: 'html' | 'markdown', text: (size: number) => string][] = [
  ['code elements that touch', 'html', (size) => '<code>a</code>'.repeat(size)],
  ['lines of nothing at the end of code', 'html', (size) => `<p><code>x${'\n'.repeat(4 * size)} </code>`],
  ['headings with an anchor and no text', 'html', (size) => '<h2 id=x>'.repeat(size)],
  ['anchors before headings without text', 'html', (size) => '<a name=x></a><dt></dt>'.repeat(size)],
  ['anchors and links in a heading', 'html', (size) => `<h2>${'<a id=x></a><a href=#y></a>'.repeat(size)}`],
  ['line breaks that are none in a listing', 'html', (size) => `<div class="fragment">x${'\n\r'.repeat(size)}y</div>`],
  ['a version that never ends', 'html', (size) => `<title>x</title><h1>x 1${'.1'.repeat(2 * size)}!</h1><p>text`],
  ['marks on one letter', 'html', (size) => `<p>a${'\u0301\u0316'.repeat(size)}`],
  ['nested tables with labels', 'html', (size) => `${'<table><tr><td>a<td>b<tr><td>c<td>'.repeat(40)}<pre>x</pre>`.repeat(size / 200)],
  ['white space before no permalink', 'markdown', (size) => `x${' '.repeat(4 * size)}¶y`],
  ['line breaks of markup', 'markdown', (size) => `a${' <br> '.repeat(2 * size)}b`],
  ['white space before no table', 'markdown', (size) => `a|b\n${' '.repeat(4 * size)}x|-`],
  ['white space in no table', 'markdown', (size) => `a|b\n-${' '.repeat(4 * size)}x|-`],
  ['white space in no fence', 'markdown', (size) => `\`\`\`${' '.repeat(4 * size)}\``],
  ['a fence of one long line', 'markdown', (size) => `${'~'.repeat(size)}\ntext`],
  ['backticks', 'markdown', (size) => `x${'`'.repeat(4 * size)}`],
  ['brackets', 'markdown', (size) => '['.repeat(size)],
  ['stars', 'markdown', (size) => '*'.repeat(size)],
  ['deep lists', 'markdown', (size) => Array.from({ length: size / 50 }, (_, depth) => `${' '.repeat(2 * (depth % 400))}- x\n`).join('')],
];

test.each(COSTLY)('cleans %s of %s in time that grows with their length', (_, format, text) => {
  // Sixteen times the length: 256 times the time where it is squared. The floor is what starting costs.
  const little = Math.max(cost(text(5000), format), 5000);
  expect(cost(text(80_000), format)).toBeLessThan(80 * little);
});

const upTo = (size: number, part: (at: number) => string): string => {
  let text = '';
  for (let at = 1; text.length < size; at++) text += part(at);
  return text;
};

const UNCLOSED: [what: string, text: string][] = [
  ['brackets', '['.repeat(1_000_000)],
  ['images', '!['.repeat(500_000)],
  ['addresses', '[]('.repeat(333_333)],
  ['addresses of links', '[a](b'.repeat(200_000)],
  ['addresses in angle brackets', '<https:'.repeat(140_000)],
  ['stars', '**a '.repeat(250_000)],
  ['underscores', ' __a'.repeat(250_000)],
  ['ever longer runs of backticks', upTo(1_000_000, (at) => `${'`'.repeat(at)} `)],
  ['headings full of brackets', `# ${'['.repeat(1900)}\n`.repeat(525)],
  ['headings full of white space', `# a${' '.repeat(1900)}b\n`.repeat(20)],
];

test.each(UNCLOSED)('reads %s that close nothing in no more than some multiple of the time that words take', (_, text) => {
  const words = Math.max(cost('words '.repeat(166_667), 'markdown'), 5000);
  expect(cost(text, 'markdown')).toBeLessThan(50 * words);
});

const ENDLESS: [what: string, format: 'html' | 'markdown', text: string][] = [
  ['a divider of five million columns', 'markdown', `a|b\n${'-|'.repeat(5_000_000)}`],
  ['ten million marks on one letter', 'html', `<p>a b${'\u0301\u0316'.repeat(5_000_000)}`],
  ['lines in lists in lists', 'html', `<p>a b${'<ul><li>'.repeat(400)}${'a<br>'.repeat(1_000_000)}`],
  ['six hundred thousand items', 'markdown', '- a\n'.repeat(600_000)],
  ['six hundred thousand cells', 'markdown', `a|b\n-|-\n${'a|b\n'.repeat(300_000)}`],
  ['lists of a line each', 'markdown', '- a\n\nb\n\n'.repeat(300_000)],
];

test.each(ENDLESS)('ends with a document or a reason on %s', (what, format, text) => {
  const result = cleanText({ ...htmlPage, format }, text, { minWords: 1 });
  expect(result.keep ? 'kept' : result.reason).toBe(/divider|marks/.test(what) ? 'kept' : 'too_large');
});

test('a line of ten million stars is a rule, not the end of the stack', () => {
  expect(parseMarkdown('*'.repeat(10_000_000))).toEqual([]);
});

const SCRAPS = [
  ...'<p> </p> <div> </div> <main> </main> <nav> </nav> <ul> <ol> <li> </ul> <pre> </pre> <code> </code> <table> <tr> <td> <th> </table>'.split(
    ' ',
  ),
  ...'<script> </script> <title> </title> <svg> </svg> <br> <h1> <h2> </h2> <dl> <dt> <dd> </dl> <article> </article> <a> </a> </li>'.split(
    ' ',
  ),
  ...[
    '<a href="#x">',
    '<span class="lineno">',
    '</span>',
    '<div class="fragment">',
    '<td colspan="0">',
    '<!--',
    '-->',
    '\0',
    '\ud800',
    '\r\n',
  ],
  ...[
    'words of text ',
    'More of it. ',
    ' ',
    '\n',
    '    ',
    '```',
    '`',
    '|',
    '# ',
    '- ',
    '1. ',
    '---',
    '\\',
    '<',
    '&lt;',
    '&#0;',
    '\u00a0',
    '\ufffc',
  ],
];

test('takes any page, twice to the same end, and reads its own Markdown', () => {
  const { below } = createRandom(7);
  for (let round = 0; round < 5000; round++) {
    let html = '';
    for (let left = 1 + below(40); left > 0; left--) html += SCRAPS[below(SCRAPS.length)]!;
    const result = of(html);
    expect(of(html)).toEqual(result);
    if (!result.keep) continue;
    const once = renderBlocks(parseMarkdown(renderBlocks(result.document.blocks)));
    expect(typeof once).toBe('string');
  }
});
