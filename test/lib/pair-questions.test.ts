// Questions and answers that were read and found wrong, and how they are now; a title is the sentence that was false.
import { pair } from '../../lib/pair';
import { asked, LONG, made, OPTIONS, sectionsOf } from '../support/paired';

const topic = (heading: string, text = LONG, title = 'Guide'): string =>
  asked(`<h1>${title}</h1><h2>${heading}</h2><p>${text}</p>`)[0] ?? '';

describe('a heading is asked for as a person would', () => {
  test.each([
    [
      'with the article that the text gives it',
      'File Change Counter',
      `The file change counter is a number. ${LONG}`,
      /the file change counter \(Guide\)\?$/,
    ],
    ['with an article before "of"', 'Use of Funds', LONG, /the use of funds \(Guide\)\?$/],
    ['as the name of what it calls it', 'ProxyPass Directive', LONG, /the ProxyPass directive(?: do)? \(Guide\)\?$/],
    ['without "about"', 'About Flexible Typing', LONG, /(?:about|explain) flexible typing \(Guide\)\?$/],
    ['and not told to do what is a name', 'Require Directive', LONG, /the require directive \(Guide\)\?$/],
    ['with its label beside it', 'DEP0104: <code>process.env</code> coercion', LONG, /DEP0104 \(`process\.env` coercion\)/],
    ['as a constant without its number', '(3594) LITE_IOERR', LONG, /`LITE_IOERR`/],
    ['as examples', 'Examples Using each()', LONG, /^Can you show me examples using each\(\)/],
    ['as the example that it is', 'Example: clone the layer', LONG, /^Can you show me the example "clone the layer"/],
    ['as a deed on what the page is about', 'Compiling', LONG, /^How do I compile guide\?$/],
    [
      'in the words that SQL shouts',
      'DROP TRIGGER',
      `The DROP TRIGGER statement removes a trigger that was created. ${LONG}`,
      /DROP TRIGGER \(Guide\)\?$/,
    ],
    [
      'without the shouting of a manual',
      'EXCLUDE PATTERNS',
      `An exclude pattern leaves files out. ${LONG}`,
      /(?:about|explain) exclude patterns \(Guide\)\?$/,
    ],
    ['with the article of a thing', 'Free Lid List', LONG, /the free lid list \(Guide\)\?$/],
    ['without one for what is no single thing', 'Lid Pooling', LONG, /(?:about|explain) lid pooling \(Guide\)\?$/],
    ['without one for what is called by a name', 'Lid module mod_lid', LONG, /(?:about|explain) lid module mod_lid \(Guide\)\?$/],
    ['without one for two things', 'Lids and boxes', LONG, /(?:about|explain|are) lids and boxes \(Guide\)\?$/],
    ['with no article of the command that it begins', 'DROP LID', `Use the DROP LID command. ${LONG}`, / DROP LID \(Guide\)\?$/],
    ['as what to do with two verbs', 'Enable Or Disable Lids', LONG, /^How do I enable or disable lids/],
    ['as what to do with an unknown verb', 'Varnish your lid', LONG, /^How do I varnish my lid/],
    ['as what to do with a particle', 'Clean Up The Lids', LONG, /^How do I clean up the lids/],
    ['as a noun phrase where "of" follows the verb', 'Name Of A Lid', LONG, /the name of a lid/],
    ['as what the narrower half of it says', 'Case study: moving a lid', LONG, /^How do I move a lid/],
    ['as the step that it is', 'Step 2: Install the lid', LONG, /^How do I install the lid/],
    ['as the hook that it names', 'Hook: lid_open', LONG, /the lid_open hook/],
    ['as a flag with its long name', 'F|forbidden', LONG, /`F\|forbidden`/],
    [
      'as a thing of the page when it is a word of no single thing',
      'Caching',
      `${LONG} Without caching, it is slow.`,
      /(?:about|explain) caching \(Guide\)\?$/,
    ],
    [
      'in its own capitals where a link is without them',
      'Using Novell lids',
      `A link to novell.com. It runs on Novell and for Novell too. ${LONG}`,
      /Novell/,
    ],
    ['whole where half a name would be left', 'Lid of Ethics', `It is in the Lid of Ethics. It has Ethics. ${LONG}`, /the Lid of Ethics/],
    [
      'as the thing that its page has one of',
      'Covering Lids',
      `There is a covering lid. ${LONG}`,
      /(?:about|explain) covering lids \(Guide\)\?$/,
    ],
    [
      'as what is done with an adverb',
      'Explicitly closing boxes',
      `An explicit lid. ${LONG}`,
      /^How do I explicitly close boxes \(Guide\)\?$/,
    ],
    ['as what is done that takes "for"', 'Test For Open Lids', LONG, /^How do I test for open lids \(Guide\)\?$/],
    ['with one pair of parentheses', 'Lid compression (LC)', LONG, /(?:about|explain) lid compression \(Guide\)\?$/],
    ['with no parentheses that its place repeats', 'Main features', LONG, /^What are the features of guide\?$/],
    [
      'as the caveats that two words name',
      'Limitations And Caveats',
      LONG,
      /^What (?:are the caveats of|should I watch out for when using) guide\?$/,
    ],
    ['without its second number', '3.1. 2. Lid Pooling', LONG, /(?:about|explain) lid pooling \(Guide\)\?$/],
    ['as an example without its label', 'LIBLID: box opening example', LONG, /^Can you show me a box opening example/],
    ['as a call in the letters of its page', 'The Carray() Lid', `A carray() is one. ${LONG}`, /the carray\(\) lid/],
    ['of the reader who asks', 'Your first box', LONG, /(?:about|explain) my first box/],
    ['as a deed only where it is one', 'Nesting of sections', LONG, /the nesting of sections \(Guide\)\?$/],
    ['as a deed with the article of its object', 'Submitting pull request', LONG, /^How do I submit the pull request/],
    [
      'as a thing where of two deeds one is unknown',
      'Redirecting and remapping lids',
      LONG,
      /(?:about|explain) redirecting and remapping lids/,
    ],
    ['without what it says in passing', 'Using lidrotate (recommended)', LONG, /^How do I use lidrotate \(Guide\)\?$/],
    [
      'as code that the page begins a line with',
      'Require lid-filter',
      `${LONG}</p><pre>Require lid-filter on</pre><p>`,
      /`Require lid-filter`/,
    ],
    ['by what the page is about where it says "it"', 'How does it work?', LONG, /^How does guide work/],
    ['without its letter', 'a) Lids of boxes', LONG, /(?:about|explain) the lids of boxes/],
  ])('%s', (_, heading, text, expected) => {
    expect(topic(heading, text)).toMatch(expected);
  });

  test.each([
    ['a word alone of which the text says nothing', 'Lid'],
    ['a test with a number', 'Test 9: 25000 lids in a box'],
    ['what is run without what', 'Running Locally'],
    ['a deed on "the feature"', 'Enabling the feature'],
    ['the name of a file', '/lid/.htaccess'],
    ['an address', 'lid@example.org'],
    ['where more is said', 'More information'],
    ['a sentence', 'SSLCertificateChainFile is deprecated'],
    ['a sentence whose verb is an instruction too', 'Brag about it'],
    ['what is not to be done', 'Do not log requests for lids'],
    ['what is ours', 'Our basic lid setup'],
    ['what is related', 'Related lids and boxes'],
    ['a comparison without a noun', '35% Faster Than The Box'],
    ['what may be a deed or a thing', 'Export to CSV'],
    ['what ends before its noun', 'Lids to be used by'],
    ['a mark of work to be done', 'TODO'],
  ])('%s asks nothing', (_, heading) => {
    expect(topic(heading)).toBe('');
  });

  test('a section of an entry names the entry', () => {
    const under = (heading: string): string[] =>
      asked(`<h1>Box module</h1><h2>LidOpen Directive</h2><p>${LONG}</p><h3>${heading}</h3><p>Of ${heading.length} sorts. ${LONG}</p>`);
    expect(under('Security')).toContainEqual('What are the security considerations for the LidOpen directive (Box module)?');
    expect(under('Supported lids').join(' ')).toMatch(/supported lids for the LidOpen directive/);
  });

  test('a word alone is not asked what it means', () => {
    expect(topic('Website')).not.toMatch(/mean/);
  });

  test('a release is asked for by its number', () => {
    const html = `<h1>Recent News</h1><h2>2008-03-17 - Version 3.5.7</h2><p>With some care FooBase is faster now. ${LONG}</p>`;
    const pages = Array.from({ length: 6 }, (_, index) =>
      sectionsOf(html.replace('3.5.7', `3.5.${index}`).replace('faster', `faster by ${index} percent`), `http://site.test/${index}`),
    ).flat();
    const questions = pair(pages, OPTIONS).pairs.map((each) => each.instruction);
    expect(questions.length).toBeGreaterThan(4);
    for (const question of questions)
      expect(question).toMatch(/^What (?:changed in|is new in) (?:FooBase release 3\.5\.\d|release 3\.5\.\d of FooBase)\?$/);
  });

  test.each([
    ['boxdiff.exe: Box Difference Utility', '<h2>Notes</h2>', /`?boxdiff\.exe`?\?$/],
    ['How to Revert a Faulty Merge', '', /^How do I revert a faulty merge\?$/],
    ['Configuring the Library', '', /^How do I configure the library\?$/],
    ['Box 3.3 documentation', '<h2>Lids</h2>', /^(?:What are|Can you (?:explain|tell me about)|What should I know about) lids\?$/],
    ['An Introduction to the Box Format', '', /(?:about|explain) the box format\?$/],
    ['Box Tutorial: Closing of Lids', '', /(?:about|explain) the closing of lids\?$/],
    ['Guide to Configuring the Library', '', /^How do I configure the library\?$/],
    ['The Box Quick Reference', '', /the box quick reference\?$/],
  ])('the page "%s" is named by what it is about', (title, heading, expected) => {
    expect(asked(`<h1>${title}</h1>${heading}<p>${LONG}</p><p>It is so.</p>`)).toEqual([expect.stringMatching(expected)]);
  });

  test("a field that is called like a page's first section is a field", () => {
    expect(asked(`<h1>box.json</h1><h3>description</h3><p>${LONG}</p>`)).toEqual([
      expect.stringContaining('`description` field in box.json'),
    ]);
  });
});

