import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Block, Page } from '../../contracts/records';
import { blockText, renderBlocks } from '../../lib/blocks';
import { clean, cleanText, type Cleaned } from '../../lib/clean';
import { sha256 } from '../../lib/hash';
import { parseMarkdown } from '../../lib/markdown';
import { writeMarkdown } from '../support/markdown-writer';

const page = (format: Page['format'] = 'html'): Page => ({
  schema: 1,
  id: sha256('http://site.test/page'),
  url: 'http://site.test/page',
  bodySha256: sha256(''),
  bodyBytes: 0,
  format,
  charset: null,
});
const of = (html: string): Cleaned => cleanText(page(), html, { minWords: 1 });
const blocks = (html: string): Block[] => {
  const result = of(html);
  if (!result.keep) throw new Error(result.reason);
  return result.document.blocks;
};
const prose = (html: string): string[] => blocks(html).map(blockText);
const LONG = 'This sentence is long enough to be taken for the content of a page.';

describe('code', () => {
  const code = (html: string): { text: string; language: string | null }[] =>
    blocks(html).flatMap((block) => (block.type === 'code' ? [{ text: block.text, language: block.language }] : []));

  test.each([
    ['spaces, tabs and blank lines', '<pre>a\n\n\tb  \n    c\n</pre>', 'a\n\n\tb  \n    c'],
    ['entities and nested markup', '<pre><code>if (<span>a</span> &lt; <em>b</em> &amp;&amp; c)</code></pre>', 'if (a < b && c)'],
    ['only the first newline of pre is markup', '<pre>\n\nx</pre>', '\nx'],
    ['the first newline of a pre inside a pre is markup', '<pre><pre>\nx</pre></pre>', 'x'],
    ['a newline inside code is text', '<pre><code>\nx</code></pre>', '\nx'],
    ['line breaks as elements', '<pre>one<br>two<br/>three</pre>', 'one\ntwo\nthree'],
    ['lines as block elements', '<pre><code><div>one</div><div>two</div></code></pre>', 'one\ntwo'],
    ['carriage returns', '<pre>one\r\ntwo</pre>', 'one\ntwo'],
    ['decomposed letters stay', '<pre>e\u0301</pre>', 'e\u0301'],
    ['line numbers in spans go', '<pre><span class="linenos"> 1</span>one\n<span class="linenos"> 2</span>two</pre>', 'one\ntwo'],
    ['a number that is code stays', '<pre>x = <span class="mi">1</span>\n<span class="mi">2</span></pre>', 'x = 1\n2'],
    ['a copy button goes', '<pre><button>Copy</button>ls -l</pre>', 'ls -l'],
    [
      "lines of Doxygen's listings",
      '<div class="fragment"><div class="line"><span class="lineno">    1</span>int a;</div>\n<div class="line">  a = 1;</div>\n</div>',
      'int a;\n  a = 1;',
    ],
    ['a pre inside a pre is one block', '<pre><pre class="playground"><code>fn main() {}</code></pre></pre>', 'fn main() {}'],
  ])('keeps %s', (_, html, expected) => {
    expect(code(`<p>${LONG}</p>${html}`).map((each) => each.text)).toEqual([expected]);
  });

  test('drops the column of line numbers of a listing table', () => {
    const html = `<p>${LONG}</p><table><tr><td class="linenos"><pre>1\n2</pre></td><td class="code"><pre>one\ntwo</pre></td></tr></table>`;
    expect(code(html).map((each) => each.text)).toEqual(['one\ntwo']);
  });

  test.each([
    ['<pre><code class="language-js">x</code></pre>', 'javascript'],
    ['<pre class="brush: sql; notranslate">x</pre>', 'sql'],
    ['<div class="highlight-python3 notranslate"><div class="highlight"><pre>x</pre></div></div>', 'python'],
    ['<div class="language-bash highlighter-rouge"><div class="highlight"><pre class="highlight"><code>x</code></pre></div></div>', 'bash'],
    ['<pre class="sourceCode haskell"><code class="sourceCode haskell">x</code></pre>', 'haskell'],
    ['<pre class="CodeRay highlight"><code data-lang="ruby">x</code></pre>', 'ruby'],
    ['<div class="highlight highlight-source-shell"><pre>x</pre></div>', 'bash'],
    ['<div class="highlight-default"><pre>x</pre></div>', null],
    ['<pre>x</pre>', null],
  ])('reads the language of %s', (html, language) => {
    expect(code(`<p>${LONG}</p>${html}`)[0]?.language).toBe(language);
  });

  test('takes a paragraph of one code element with line breaks for code', () => {
    expect(
      code(`<p>${LONG}</p><p><code>&lt;Directory /&gt;<br>&nbsp;&nbsp;Require all denied<br>&lt;/Directory&gt;</code></p>`),
    ).toHaveLength(1);
  });
});

