import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Pair, type Block } from '../../contracts/records';
import { cleanText } from '../../lib/clean';
import { dedup } from '../../lib/dedup';
import { digest } from '../../lib/hash';
import { pair, type Paired } from '../../lib/pair';
import { isWhole, sentences } from '../../lib/sentences';
import { asked, LONG, made, OPTIONS, pageOf, sectionsOf } from '../support/paired';

const MANUAL = `<title>zap-add</title><h1>zap-add</h1><p>Add a thing to the box</p><h3>Synopsis</h3><pre>zap add [&lt;thing&gt; ...]

aliases: a, ad, plus</pre><h3>Description</h3><p>This command adds a thing to the box. Nothing else is touched by <code>zap add</code>.</p>
<h3>Examples</h3><p>To add two things at once, run:</p><pre>zap add one two</pre><h3>Configuration</h3><h4 id="dry-run"><code>dry-run</code></h4>
<ul><li>Default: false</li><li>Type: Boolean</li></ul><p>Shows what <code>--dry-run</code> would add to the box, and adds nothing at all.</p>`;

describe('questions', () => {
  test('name the command of a manual page', () => {
    const questions = asked(MANUAL);
    expect(questions).toHaveLength(4);
    expect(questions).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^(?:What does `zap add` do|What is `zap add` for|Can you explain what `zap add` does)\?$/),
        expect.stringMatching(/^(?:How is `zap add` used on the command line|What is the syntax of `zap add`|How do I run `zap add`)\?$/),
        expect.stringMatching(/`--dry-run`.* zap\b/),
        'How do I add two things at once in zap?',
      ]),
    );
  });

  test.each([
    ['a field of a file', '<h1>box.json</h1><h3>things</h3>', /the `things` field in box\.json/],
    ['a gerund', '<h1>Guide</h1><h2>Removing old packages</h2>', /^How do I remove old packages \(Guide\)\?$/],
    ['a doubled consonant', '<h1>Guide</h1><h2>Getting your token</h2>', /^How do I get my token/],
    ['an instruction', '<h1>Guide</h1><h2>Create a user</h2>', /^How do I create a user/],
    ['how to', '<h1>Guide</h1><h2>How to Reset Your Password</h2>', /^How do I reset my password/],
    ['a noun phrase', '<h1>Guide</h1><h2>5.1. Dependency Rules</h2>', /dependency rules \(Guide\)\?$/],
    ['a question', '<h1>FAQ</h1><h2>Why does my build fail?</h2>', /^Why does my build fail\?$/],
    ['caveats', '<h1>Guide</h1><h2>Caveats</h2>', /caveats of guide|watch out for when using guide/],
  ])('are made of %s', (_, headings, expected) => {
    expect(asked(`${headings}<p>${LONG}</p>`)).toEqual([expect.stringMatching(expected)]);
  });

  test('name the language of the page where it has no command', () => {
    const html = `<h1>5. Data Structures</h1><h2>5.1. Using Lists as Stacks</h2><p>${LONG}</p><pre class="language-python">a = 1</pre><p>Then another one is made in the same way.</p><pre class="language-python">a = 2</pre>`;
    expect(asked(html)).toEqual(['How do I use lists as stacks in Python?']);
  });

  test('are made of definitions by what the term is', () => {
    const html = `<h1>zip</h1><h2>Terms</h2><dl><dt>-r, --recurse</dt><dd>Goes into folders, and into the folders in them, too.</dd>
      <dt class="sig" id="open">open(path)</dt><dd>Opens the file at the path and returns it, or raises an error.</dd>
      <dt>archive</dt><dd>A file that holds other files, with their names and dates.</dd></dl>`;
    const { pairs } = made(html);
    expect(Object.fromEntries(pairs.map((each) => [each.kind, each.instruction]))).toEqual({
      option: expect.stringContaining('`--recurse`'),
      signature: expect.stringMatching(/`open\((?:path)?\)`/),
      definition: expect.stringContaining('"archive"'),
    });
    expect(pairs.find((each) => each.kind === 'signature')?.anchor).toBe('open');
  });
});