describe('an entry of a reference', () => {
  const entries = (list: string): string[] => asked(`<title>box</title><h1>box</h1><dl>${list}</dl>`);

  test('is asked for by its name where the whole declaration would be C in a sentence', () => {
    expect(entries(`<dt class="sig" id="c.box_open">void box_open(Box *box, int flags)</dt><dd>${LONG}</dd>`)).toEqual([
      expect.stringMatching(/`box_open\(\)`/),
    ]);
  });

  test('a parameter names the function that it belongs to', () => {
    expect(
      entries(`<dt class="sig" id="c.box_open">void box_open(Box *box)</dt><dd>${LONG} The <code>box</code> is opened.</dd>
        <dt class="sig">Box *box</dt><dd>The box that is opened, which must not be open by then.</dd>`),
    ).toContainEqual('What is the `box` parameter of `box_open()`?');
  });

  test('a parameter of nobody knows what asks nothing', () => {
    expect(entries('<dt class="sig">unsigned int flags</dt><dd>The flags to open the box with, or zero for none.</dd>')).toEqual([]);
  });

  test('a label that is defined again and again on a page is no term', () => {
    const twice = (word: string): string => `<dt>Custodian</dt><dd>The person who keeps the ${word} in order, day and night.</dd>`;
    expect(entries(twice('box'))).toHaveLength(1);
    expect(entries(`${twice('box')}</dl><p>${LONG}</p><dl>${twice('lid')}`).filter((question) => question.includes('Custodian'))).toEqual(
      [],
    );
  });

  test.each([
    ['two calls of one name', 'lid(X) lid(X,Y)', /`lid\(\)`/],
    ['a name with its arguments', 'ServerTokens Major', /`ServerTokens Major`/],
  ])('%s is asked for whole', (_, head, expected) => {
    expect(entries(`<dt class="sig">${head}</dt><dd>${LONG}</dd>`).join(' ')).toMatch(expected);
  });

  test('a member names the structure that its place names', () => {
    expect(entries(`<dt class="sig" id="c.Box.lid_count">int lid_count</dt><dd>${LONG}</dd>`)).toEqual([
      'What is the `lid_count` member of `Box`?',
    ]);
  });

  test('an option is not cut inside its brackets', () => {
    expect(entries(`<dt>--stat[=&lt;width&gt;[,&lt;count&gt;]]</dt><dd>${LONG}</dd>`).join(' ')).toMatch(/`--stat`/);
  });

  test('an option that can be negated is asked for as it is described', () => {
    expect(entries('<dt>--signoff</dt><dt>--no-signoff</dt><dd>Adds a line with the name of the committer to the message.</dd>')).toEqual([
      expect.stringMatching(/`--signoff`/),
    ]);
  });
});