describe('text', () => {
  test('collapses white space and composes letters outside code', () => {
    expect(prose(`<p>  one\n\t two&nbsp;three cafe\u0301 &amp; more </p>`)).toEqual(['one two three caf\u00e9 & more']);
  });

  test('keeps inline code in backticks, longer than those inside', () => {
    const [block] = blocks('<p>Run <code>npm  ci</code>, <tt>a`b</tt> or <kbd> x </kbd>y.</p>');
    expect(block).toEqual({ type: 'prose', text: 'Run `npm ci`, `` a`b `` or `x` y.' });
  });

  test('joins code elements that touch', () => {
    expect(blocks('<p>See <code>foo</code><code>.bar</code> there.</p>')[0]).toMatchObject({ text: 'See `foo.bar` there.' });
  });

  test('keeps nested lists, tables and definitions as what they are', () => {
    const [list, table, definition] = blocks(
      `<ul><li>one<ul><li>two</li></ul></li></ul><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2 | 3</td></tr></table>
       <dl><dt id="f"><code>f(x)</code></dt><dd><p>Does it.</p><pre>f(1)</pre><p>Really.</p></dd></dl>`,
    );
    expect(list).toEqual({ type: 'list', ordered: false, items: ['one\n- two'] });
    expect(table).toEqual({ type: 'table', header: ['a', 'b'], rows: [['1', '2 | 3']] });
    expect(definition).toMatchObject({ type: 'definition', term: 'f(x)', anchor: 'f', signature: true, code: [{ text: 'f(1)' }] });
    expect(renderBlocks([definition!])).toBe('`f(x)`\n\nDoes it.\n\n```\nf(1)\n```\n\nReally.');
  });

  test.each([
    ['with a sign', 'void <b>f</b>(struct <a href="#f"><i>f</i></a> *x)<a href="#f">¶</a>', 'void f(struct f *x)'],
    ['without one', 'int f(<a href="#f">f</a> *x, <a href="#g">g</a> y)', 'int f(f *x, g y)'],
    [
      'a pointer to a function',
      'int <b>f</b>(<i>int</i> (<span>*</span><em>cb</em>)(<a href="#f">f</a>))<a href="#f">#</a>',
      'int f(int (*cb)(f))',
    ],
  ])('keeps all words of a signature, also those that link to itself, %s', (_, term, expected) => {
    expect(blocks(`<p>${LONG}</p><dl><dt id="f" class="sig">${term}</dt><dd>Does it.</dd></dl>`)[1]).toMatchObject({
      type: 'definition',
      term: expected,
      anchor: 'f',
      signature: true,
    });
  });

  test.each([
    ['a paragraph', '<div class="admonition note"><p class="admonition-title">Note</p><p>Mind the gap.</p></div>'],
    ['a heading', '<div class="note"><h3>Note:</h3>Mind the gap.</div>'],
  ])('says the title of an admonition that is %s before its sentence', (_, html) => {
    expect(blocks(`<p>${LONG}</p>${html}`)[1]).toEqual({ type: 'prose', text: 'Note: Mind the gap.' });
  });

  test('ends a heading at the end tag of another level', () => {
    expect(blocks(`<h1>Thing</h2><p>${LONG}</p>`)).toMatchObject([{ text: 'Thing' }, { text: LONG }]);
  });

  test('lets a numbered list go on after code', () => {
    const made = blocks('<ol><li>First:<pre>a</pre></li><li>Second.</li></ol>');
    expect(made.map((block) => block.type)).toEqual(['list', 'code', 'list']);
    expect(renderBlocks(made)).toBe('1. First:\n\n```\na\n```\n\n2. Second.');
  });
});

