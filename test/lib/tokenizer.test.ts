import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Parser } from 'htmlparser2';
import { NO_ATTRIBUTES, type Attributes } from '../../lib/html-events';
import { tokenize } from '../../lib/tokenizer';
import { createRandom } from '../../lib/random';

type Event = [kind: 'open' | 'close' | 'text', what: string, attributes?: Record<string, string>];

const push = (events: Event[], event: Event): void => {
  const last = events.at(-1);
  if (event[0] === 'text' && last?.[0] === 'text') last[1] += event[1];
  else events.push(event);
};
/** What a text that ends within a tag closes is nobody's business: both drop the tag. */
const finish = (events: Event[]): Event[] => {
  while (events.at(-1)?.[0] === 'close') events.pop();
  return events;
};

const NAMES: Record<string, keyof Attributes> = {
  id: 'id',
  class: 'class',
  role: 'role',
  href: 'href',
  name: 'name',
  lang: 'lang',
  'xml:lang': 'lang',
  hidden: 'hidden',
  'aria-hidden': 'ariaHidden',
  style: 'style',
  start: 'start',
  'data-lang': 'dataLang',
  'data-language': 'dataLang',
};

const ours = (html: string): Event[] => {
  const events: Event[] = [];
  tokenize(html, {
    open: (tag, attributes) => {
      push(events, ['open', tag.name, Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null)) as never]);
    },
    text: (data) => {
      push(events, ['text', data]);
    },
    close: (tag) => {
      push(events, ['close', tag.name]);
    },
  });
  return finish(events);
};

const theirs = (html: string): Event[] => {
  const events: Event[] = [];
  const parser = new Parser({
    onopentag: (name, attributes) => {
      const read: Record<string, string> = {};
      for (const field of Object.keys(NO_ATTRIBUTES) as (keyof Attributes)[])
        for (const [each, value] of Object.entries(attributes))
          if (Object.hasOwn(NAMES, each) && NAMES[each] === field) read[field] ??= value;
      push(events, ['open', name.toLowerCase(), read]);
    },
    ontext: (data) => {
      push(events, ['text', data]);
    },
    onclosetag: (name) => {
      push(events, ['close', name.toLowerCase()]);
    },
  });
  parser.end(html);
  return finish(events);
};

test.each([
  '<p class=a id="b" title=\'c\'>x<br/>y</p>z',
  '<P CLASS="A">x</P>',
  '<a href=x/y?a=1&amp;b=2&copy=3>t</a>&amp &lt;&copy;&notit; &#x41;&#0;&bogus;',
  'a < b <3 <!-- c --> d <!--> e <!---> f <!-- g --!> h <!-- -- - --- --> i',
  '<!doctype html><?xml version="1.0"?><!bogus><![CDATA[x]]>y</ z></>w',
  '<script>if (a < b && "</b>") { "<!--" }</script><style>a > b</style ><title>A &amp; <b>B</title>t',
  '<textarea>&lt;</textareas></textarea >x<xmp><b>y</xmp>z<plaintext><b>&amp;</plaintext>',
  '<svg><path d="x"/><title>t<b>u</title><![CDATA[<b>]]><desc/><style>a&amp;b</style></svg><div/>after',
  '<math><mi>x</mi><mspace/><annotation-xml><p>y</annotation-xml></math>',
  '<ul><li>a<li>b</ul><dl><dt>c<dd>d<dt>e</dl><table><tr><td>1<td>2<tr><th>3</table>',
  '<p>a<p>b<div>c</div></p></p></br><form><form></form></form><image src=x>',
  '<a =x b= c="d"e f / g/>h<a/ ><a id id=2 id="3">',
  '<x-y id=q><z>deep</x-y></z><div <b>x</i',
  '<p title="never closed',
])('reads %s as htmlparser2 does', (html) => {
  expect(ours(html)).toEqual(theirs(html));
});

test('reads whole pages as htmlparser2 does', () => {
  const folder = join(dirname(require.resolve('npm/package.json')), 'docs/output');
  for (const name of ['commands/npm-install.html', 'using-npm/config.html', 'configuring-npm/package-json.html']) {
    const html = readFileSync(join(folder, name), 'utf8');
    expect(ours(html)).toEqual(theirs(html));
  }
});

/** Scraps of markup in any order: most pages made of them are broken in several ways. */
const SCRAPS = [
  ...'<p> </p> <div class="a b"> </div> <a href="#x"> </a> <ul> <li> </ul> <pre> </pre> <code> </code> <table> <tr> <td> </table>'.split(
    ' ',
  ),
  ...'<script> </script> <title> </title> <svg> </svg> <path/> <desc> <math> <mi> <br> <br/> <h2 id=x> </h2> <form> </form>'.split(' '),
  ...'<textarea> </textarea> <style> </style> <dl> <dt> <dd> </dl> <svg><foreignObject>x</foreignObject> <unknown> </unknown>'.split(' '),
  ...'<!-- --> <!--> --!> <![CDATA[ ]]> <!doctype> <? <! </ < > " \' = / & &amp; &lt &#65; &#x110000; &notin; &nope; -'.split(' '),
  ...[
    '<A HREF=x>',
    '<a\nid = y',
    'text',
    ' ',
    '\n',
    '<p id="a&amp;b">',
    "<p class='c' hidden>",
    '<iframe>',
    '</iframe >',
    'é',
    '\u{1F600}',
  ],
];

test('reads any mix of markup as htmlparser2 does', () => {
  const { below } = createRandom(20261124);
  const unlike: unknown[] = [];
  for (let round = 0; round < 20_000; round++) {
    let html = '';
    for (let left = 1 + below(14); left > 0; left--) html += SCRAPS[below(SCRAPS.length)]!;
    // What the end of the text cuts off is dropped by us, as HTML says, and text to htmlparser2.
    html += ' </i>';
    // htmlparser2 leaves a reference as it is when it follows "<" or the start of an end tag in <title> or <textarea>.
    if (/<(?:title|textarea)\b.*<[/a-z]*&/is.test(html)) continue;
    const [mine, reference] = [ours(html), theirs(html)];
    if (JSON.stringify(mine) !== JSON.stringify(reference)) unlike.push({ html, mine, reference });
  }
  expect(unlike).toEqual([]);
});