test.each([
  ['Documentation for /box/lid/', /\(\/box\/lid\/\)\?$/],
  ['Lid support by Jane Doe <jane@example.org>', /\(Lid support\)\?$/],
  ['The lid driver README file', /\(The lid driver\)\?$/],
  ['A tour of lids [Lids.net]', /\(A tour of lids\)\?$/],
])('the page "%s" is called by what it is about', (title, place) => {
  expect(topic('Pooling methods', LONG, title.replace('<', '&lt;').replace('>', '&gt;'))).toMatch(place);
});

describe('a term', () => {
  const term = (name: string, meaning = LONG): string => asked(`<h1>Box</h1><dl><dt>${name}</dt><dd>${meaning}</dd></dl>`)[0] ?? '';

  test.each([
    ['without the name of its anchor', 'Lid Variable (lid-variable)', /"Lid Variable"/],
    ['as what to do', 'Closing the lid of a box', /^How do I close the lid of a box/],
    ['as words, though one of them is code', 'When NOT to use mod_lid', /^Can you explain when NOT to use mod_lid/],
    ['as a path', 'lids/info/old', /`lids\/info\/old`/],
    ['by the first of its names', 'lids, oldlids', /"lids"|are lids/],
    ['as the directive that it is', 'base Directive', /^What is the base directive/],
  ])('is asked for %s', (_, name, expected) => {
    expect(term(name)).toMatch(expected);
  });

  test.each([
    ['numbered text', '2. A web path to a lid'],
    ['an example of a code', '<code>200</code> (<code>%&gt;s</code>)'],
    ['a mark of a bibliography', '[LID1]'],
    ['what was done', 'Lid hook added'],
    ['addressed to the reader', 'The output of your lid'],
    ['a sentence', 'We assume the following lids'],
    ['what is left over', 'anything else'],
    ['the sort of a text', 'Introduction'],
    ['a letter', 'H'],
    ['a patent', 'US5408628 A'],
    ['a reference', '[2] Lids 6.2, sec 3.7'],
    ['of several parts', 'Field 2 – # of lids read'],
    ['what to do', 'Undo lids permanently again'],
    ['a question without a verb', 'Why lid needed?'],
    ['a label', 'Quick Quiz #2'],
    ['a declaration', 'struct box_head *box_alloc(void)'],
    ['what lids are like', 'Additional lids'],
  ])('that is %s asks nothing', (_, name) => {
    expect(term(name)).toBe('');
  });

  test('of a command line or a subcommand is asked for as it is typed', () => {
    const html = `<h1>box lid</h1><h2>Synopsis</h2><pre>box lid pop [--old]\nbox lid drop</pre><h2>Commands</h2><dl>
      <dt>pop [--old] [&lt;lid&gt;]</dt><dd>${LONG}</dd></dl>`;
    expect(asked(html).join(' ')).toMatch(/`box lid pop`/);
  });
});