describe('questions of a reference', () => {
  const one = (html: string): Paired['pairs'] => made(`<title>box</title><h1>box</h1>${html}`).pairs;

  test('name the class of a method by its anchor, and are answered with the whole signature where they leave it out', () => {
    const [pair_] = one(
      '<dl><dt class="sig" id="box.Lid.open">open(<em>path</em>, mode)</dt><dd>Opens the lid at this path, and returns the old path of it.</dd></dl>',
    );
    expect(pair_?.instruction).toMatch(/`box\.Lid\.open\((?:path, mode)?\)`/);
    expect(pair_!.instruction.includes('(path, mode)')).toBe(!pair_!.response.startsWith('`box.Lid.open(path, mode)`'));
  });

  test('ask what a class or a value is and when an exception is raised', () => {
    const asked_ = one(`<dl><dt class="sig" id="a">exception box.Error</dt><dd>Raised when the box cannot be opened by anybody at all.</dd>
      <dt class="sig" id="b">class box.Lid(size)</dt><dd>A lid of a box, which can be opened and closed with its methods.</dd>
      <dt class="sig" id="c">box.SIZE</dt><dd>The size that a box has when nothing else is said, in metres.</dd></dl>`).map(
      (each) => each.instruction,
    );
    expect(asked_.find((text) => text.includes('box.Error'))).toMatch(/raised|exception/);
    expect(asked_.find((text) => text.includes('box.Lid'))).toMatch(/class|for/);
    expect(asked_.find((text) => text.includes('box.SIZE'))).toMatch(/^(?:What is|Can you explain) `box\.SIZE`/);
  });

  test('are made of headings that are signatures, answered without the label since when it is there', () => {
    const [pair_] = one(`<h2><code>box.open(path)</code></h2><p>Added in: v1.2.0</p><p>${LONG}</p>`);
    expect(pair_).toMatchObject({ kind: 'signature', response: LONG });
    const event = one(
      `<h2>Class: <code>box.Lid</code></h2><p>${LONG}</p><h3>Event: <code>'open'</code></h3><p>It is emitted when the lid of a box opens for any reason.</p>`,
    );
    expect(event.map((each) => each.instruction)).toContainEqual(expect.stringMatching(/the `'open'` event of `box\.Lid`/));
  });

  test('name the page of a term, its command before its tool', () => {
    const html = MANUAL.replace(
      '</h3><p>To add',
      '</h3><dl><dt>&lt;thing&gt;</dt><dd>What is added to the box, a name or a path or an address of it.</dd></dl><p>To add',
    );
    expect(asked(html)).toContain('What is the `<thing>` argument of `zap add`?');
  });
});

test('a page that tells what changed is asked so', () => {
  const html = `<h1>What’s New In Box 3.3</h1><h2>lid</h2><p>${LONG}</p>`;
  expect(asked(html)).toEqual([expect.stringMatching(/^What (?:is new|changed) in `lid` in Box 3\.3\?$/)]);
});

test('an index and a page of cross references ask nothing', () => {
  expect(asked(`<h1>Index – V</h1><ul><li>view (in module box)</li><li>visit (in module lid)</li></ul><p>${LONG}</p>`)).toEqual([]);
  expect(
    made('<h1>Guide</h1><h2>Using old lists</h2><p>Used by: box-lid-and-other-things</p><p>See also: lang_transaction.html and more</p>')
      .pairs,
  ).toEqual([]);
});

test('a site is named as its prose names it', () => {
  const pages = Array.from({ length: 6 }, (_, index) =>
    sectionsOf(
      `<h1>Page ${'abcdef'[index]}</h1><h2>Old lists ${'abcdef'[index]}</h2><p>With some care FooBase keeps list ${index} of old things for its people. ${LONG}</p><pre>typedef a;\ntypedef b;\ntypedef c;\ntypedef d;</pre>`,
      `http://site.test/${index}`,
    ),
  ).flat();
  const questions = pair(pages, OPTIONS).pairs.map((each) => each.instruction);
  expect(questions.length).toBeGreaterThan(3);
  for (const question of questions) expect(question).toContain('FooBase');
});

describe('answers', () => {
  test('say what an option means before its default and type', () => {
    expect(made(MANUAL).pairs.find((each) => each.kind === 'option')?.response).toBe(
      'Shows what `--dry-run` would add to the box, and adds nothing at all.\n\n- Default: false\n- Type: Boolean',
    );
  });

  test('join the usage of a command with its one line', () => {
    expect(made(MANUAL).pairs.find((each) => each.kind === 'signature')?.response).toBe(
      'Add a thing to the box\n\n```\nzap add [<thing> ...]\n\naliases: a, ad, plus\n```',
    );
  });

  test('are cut between blocks, without the sentence that announces what is left out', () => {
    const html = `<h1>Guide</h1><h2>Using old lists</h2><p>${LONG}</p><p>Here is how. The code is as follows:</p><pre>${'x\n'.repeat(200)}</pre>`;
    expect(made(html, { maxChars: 300 }).pairs[0]?.response).toBe(`${LONG}\n\nHere is how.`);
  });

  test('are cut between sentences when the first block is too long', () => {
    const html = `<h1>Guide</h1><h2>Using old lists</h2><p>${LONG} It is followed by one more sentence with other words in it. ${'Then come many that do not fit any more. '.repeat(9)}</p>`;
    const [one] = made(html, { maxChars: 160 }).pairs;
    expect(one?.response).toBe(`${LONG} It is followed by one more sentence with other words in it.`);
  });
});

