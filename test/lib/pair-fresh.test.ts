// Questions of manuals that the rules had never seen, and how they are now; a title is the sentence that was false.
import { pair } from '../../lib/pair';
import { asked, LONG, made, OPTIONS, sectionsOf } from '../support/paired';

const under = (heading: string, text = LONG, title = 'Box Guide'): string[] => asked(`<h1>${title}</h1><h2>${heading}</h2><p>${text}</p>`);
const terms = (list: string, title = 'Box Guide'): string[] => asked(`<h1>${title}</h1><dl>${list}</dl>`);
/** Pages of one site, whose names are in its prose. */
const site = (pages: readonly string[]): string[] =>
  pair(
    pages.flatMap((html, index) => sectionsOf(html, `http://site.test/${index}`)),
    OPTIONS,
  ).pairs.map(({ instruction }) => instruction);

describe('what a page is about', () => {
  test('a word of every sentence is no tool', () => {
    const line = '<pre>with lid open\nwith box shut\nwith lid shut\nwith pin out</pre>';
    const questions = site(
      Array.from({ length: 6 }, (_, index) => `<h1>Lids with ${index} boxes</h1><h2>Lid Pooling</h2><p>${LONG} ${index}</p>${line}`),
    );
    expect(questions.filter((question) => question.includes(' in with'))).toEqual([]);
  });

  test('a title that only says "Limitations" asks nothing', () => {
    expect(asked(`<h1>Limitations</h1><p>${LONG}</p>`)).toEqual([]);
  });

  test('a title has its marks of code', () => {
    expect(asked(`<h1>Closing lids with the <code>Drop</code> pin</h1><p>${LONG}</p><p>It is so.</p>`)).toEqual([
      expect.stringMatching(/^How do I close lids with the `Drop` pin\?$/),
    ]);
  });

  test('release notes are asked for by their release', () => {
    expect(
      asked(`<h1>Foobox 3.2.4 release notes</h1><p>${LONG}</p><p>It is so.</p><h2>Bugfixes</h2><p>A lid shut. ${LONG}</p>`).sort(),
    ).toEqual(['What changed in Foobox 3.2.4?', 'Which bugs were fixed in Foobox 3.2.4?']);
  });

  test('an introduction that does not say what its tool is is none of the tool', () => {
    const pages = (begin: string): string[] =>
      site(
        Array.from(
          { length: 6 },
          (_, index) =>
            `<h1>${index === 0 ? 'Introduction' : `Lid ${index}`}</h1><p>${begin} It runs on Foobox ${index}, as Foobox does. ${LONG}</p><p>It is so.</p>`,
        ),
      );
    const general = /^(?:What should I know about|Can you explain) Foobox\?$/;
    expect(pages('Locks are old.').filter((question) => general.test(question))).toEqual([]);
    expect(pages('Foobox is a box.').filter((question) => general.test(question))).toHaveLength(1);
  });
});