describe('the sentence before code', () => {
  const code = (lead: string): string | undefined =>
    made(`<h1>Box Guide</h1><h2>Lids</h2><p>${LONG} ${lead}</p><pre>box close --lid</pre>`).pairs.find(({ kind }) => kind === 'code')
      ?.instruction;

  test.each([
    ['without what the writer says of it', 'Close the lid of the box is easy:', /^How do I close the lid of the box/],
    [
      'without the way that is the answer',
      'You can close a lid tightly by putting a stone on it:',
      /^How do I close a lid tightly\b(?!.* by)/,
    ],
    ['with its adverb', 'To temporarily close the lid, run:', /^How do I temporarily close the lid/],
  ])('is asked %s', (_, lead, expected) => {
    expect(code(lead)).toMatch(expected);
  });

  test.each([
    ['reminds of something', 'To remind you why you like lids:'],
    ['does something to something', 'To perform some operation on a lid:'],
    ['says no deed', 'This can be used to the lids of a box:'],
  ])('that %s asks nothing', (_, lead) => {
    expect(code(lead)).toBeUndefined();
  });
});

describe('an answer', () => {
  const answered = (text: string): string | undefined => made(`<h1>Guide</h1><h2>Old lists</h2>${text}`).pairs[0]?.response;

  test('lists the facts of a table whose columns have no heading', () => {
    const rows = '<tr><td>Syntax:</td><td><code>Lid On|Off</code></td></tr><tr><td>Default</td><td>Off</td></tr>';
    expect(answered(`<table>${rows}</table><p>${LONG}</p>`)).toBe(`- Syntax: \`Lid On|Off\`\n- Default: Off\n\n${LONG}`);
  });

  test.each([
    ['has headings', '<tr><th>Lid</th><th>State</th></tr><tr><td>one</td><td>open</td></tr>', '| Lid | State |'],
    ['has three columns', '<tr><td>one</td><td>open</td><td>old</td></tr><tr><td>two</td><td>shut</td><td>new</td></tr>', '|  |  |  |'],
    ['has an empty cell', '<tr><td>one</td><td>open</td></tr><tr><td>two</td><td></td></tr>', '|  |  |'],
  ])('keeps a table that %s', (_, rows, begin) => {
    expect(answered(`<table>${rows}</table><p>${LONG}</p>`)?.split('\n')[0]).toBe(begin);
  });

  test.each([
    ['since when it is there', `<p>${LONG}</p><p>Added in: v1.2.0</p>`],
    ['when its page was changed', `<p>${LONG}</p><p>This page last modified on 2022-01-08 05:02:57 UTC</p>`],
    ['who wrote it', `<p>by Jane Doe in 2014</p><p>${LONG}</p>`],
    ['where on the page more is said', `<p>${LONG}</p><p>See below for details.</p>`],
    ['what is linked below it', `<p>${LONG}</p><p>See also: the other lists</p>`],
    ['the list that is not there', `<p>${LONG} Here is a list of the facilities.</p>`],
  ])('does not end or begin with %s', (_, html) => {
    expect(answered(html)).toBe(LONG);
  });

  test.each([
    ['navigation', 'says only what its section is about', '<p>This section provides examples that demonstrate how to use the lists.</p>'],
    ['navigation', 'is an address', '<p>git https://git.example.org/pub/scm/linux/kernel/git/box.git/</p>'],
    ['navigation', 'is a form that lost its lines', `<p>server config, virtual host</p><p>Core</p><p>mod_core</p><p>${LONG}</p>`],
    ['navigation', 'is an index', '<ul><li>box of the people - box.html#box</li><li>lid of the box - lid.html#lid</li></ul>'],
    ['dangling_reference', 'speaks of a figure', `<p>${LONG} The base is circle (1) in the diagram above.</p>`],
    ['dangling_reference', 'begins with what stands before it', `<p>The algorithm above works well. ${LONG}</p>`],
    ['dangling_reference', 'announces what it does not hold', `<p>The following lids are called under the hood. ${LONG}</p>`],
    ['dangling_reference', 'speaks of what stands below', `<p>${LONG} Lid variables below have no values.</p>`],
    ['dangling_reference', 'only points elsewhere', '<p>Lids of international shipping containers differ considerably. See boxes.</p>'],
    ['dangling_reference', 'says that it is no more', `<p>This document has been deprecated. ${LONG}</p>`],
    [
      'dangling_reference',
      'ends where a list would begin',
      '<dl><dt>lid</dt><dd>The cover of a box, which can be in one of these states:</dd></dl>',
    ],
    ['low_score', 'is code where something is to be explained', '<pre>typedef struct old_lists_of_the_box old_lists_of_the_box;</pre>'],
  ])('is dropped as %s when it %s', (reason, _, html) => {
    const { pairs, dropped } = made(`<h1>Guide</h1><h2>Old lists</h2>${html}`);
    expect(pairs).toEqual([]);
    expect(dropped.map((each) => each.reason)).toEqual([reason]);
  });
});