describe('headings', () => {
  test.each([
    ['id on the heading', '<h2 id="a">Title</h2>', 'a'],
    ['id on the section around', '<section id="a"><h2>Title</h2></section>', 'a'],
    ['a named anchor inside', '<h2><a name="a"></a>Title</h2>', 'a'],
    ['an empty anchor before', '<a id="a"></a><h2>Title</h2>', 'a'],
    ['a sign that links to it', '<h2 id="a">Title<a class="x" href="#a">¶</a></h2>', 'a'],
    ['words that link to it', '<h2 id="a">Title <a href="#a">Link to this heading</a></h2>', 'a'],
    ['the id on the sign itself', '<h2>Title<span><a href="#a" id="a">#</a></span></h2>', 'a'],
    ['the whole heading as a link', '<h2 id="a"><a href="#a">Title</a></h2>', 'a'],
  ])('finds the anchor from %s and drops the sign', (_, html, anchor) => {
    expect(blocks(`<p>${LONG}</p>${html}<p>${LONG}</p>`).find((block) => block.type === 'heading')).toEqual({
      type: 'heading',
      level: 2,
      text: 'Title',
      anchor,
    });
  });

  test.each([
    ['a sign behind it', '<h2 id="a"><a href="#a"><code>os</code></a> for files<a href="#a">¶</a></h2>', '`os` for files'],
    ['no sign', '<h2 id="a"><a href="#a">os</a> for files</h2>', 'os for files'],
  ])('keeps the words of a heading that link to it, with %s', (_, html, text) => {
    expect(blocks(`<p>${LONG}</p>${html}<p>${LONG}</p>`)[1]).toMatchObject({ type: 'heading', text, anchor: 'a' });
  });

  test('keeps a link to another place as text', () => {
    expect(blocks(`<h2 id="a">About <a href="#b">hooks</a></h2><p>${LONG}</p>`)[0]).toMatchObject({ text: 'About hooks' });
  });
});

describe('content', () => {
  const body = `<h1>Thing</h1><p>${LONG} It has <a href="/x">one link</a>.</p><pre>code</pre>`;
  const kept = ['Thing', `${LONG} It has one link.`, 'code'];

  test.each([
    ['nav and footer elements', `<nav><a href="/">Home</a> <a href="/b">Docs</a></nav>${body}<footer>Copyright 2024</footer>`],
    ['roles', `<div role="navigation"><ul><li><a href="/">Home</a></li></ul></div>${body}<div role="contentinfo">Copyright</div>`],
    [
      'all outside main',
      `<div>Welcome to our site, which has many offers for you today.</div><main>${body}</main><div>And more offers here.</div>`,
    ],
    ['a table of contents', `<ul><li><a href="#a">A</a></li><li><a href="#b">B</a></li></ul>${body}`],
    [
      'a bar of links without a name',
      `<p><a href="p">Prev</a> <a href="u">Up</a> <a href="n">Next</a></p>${body}<p><a href="p">Prev</a> | <a href="n">Next</a></p>`,
    ],
    ['a table of links', `<table><tr><td><a href="p">Prev</a></td><td><a href="n">Next</a></td></tr></table>${body}`],
    ['hidden text', `<div hidden>secret words</div><p style="display: none">more words</p>${body}<span aria-hidden="true">x</span>`],
    ['a language bar', `<p>Languages: <a href="en">en</a> | <a href="fr">fr</a> | <a href="ja">ja</a></p>${body}`],
    ['a short list of links at the end', `${body}<h2>See also</h2><ul><li><a href="a">A</a></li><li><a href="b">B</a></li></ul>`],
    ['the name of its language over code', body.replace('<pre>', '<p>Shell</p><pre class="language-sh">')],
    ['an edit link', `${body}<p><a href="https://host/edit">Edit this page on GitHub</a></p>`],
    ['a slogan before the navigation', `<div>Small. Fast. Yours.</div><ul class="menu"><li><a href="/">Home</a></li></ul>${body}`],
    ['when the page was changed', `${body}<p>This page was last modified on 2022-12-07 by someone</p>`],
    ['the book around a page', `${body}<ul><li><a href="p">Prev</a></li><li>The Book of Things</li><li><a href="n">Next</a></li></ul>`],
    [
      'scripts, styles and drawings',
      `<script>var a = "<p>x</p>"</script><style>p{}</style><svg><title>t</title><text>x</text></svg>${body}`,
    ],
  ])('drops %s', (_, html) => {
    expect(prose(html)).toEqual(kept);
  });

  test.each([
    ['an admonition', `<main>${body}<aside class="note"><p>Mind the gap.</p></aside></main>`, 'Mind the gap.'],
    ['a content element that is called a menu', `<div class="menu">${body}</div>`, LONG],
    ['a page that stands in one form', `<form><h1>T</h1><p>${LONG} ${LONG} ${LONG} ${LONG}</p></form>`, LONG],
    ['the title in a header', `<header><h1>Thing</h1><p>Says what it is.</p></header>${body}`, 'Says what it is.'],
    [
      'a table whose first row is called header',
      `${body}<table><tr class="header"><th>Name</th><th>Meaning</th></tr><tr><td>x</td><td>The letter.</td></tr></table>`,
      'The letter.',
    ],
    [
      'an index page of links',
      `<h1>Index</h1><ul><li><a href="a">First page</a></li><li><a href="b">Second page</a></li></ul>`,
      'Second page',
    ],
    [
      'the contents that a stated main part is',
      `<nav>${'<a href="/x">Another page</a> '.repeat(30)}</nav><main><h1>Guides</h1><ul><li><a href="a">First</a></li></ul></main>`,
      'First',
    ],
    [
      'a list of links after much text',
      `<main>${body}<ul><li><a href="a">Sorting</a></li><li><a href="b">Logging</a></li></ul></main>`,
      'Logging',
    ],
    ['main in a wrapper that is called navigation', `<div class="nav-wrap"><main>${body}</main></div>`, LONG],
    [
      'a list that says something of what it links to',
      `${body}<p><a href="p">Prev</a> | <a href="n">Next</a></p>${body}<ul><li>Added the <a href="a">first of the new commands</a>, slowly</li></ul>`,
      'slowly',
    ],
    ['a word before code', `${body}<p>Output</p><pre class="language-sh">ls</pre>`, 'Output'],
    [
      'a section about what is chrome elsewhere',
      `${body}<section id="comments"><h2>Comments</h2><p>They begin with #.</p></section>`,
      '#.',
    ],
    [
      'a copyright that has a heading',
      `<main>${body}<h2>Copying</h2><p>Copyright 2021 of the authors. Free use is granted.</p></main>`,
      'Free',
    ],
    ['a hidden tab panel', `${body}<div role="tabpanel" hidden><pre>npm i</pre></div>`, 'npm i'],
  ])('keeps %s', (_, html, expected) => {
    expect(prose(html).join('\n')).toContain(expected);
  });

  test.each([
    ['the only heading', '<title>Lists - Manual</title>', '<h1>Lists</h1>', 'Lists'],
    ['the title, when the heading names the site', '<title>Path | Node 18 documentation</title>', '<h1>Node 18 documentation</h1>', 'Path'],
    ['the title without the version that the heading adds', '<title>npm-ci</title>', '<h1>npm-ci <span>@11.19.1</span></h1>', 'npm-ci'],
    ['the title, when there are many first headings', '<title>SELECT</title>', '<h1>1. Overview</h1><p>x</p><h1>2. More</h1>', 'SELECT'],
  ])('names the page by %s', (_, title, heading, expected) => {
    const result = of(`<html lang="en"><head>${title}</head><body>${heading}<p>${LONG}</p></body></html>`);
    expect(result).toMatchObject({ keep: true, document: { title: expected, language: 'en' } });
  });
});