describe('a heading', () => {
  test.each([
    ['of compatibility is asked for what it is of', 'Compatibility', /^What should I know about the compatibility of box\?$/],
    ['of a gerund and a noun made of one is a thing', 'Encoding Handling', /(?:about|explain) encoding handling/],
    ['with a number before a dash is without it', 'II - Lid Pooling', /(?:about|explain) lid pooling/],
    ['with a picture is without it', 'Lid Pooling 💻', /(?:about|explain) lid pooling \(/u],
    ['that only begins how to is about the page', 'How to load', /^How do I load box\?$/],
    ['introducing something is about it', 'Introducing lid pooling', /(?:about|explain) lid pooling/],
    [
      'with a list of what it tells after a colon is about what stands before',
      'Lid Pooling: fast and light',
      /(?:about|explain) lid pooling/,
    ],
    ['that is a name with an underscore is code, whatever it ends in', 'max_lids', /`max_lids`/],
    ['with a label for a short example has a small letter', 'Basic lid example', /a basic lid example/],
  ])('%s', (_, heading, expected) => {
    expect(under(heading).join('\n')).toMatch(expected);
  });

  test.each([
    ['a sentence about deeds', 'Compiling and Running Are Separate Steps'],
    ['a sentence with its', 'Dropping a box drops its lids'],
    ['what now is so', 'Lid view now accepts boxes'],
    ['what several do', 'Lids accept boxes'],
    ['what is done to nothing', 'Via the lid interface'],
    ['a question without a verb', 'Issue of high priority?'],
    ['a question in the order of a statement', 'Why the box has a lid?'],
    ['what is like something', 'Box-like'],
    ['a greeting', 'Hello, Lid!'],
    ['an option by its number', '1st option'],
    ['a declaration', 'int lid_status'],
  ])('that is %s asks nothing', (_, heading) => {
    expect(under(heading)).toEqual([]);
  });

  test('that begins with ON is no "on"', () => {
    expect(under('ON CONFLICT', `The ON CONFLICT clause is a clause, and ON CONFLICT is one. ${LONG}`).join()).toMatch(/ON CONFLICT/);
  });

  test('a name in capitals is no question that begins with "can"', () => {
    expect(under('CAN lids')).toEqual([expect.stringMatching(/CAN lids \(Box\)\?$/)]);
  });
});

describe('a term', () => {
  test('two spellings of one option are asked for by the long one', () => {
    expect(terms(`<dt><code>-q</code><br><code>--quiet</code></dt><dd>${LONG}</dd>`).join()).toMatch(/`--quiet`/);
  });

  test.each([
    ['a number is no option', '-205 (LID_FORMAT)'],
    ['a manual is no term', 'Lid/C API Reference Manual'],
    ['a mark of a footnote is no term', '[2]'],
    ['a package of a list is no term', 'Package lidtime'],
  ])('%s', (_, term) => {
    expect(terms(`<dt>${term}</dt><dd>${LONG}</dd>`)).toEqual([]);
  });

  test('an arrow is no option', () => {
    expect(terms(`<dt>-(ER)->:</dt><dd>${LONG}</dd>`).join()).not.toMatch(/option|use/);
  });

  test('who is to be reached is no term', () => {
    expect(terms(`<dt>Ada Lid</dt><dd>Phone: 555 0100. ${LONG}</dd>`)).toEqual([]);
  });

  test('"tree method" is a sort of method, and not one of that name', () => {
    const [question = ''] = asked(`<h1>Box Guide</h1><p>A tree box.</p><dl><dt>tree method</dt><dd>${LONG}</dd></dl>`);
    expect(question).toMatch(/"tree method"/);
  });

  test('a setting in a table is that of what the heading around it names', () => {
    const table = `<table><tr><th>Option</th><th>Description</th></tr><tr><td>increment</td><td>${LONG}</td></tr></table>`;
    expect(asked(`<h1>Box Guide</h1><h2>lid.Spinbox</h2><h3>Options</h3>${table}`).join()).toMatch(/`increment` option of lid\.Spinbox/);
  });

  test('a flag of a table has the dashes that are typed', () => {
    const table = `<table><tr><th>Option</th><th>Description</th></tr><tr><td>\u2011\u2011quiet</td><td>${LONG}</td></tr></table>`;
    expect(asked(`<h1>Box Guide</h1><h2>Shut</h2>${table}`).join()).toMatch(/`--quiet`/);
  });

  test('what has no place of its own is no part of a word before it', () => {
    const list = `<dt id="a"><code>LID_NAME</code></dt><dd>${LONG}</dd><dt><code>lid_count</code></dt><dd>A count. ${LONG}</dd>`;
    expect(terms(list).filter((question) => /`LID_NAME`.*lid_count|lid_count.*`LID_NAME`/.test(question))).toEqual([]);
  });
});

describe('the sentence before code', () => {
  const lead = (sentence: string): string[] =>
    asked(`<h1>Box Guide</h1><h2>Boxes</h2><p>${sentence}</p><pre>lid --open box1 box2 box3 box4 box5</pre>`);
  test.each([
    ['loses the verb that introduces code', 'To open the lid of a box execute:', /^How do I open the lid of a box\?$/],
    ['sets up in two words', 'To setup the lid of a box:', /^How do I set up the lid of a box\?$/],
  ])('%s', (_, sentence, expected) => {
    expect(
      lead(sentence)
        .filter((question) => question.startsWith('How do I'))
        .join(),
    ).toMatch(expected);
  });

  test.each([
    ['points to a listing', 'To fix the box in Listing 18-8:'],
    ['is a sentence', 'Handle objects provide lids for the box:'],
    ['has half a parenthesis', 'To open several lids of boxes if wanted):'],
    ['speaks of a result', 'To copy the resulting lid to a box:'],
  ])('asks nothing where it %s', (_, sentence) => {
    expect(lead(sentence).filter((question) => question.startsWith('How do I'))).toEqual([]);
  });
});

describe('an answer', () => {
  const answerTo = (text: string): string => made(`<h1>Box Guide</h1><h2>Lid Pooling</h2>${text}`).pairs[0]?.response ?? '';

  test('ends before a pointer to a section by its number', () => {
    expect(answerTo(`<p>${LONG} For more information, see Section 5.9.</p>`)).toBe(LONG);
  });

  test('holds no list of who wrote it', () => {
    expect(answerTo(`<ul><li>Ada Lid &lt;ada@lid.example&gt;</li><li>Bob Box</li></ul><p>${LONG}</p>`)).toBe(LONG);
  });
});

test('a link to the code is no part of a signature', () => {
  const [first] = made(
    `<h1>Box Guide</h1><dl class="py method"><dt class="sig sig-object py" id="box.Lid.shut">shut(how, why)<a href="x.html">[source]</a></dt><dd><p>${LONG}</p></dd></dl>`,
  ).pairs;
  expect(`${first?.instruction} ${first?.response}`).toMatch(/shut/);
  expect(`${first?.instruction} ${first?.response}`).not.toMatch(/source/);
});
