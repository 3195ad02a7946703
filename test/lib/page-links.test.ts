import { canonicalLink, pageLinks } from '../../lib/page-links';

const HTML = { format: 'html', charset: null } as const;
const MARKDOWN = { format: 'markdown', charset: null } as const;
const AT = 'https://example.org/docs/page.html';
const links = (text: string, form: typeof HTML | typeof MARKDOWN = HTML, obey = true): string[] =>
  pageLinks(Buffer.from(text), form, AT, obey).map((link) => link.replace('https://example.org', ''));

test.each([
  ['<a href="a.html">', ['/docs/a.html']],
  ['<a href=/b#top>', ['/b']],
  ['<area href="?x=1&amp;y=2">', ['/docs/page.html?x=1&y=2']],
  ['<a href="//other.test/x">', ['https://other.test/x']],
  ['<base href="/base/"><a href="c">', ['/base/c']],
  ['<frame src="left.html">', ['/docs/left.html']],
  ['<meta http-equiv="refresh" content="0; url=latest/">', ['/docs/latest/']],
  ['<META HTTP-EQUIV=Refresh CONTENT="0.5;URL=\'/v2/?a=1;b=2\'">', ['/v2/?a=1;b=2']],
  ['<meta http-equiv="refresh" content="300"><meta name="refresh" content="0; url=/no">', []],
  ['<meta name="robots" content="nofollow"><meta http-equiv="refresh" content="0; url=/v2/">', []],
  ['<a href="a"><a href="a#b"><a href="./a">', ['/docs/a']],
  ['<A HREF=" a ">', ['/docs/a']],
  ['<!-- <a href="x"> --><script>"<a href=y>"</script><textarea><a href=z></textarea><svg><a href="s"></a></svg><a href="t">', ['/docs/t']],
  ['<a href="mailto:a@b.c"><a href="javascript:x()"><a href="ftp://x/"><a href="https://u:p@x/"><a href="http://"><a>', []],
  ['<a href="a.png"><a href="a.PDF?x"><a href="a.pdfx"><a href="a.html.zip">', ['/docs/a.pdfx']],
  ['<a rel="nofollow" href="a"><a rel="noopener NOFOLLOW" href="b"><a rel="noopener" href="c">', ['/docs/c']],
  ['<meta name="robots" content="noindex, nofollow"><a href="a">', []],
  ['<meta name="ROBOTS" content="none"><a href="a">', []],
  ['<meta name="description" content="nofollow"><a href="a">', ['/docs/a']],
])('%s', (html, expected) => {
  expect(links(html)).toEqual(expected);
});

test('nofollow holds unless robots is ignored', () => {
  expect(links('<meta name="robots" content="nofollow"><a rel="nofollow" href="a">', HTML, false)).toEqual(['/docs/a']);
});

test.each([
  ['[a](a.html) and [b](</b> "title") and ![i](i.png)', ['/docs/a.html', '/b']],
  ['[![logo](l.svg)](c "t")', ['/docs/c']],
  ['[wiki](/wiki/Name_(thing)#x)', ['/wiki/Name_(thing)']],
  ['<https://other.test/x>', ['https://other.test/x']],
  ['[ref]: d.html "Title"', ['/docs/d.html']],
  ['```\n[no](no.html)\n```\n[yes](yes.html)\n~~~~\n[no](no)\n~~~\n[no](no)\n~~~~\n[y2](y2)', ['/docs/yes.html', '/docs/y2']],
])('Markdown: %s', (text, expected) => {
  expect(links(text, MARKDOWN)).toEqual(expected);
});

test.each([
  ['<link rel="canonical" href="/docs/other.html#x">', 'https://example.org/docs/other.html'],
  ['<base href="https://example.org/b/"><link rel="Canonical nofollow" href="x">', 'https://example.org/b/x'],
  ['<link rel="stylesheet" href="x"><link rel=canonical>', null],
  ['<body><link rel="canonical" href="/late">', null],
  ['<link rel="canonical" href="javascript:x">', null],
  [`${'<!-- padding -->'.repeat(30_000)}<link rel="canonical" href="/beyond">`, null],
  [
    `<meta charset="utf-8"><title>ü</title><link rel="canonical" href="/größe">${'ü'.repeat(200_000)}`,
    'https://example.org/gr%C3%B6%C3%9Fe',
  ],
])('the head calls it: %s', (html, expected) => {
  expect(canonicalLink(Buffer.from(html), HTML, AT)).toBe(expected);
});

test('a page of nothing but links, or of one that never ends, takes no more than its length', () => {
  expect(links('<a href="x'.repeat(100_000)).length).toBeLessThan(3);
  expect(links(Array.from({ length: 60_000 }, (_, number) => `<a href="${number}">`).join('')).length).toBe(50_000);
  expect(links(`[a](${'('.repeat(1_000_000)}`, MARKDOWN)).toEqual([]);
});