describe('hostile and empty pages', () => {
  test.each([
    ['no text', '<p></p><img src="x">', 'empty'],
    ['deep nesting', '<div>'.repeat(1_000_000), 'too_deep'],
    ['deep lists', '<ul><li>'.repeat(50_000), 'too_deep'],
  ])('gives a reason for %s', (_, html, reason) => {
    expect(of(html)).toEqual({ keep: false, reason });
  });

  test('of a script without spaces is not taken for short', () => {
    const html = '<p>该命令将文件从第一个目录复制到第二个目录，并且不会等待其他进程完成。</p><p>ไฟล์จะถูกคัดลอกไปยังไดเรกทอรีที่สองเสมอ</p>';
    expect(cleanText(page(), html, { minWords: 10 })).toMatchObject({ keep: true });
    expect(cleanText(page(), '<p>复制命令</p>', { minWords: 10 })).toMatchObject({ keep: false, reason: 'too_short', detail: '2 words' });
  });

  test('gives a reason for few words', () => {
    expect(cleanText(page(), '<p>two words</p>', { minWords: 3 })).toEqual({ keep: false, reason: 'too_short', detail: '2 words' });
  });

  test.each([
    ['NULs', `<p>a\0b ${LONG}</p><pre>x\0y</pre>`],
    ['a huge attribute', `<p title="${'x'.repeat(2_000_000)}" class="${'y '.repeat(200_000)}">${LONG}</p>`],
    ['broken tags', `<p <b>${LONG}</i></div></p></table><td><li>x<dd>y`],
    ['a million entities', `<p>${LONG}${'&lt;'.repeat(100_000)}</p>`],
    ['unclosed items', `<p>${LONG}</p><ul>${'<li>x'.repeat(20_000)}`],
    ['an attribute named __proto__', `<p __proto__="x" constructor="y">${LONG}</p>`],
  ])('reads %s', (_, html) => {
    const result = of(html);
    expect(result.keep).toBe(true);
    expect(JSON.stringify(result)).not.toContain('\\u0000');
  });
});

