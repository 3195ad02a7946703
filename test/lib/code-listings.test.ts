// Code as highlighters write it: with numbers beside its lines, an element for each line, and buttons inside.
import { parseHtml } from '../../lib/html';

const CODE = 'def f(x):\n    return x\n\nprint(f(2))';
const LINES = CODE.split('\n');
const each = (write: (line: string, number: number) => string, between = ''): string =>
  LINES.map((line, at) => write(line, at + 1)).join(between);

const codeOf = (html: string): string[] =>
  parseHtml(`<h1>Code</h1>${html}`).blocks.flatMap(({ block }) => (block.type === 'code' ? [block.text] : []));

test.each([
  [
    'a table of two columns (Pygments)',
    `<table class="highlighttable"><tr><td class="linenos"><div class="linenodiv"><pre>1\n2\n3\n4</pre></div></td><td class="code"><pre><span></span>${CODE}\n</pre></td></tr></table>`,
  ],
  ['a number before each line (Pygments)', `<pre>${each((line, number) => `<span class="linenos">${number}</span>${line}`, '\n')}\n</pre>`],
  [
    'an anchor before each line (Pygments)',
    `<pre><code>${each((line, number) => `<span id="s-${number}"><a id="c-${number}" href="#c-${number}"><span class="linenos" data-linenos="${number} "></span></a>${line}</span>`, '\n')}\n</code></pre>`,
  ],
  [
    'a table inside the block (Rouge)',
    `<pre class="highlight"><code><table class="rouge-table"><tr><td class="rouge-gutter gl"><pre class="lineno">1\n2\n3\n4\n</pre></td><td class="rouge-code"><pre>${CODE}\n</pre></td></tr></table></code></pre>`,
  ],
  [
    'a table of two blocks (Chroma)',
    `<table class="lntable"><tr><td class="lntd"><pre><code>${each((_, number) => `<span class="lnt">${number}\n</span>`)}</code></pre></td><td class="lntd"><pre><code>${each((line) => `<span class="line"><span class="cl">${line}\n</span></span>`)}</code></pre></td></tr></table>`,
  ],
  [
    'numbers in links beside the block (GitLab)',
    `<div><div class="line-numbers">${each((_, number) => `<a href="#L${number}">${number}</a>`, '\n')}</div><div><pre class="code"><code>${each((line) => `<span class="line">${line}</span>`, '\n')}</code></pre></div></div>`,
  ],
  [
    'a table of numbers in links (CodeRay)',
    `<table class="CodeRay"><tr><td class="line-numbers"><pre>${each((_, number) => `<a href="#n${number}">${number}</a>\n`)}</pre></td><td class="code"><pre>${CODE}</pre></td></tr></table>`,
  ],
  [
    'an element for each line (Shiki)',
    `<pre class="shiki"><code>${each((line) => `<span class="line">${line}</span>`, '\n')}</code></pre>`,
  ],
  ['a block for each line, empty where it is', `<pre><code>${each((line) => `<div class="line">${line}</div>`)}</code></pre>`],
  [
    'a block for each line and a newline in an empty one (Expressive Code)',
    `<pre><code>${each((line, number) => `<div class="ec-line"><div class="gutter"><div class="ln" aria-hidden="true">${number}</div></div><div class="code">${line === '' ? '\n' : line}</div></div>`)}</code></pre>`,
  ],
  ['a numbered list (Prettify)', `<pre><ol class="linenums">${each((line, number) => `<li class="L${number}">${line}</li>`)}</ol></pre>`],
  [
    'a row for each line, whose number is written by the style sheet (GitHub)',
    `<table class="highlight">${each((line, number) => `<tr><td id="L${number}" class="blob-num js-line-number" data-line-number="${number}"></td><td id="LC${number}" class="blob-code blob-code-inner"><span>${line}</span>${line === '' ? '\n' : ''}</td></tr>`, '\n')}</table>`,
  ],
  [
    'a row for each line, with its number (Gitea)',
    `<table><tbody>${each((line, number) => `<tr><td class="lines-num"><span id="L${number}">${number}</span></td><td class="lines-code"><code class="code-inner">${line}</code></td></tr>`)}</tbody></table>`,
  ],
  ['a button in a link', `<pre><a class="copy" href="javascript:;">Copy</a><code>${CODE}\n</code></pre>`],
  ['an element that is a button', `<pre><code>${CODE}\n</code><span role="button">Copy</span></pre>`],
  [
    'lines outside <pre>, indented with no-break spaces',
    `<p><code>${each((line) => line.replaceAll('  ', '&nbsp;&nbsp;'), '<br>')}</code></p>`,
  ],
])('is exact in %s', (_, html) => {
  expect(codeOf(html)).toEqual([CODE]);
});

test('a column of numbers for hundreds of lines inside the block is none of its text', () => {
  const numbers = Array.from({ length: 300 }, (_, at) => at + 1);
  const code = numbers.map((number) => `line(${number})`).join('\n');
  const html = `<pre><table><tr><td class="gutter"><pre>${numbers.join('\n')}\n</pre></td><td><pre>${code}\n</pre></td></tr></table></pre>`;
  expect(codeOf(html)).toEqual([code]);
});

test('a word of code that is a link by script is code', () => {
  expect(codeOf(`<pre>f(<a href="javascript:go('x.html')">type()</a>)</pre>`)).toEqual(['f(type())']);
});

test('numbers that do not count are code, whatever they are called', () => {
  const data = Array.from({ length: 40 }, (_, at) => at * 7).join('\n');
  expect(codeOf(`<pre><span class="lineno">${data}</span></pre>`)).toEqual([data]);
});

test('a newline between two lines that are blocks is no line', () => {
  expect(codeOf('<pre><div class="line">a</div>\n<div class="line">b</div></pre>')).toEqual(['a\nb']);
});

test('a table of numbered steps stays one: its numbers are not called numbers of lines', () => {
  const html = '<table><tr><td>1</td><td><pre>cd lid</pre></td></tr><tr><td>2</td><td><pre>make</pre></td></tr></table>';
  expect(codeOf(html)).toEqual(['cd lid', 'make']);
});

test('the language of a table of lines is that of what it stands in', () => {
  const row = '<tr><td class="line-number">1</td><td>print(1)</td></tr>';
  expect(parseHtml(`<div class="highlight-python"><table>${row}${row}</table></div>`).blocks.map(({ block }) => block)).toEqual([
    { type: 'code', text: 'print(1)\nprint(1)', language: 'python' },
  ]);
});
