// What is content on pages of generators that state no main part, and whose pages are short: written after what was found on them.
import { blockText } from '../../lib/blocks';
import { cleanText } from '../../lib/clean';
import { htmlPage } from '../support/html-page';

const LONG = 'The widget reads its settings from a file and turns the handle as often as the file says.';
const link = (text: string): string => `<a href="/${text.replaceAll(' ', '-')}.html">${text}</a>`;
const BAR = `<table><tr><td>${link('Previous')} ${link('Up')} ${link('Next')}</td></tr></table>`;

const textsOf = (body: string, title = 'Widgets'): string[] => {
  const result = cleanText(htmlPage, `<html><head><title>${title}</title></head><body>${body}</body></html>`, { minWords: 1 });
  return result.keep ? result.document.blocks.map(blockText) : [];
};

describe('a page that states no main part', () => {
  test('begins with the heading over its first text, also where links stand between them', () => {
    const body = `${BAR}<h2>Turning widgets</h2><dl><dt>See also</dt><dd>${link('the manual of handles')}</dd></dl><p>${LONG}</p>`;
    expect(textsOf(body, 'Manual: Section 2')[0]).toBe('Turning widgets');
  });

  test('begins with the heading that it is named after, behind the headings of its lists of links', () => {
    const body = `<h3>Classes</h3><ul><li>${link('First')}</li></ul><h3>Widgets</h3><p>Turns a handle.</p><p>${link('Handle')}</p><p>${LONG}</p>`;
    expect(textsOf(body, 'Widgets | Manual')).toEqual(['Widgets', 'Turns a handle.', 'Handle', LONG]);
  });

  test('begins with its title, and not with a line between the navigation and it', () => {
    expect(textsOf(`${BAR}<p>Reference for unit (${link('x')})</p><h1>Widgets</h1><p>${LONG}</p>`)).toEqual(['Widgets', LONG]);
  });

  test('begins with its title where it has few words, and not with a line over it', () => {
    expect(textsOf(`${BAR}<p>Reference for unit (${link('x')})</p><h1>Widgets</h1><p>Number of turns</p>`)).toEqual([
      'Widgets',
      'Number of turns',
    ]);
  });

  test('is no index for the list of its book that stands beside its text, whatever the level of its heading', () => {
    const book = `<table>${`<tr><td>${link('A part of the whole book')}</td></tr>`.repeat(9)}</table>`;
    expect(textsOf(`${book}<h4>Widgets</h4><p>${LONG}</p>`, 'Widgets')).toEqual(['Widgets', LONG]);
  });

  test('keeps a word straight over its title', () => {
    expect(textsOf(`${BAR}<h3>Method</h3><h1>turn</h1><p>${LONG}</p>`, 'turn')).toEqual(['Method', 'turn', LONG]);
  });

  test('keeps short text under its first heading', () => {
    const body = `<h2>Name</h2>turn - Turns a widget<h2>Keywords</h2>${link('widget')}, ${link('handle')}, ${link('crank')}<h2>Use</h2><p>${LONG}</p>`;
    expect(textsOf(body, 'Manual')).toContain('turn - Turns a widget');
  });

  test('keeps a short sentence under a heading at its end, behind a type that is a link', () => {
    const body = `<h1>Widgets</h1><p>${LONG}</p><h4>Return value</h4><p>Type: ${link('Handle')}</p><p>The data belongs to the instance.</p>${BAR}`;
    expect(textsOf(body)).toEqual(['Widgets', LONG, 'Return value', 'Type: Handle', 'The data belongs to the instance.']);
  });

  test('keeps types that are links', () => {
    const types = `lookup :: ${link('Key')} -> ${link('Map')} -> ${link('Maybe')} ${link('Value')}`;
    expect(textsOf(`<h1>Widgets</h1><p>${LONG}</p><h2>Functions</h2><p>${types}</p>`)).toContain('lookup :: Key -> Map -> Maybe Value');
  });

  test('keeps a short description over its first section, which is no title', () => {
    const body = `${BAR}<p>Description</p><p>The deriving code of widgets</p><h1>Documentation</h1><p>${LONG}</p>`;
    expect(textsOf(body, 'Widgets.Deriving')).toContain('The deriving code of widgets');
  });

  test('keeps its few words where it has no more', () => {
    const body = `<h1>Widgets</h1><p>< ${link('manual')} | ${link('parts')}</p><p>Turns the handle.</p><p>${link('Next')}</p>`;
    expect(textsOf(body)).toEqual(['Widgets', 'Turns the handle.']);
  });
});