test('decodes bytes by the page and not by the caller', () => {
  const bytes = Buffer.from('<meta charset="windows-1252"><p>It\x92s a page with \x93quotes\x94 in it.</p>', 'latin1');
  expect(clean(page(), bytes, { minWords: 1 })).toMatchObject({
    keep: true,
    document: { blocks: [{ text: 'It’s a page with “quotes” in it.' }] },
  });
});

test('gives one digest for pages that differ in chrome only', () => {
  const html = (nonce: string): string =>
    `<nav><a href="/">Home</a></nav><main><h1>T</h1><p>${LONG}</p></main><footer>Built ${nonce}</footer>`;
  expect(of(html('Monday'))).toEqual(of(html('Tuesday')));
});

test.each([
  ['as we write it', renderBlocks],
  ['as a converter that escapes writes it', writeMarkdown],
])("reads the Markdown of npm's manual, %s, to the blocks that its HTML gives, page by page", (_, write) => {
  const folder = join(dirname(require.resolve('npm/package.json')), 'docs/output');
  let read = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((each) => each.endsWith('.html'))
    .sort()) {
    const made = blocks(readFileSync(join(folder, name), 'utf8'));
    read += made.length;
    // A heading's anchor is no part of Markdown.
    const expected = made.map((block) => (block.type === 'heading' ? { ...block, anchor: null } : block));
    expect([name, parseMarkdown(write(made))]).toEqual([name, expected]);
  }
  expect(read).toBeGreaterThan(5000);
});

test.each([
  [
    'nested lists of both kinds',
    '<ol><li>One<ul><li>two<ol><li>three</li></ol></li><li>four</li></ul></li><li>five</li></ol>',
    '1. One\n   - two\n     1. three\n   - four\n2. five',
  ],
  [
    'paragraphs in an item',
    '<ul><li><p>One.</p><p>More.</p><ul><li>two</li></ul></li><li>three</li></ul>',
    '* One.\n\n  More.\n  * two\n\n* three',
  ],
  [
    'a table without a heading',
    '<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>',
    '|  |  |\n| --- | --- |\n| a | b |\n| c | d |',
  ],
  [
    'a line break in a cell',
    '<table><tr><th>a</th><th>x</th></tr><tr><td>b<br>c</td><td>1</td></tr><tr><td>d</td><td>2</td></tr></table>',
    '| a | x |\n|---|---|\n| b<br>c | 1 |\n| d | 2 |',
  ],
  [
    'an admonition as an alert',
    '<div class="admonition note"><p class="admonition-title">Note</p><p>Mind the gap.</p></div>',
    '> [!NOTE]\n> Mind the gap.',
  ],
  [
    'an admonition with a bold label',
    '<div class="warning"><p class="admonition-title">Warning</p><p>Mind the gap.</p></div>',
    '> **Warning:**\n>\n> Mind the gap.',
  ],
  ['two quoted paragraphs', '<blockquote><p>One.</p><p>Two.</p></blockquote>', '> One.\n>\n> Two.'],
  ['what looks like an element and is none', '<p>Copy &lt;file&gt; to &lt;dir&gt;.</p>', 'Copy <file> to <dir>.'],
  [
    'a definition',
    '<dl><dt>Gap</dt><dd>What is between the train and the platform.</dd></dl>',
    'Gap\n: What is between the train\n  and the platform.',
  ],
])('reads %s from Markdown as from HTML', (_, html, markdown) => {
  const made = blocks(`<h1>T</h1><p>${LONG}</p>${html}`).map((block) => ({ ...block, ...('anchor' in block ? { anchor: null } : {}) }));
  const read = parseMarkdown(`# T\n\n${LONG}\n\n${markdown}\n`);
  const oneLine = (list: Block[]): unknown => JSON.parse(JSON.stringify(list).replaceAll('the train\\nand', 'the train and'));
  expect(oneLine(read)).toEqual(made);
});

test('reads Markdown to the blocks that its HTML gives', () => {
  const markdown = `# Thing\n\n${LONG} Run \`x\`.\n\n- one\n- two\n\n\`\`\`js\nlet a;\n\`\`\`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n`;
  const html = `<h1>Thing</h1><p>${LONG} Run <code>x</code>.</p><ul><li>one</li><li>two</li></ul><pre><code class="language-js">let a;\n</code></pre>
    <table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>`;
  expect(cleanText(page('markdown'), markdown, { minWords: 1 })).toEqual(of(html));
});