test('an answer does not end with a label or a lead of what is not there', () => {
  const html = `<h1>Guide</h1><h2>Using old lists</h2><p>${LONG}</p><p>It is known. The start methods are</p><p>Note</p>`;
  expect(made(html).pairs[0]?.response).toBe(`${LONG}\n\nIt is known.`);
});

describe('fates', () => {
  const fate = (html: string): string | undefined => made(html).dropped[0]?.reason;

  test.each([
    ['too_short', '<p>Too little to say.</p>'],
    ['dangling_reference', `<p>As described above, it is so. ${LONG}</p>`],
    ['dangling_reference', `<p>However, the other way is better for most people. ${LONG}</p>`],
    ['navigation', '<ul><li>First page</li><li>Second page</li><li>Third page of it</li><li>Fourth page of it</li></ul>'],
    ['repetition', `<p>${'the same words again and again. '.repeat(8)}</p>`],
  ])('a pair is dropped for %s', (reason, html) => {
    expect(fate(`<h1>Guide</h1><h2>Using old lists</h2>${html}`)).toBe(reason);
  });

  test('a section of links elsewhere answers nothing', () => {
    expect(made(`<h1>Guide</h1><h2>See also</h2><p>${LONG}</p>`).dropped).toMatchObject([{ of: 'section', reason: 'no_question' }]);
  });

  test('the best pairs of a page are kept up to their quota', () => {
    const html = `<h1>Guide</h1>${Array.from({ length: 10 }, (_, index) => `<h2>Rule ${index} of lists</h2><p>${LONG} Number ${index}.</p>`).join('')}`;
    const one = made(html, { maxPerPage: 4 });
    expect(one.pairs).toHaveLength(4);
    expect(one.counts['quota_page']).toBe(6);
  });

  test('one question and one answer are kept once', () => {
    const sections = [
      ...sectionsOf(`<h1>Guide</h1><h2>Using old lists</h2><p>${LONG}</p>`, 'http://site.test/a'),
      ...sectionsOf(`<h1>Guide</h1><h2>Using old lists</h2><p>${LONG} More.</p>`, 'http://site.test/b'),
    ];
    expect(pair(sections, OPTIONS).counts).toMatchObject({ kept: 1, duplicate_question: 1 });
  });
});

describe("npm's manual", () => {
  const root = join(__dirname, '../../node_modules/npm/docs/output');
  const documents = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.html'))
    .map((name) => cleanText(pageOf(`http://manual.test/${name}`), readFileSync(join(root, name), 'utf8'), { minWords: 10 }))
    .flatMap((result) => (result.keep ? [result.document] : []));

  test('gives pairs whose answers are text of the page, whole, with the subject in the question', async () => {
    const { sections } = await dedup(documents, { similarity: 0.8, boilerplatePages: 5 });
    const { pairs, dropped, counts } = pair(sections, OPTIONS);
    expect(pairs.length).toBeGreaterThan(500);
    expect(counts['candidates']).toBe(pairs.length + dropped.filter((each) => each.of === 'pair').length);
    const code = new Map(
      sections.map((section) => [section.id, section.blocks.flatMap((block: Block) => (block.type === 'code' ? [block.text] : []))]),
    );
    const unnamed: string[] = [];
    for (const each of pairs) {
      expect(Pair.safeParse(each).success).toBe(true);
      expect(each.instruction).toMatch(/^[A-Z].*\?(?: Please show an example\.)?$/);
      if (!/npm|npx|package(?:-lock)?\.json/i.test(each.instruction)) unnamed.push(each.instruction);
      for (const fence of each.response.matchAll(/^(`{3,})\w*\n([^]*?)\n\1$/gm)) expect(code.get(each.sectionId)).toContain(fence[2]);
      expect(each.response.length).toBeLessThanOrEqual(OPTIONS.maxChars);
      expect(each.response.trimEnd()).not.toMatch(/:$/);
    }
    expect(unnamed).toEqual([]);
    const prose = pairs.filter((each) => each.kind === 'heading' && !/```|^[-|\d]/m.test(each.response));
    const whole = prose.filter((each) => isWhole(sentences(each.response).at(-1) ?? ''));
    expect(whole.length / prose.length).toBeGreaterThan(0.9);
  }, 60_000);

  test('gives the same pairs for any order of its pages', async () => {
    const run = async (order: typeof documents): Promise<string> => {
      const { sections } = await dedup(order, { similarity: 0.8, boilerplatePages: 5 });
      const { pairs, dropped } = pair([...sections].reverse(), OPTIONS);
      return digest({ pairs: pairs.map((each) => each.id), dropped: dropped.map((each) => `${each.id} ${each.reason}`) });
    };
    expect(await run([...documents].reverse())).toBe(await run(documents));
  }, 60_000);
});