describe("the site's name as a first-level heading", () => {
  test('goes before the one that the page is named after', () => {
    expect(textsOf(`<h1>The Manual</h1>${BAR}<h1>Widgets</h1><p>${LONG}</p>`, 'Widgets — The Manual')).toEqual(['Widgets', LONG]);
  });

  test('goes before another where the title of the page ends with it', () => {
    const body = `<h1>${link('The Manual')}</h1><h1>Source code of widgets</h1><p>${LONG}</p>`;
    expect(textsOf(body, 'widgets — The Manual')).toEqual(['Source code of widgets', LONG]);
  });

  test('goes where it is a link to another page over headings of this one', () => {
    expect(textsOf(`<h1>${link('The Manual')}</h1><h2>2. Widgets</h2><p>${LONG}</p>`, '2. Widgets')).toEqual(['2. Widgets', LONG]);
  });

  test('makes no content of the navigation that it stands in', () => {
    const nav = `<div id="navigation"><h1>Manual</h1><ul>${`<li>${link('A part')}</li>`.repeat(40)}</ul></div>`;
    expect(textsOf(`${nav}<h1>Class Widget</h1><p>${LONG}</p>`, 'Class Widget')).toEqual(['Class Widget', LONG]);
  });

  test('stays where it is the name of the page, linked or not', () => {
    expect(textsOf(`<h1>${link('Widgets')}</h1><h2>Use</h2><p>${LONG}</p>`, 'lib.Widgets')).toEqual(['Widgets', 'Use', LONG]);
  });
});

describe('articles', () => {
  const entries = ['turn', 'stop', 'wind'].map((name) => `<article><h4>${name}()</h4><p>${LONG} It does ${name}.</p></article>`).join('');

  test('that are entries of a page leave its description in', () => {
    expect(textsOf(`<h1>Widgets</h1><p>${LONG}</p>${entries}`)).toHaveLength(8);
  });

  test('that are many entries of a page leave its few words in', () => {
    expect(textsOf(`<h1>Widgets</h1><p>All about turning widgets by hand.</p>${entries.repeat(9)}`)[1]).toBe(
      'All about turning widgets by hand.',
    );
  });

  test('are the content where nothing else but chrome is said', () => {
    const body = `<div>Small. Fast.</div><article><h1>Widgets</h1><p>${LONG} ${LONG}</p></article><aside><p>${LONG}</p></aside>`;
    expect(textsOf(body)).toEqual(['Widgets', `${LONG} ${LONG}`]);
  });
});

test('rights in a footer go on a page of few words, all that is said of them', () => {
  const rights = 'Distributed under the Widget Licence, Version 1.0. See the file that came with the library for what it grants to you.';
  const footer = `<table><tr><td><div class="copyright-footer">Copyright © 2020 The Authors<p>${rights}</p></div></td></tr></table>`;
  expect(textsOf(`<h2>Widgets</h2><p>${LONG}</p>${footer}`)).toEqual(['Widgets', LONG]);
});

test.each([
  ['what stands under "On this page"', `<p>On this page:</p><ul><li><a href="#a">A</a></li><li><a href="#b">B</a></li></ul>`],
  ['buttons as a list', '<ol><li>Hide all</li><li>Show all</li></ol>'],
])('%s is no content', (_, html) => {
  expect(textsOf(`<main><h1>Widgets</h1>${html}<p>${LONG}</p></main>`)).toEqual(['Widgets', LONG]);
});

test('a control at the end of a line goes, and the line stays', () => {
  expect(textsOf(`<h1>Widgets</h1><div><b>turn</b>(times) <span>click to toggle source</span></div><p>${LONG}</p>`)).toEqual([
    'Widgets',
    'turn(times)',
    LONG,
  ]);
});
