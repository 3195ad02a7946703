import type { Block, Document } from '../../contracts/records';
import { dedup, type Deduped } from '../../lib/dedup';
import { sha256 } from '../../lib/hash';
import { splitSections } from '../../lib/sections';

const heading = (level: number, text: string, anchor: string | null = null): Block => ({ type: 'heading', level, text, anchor });
const prose = (text: string): Block => ({ type: 'prose', text });
const document = (path: string, blocks: Block[], title = path): Document => {
  const url = `http://site.test/${path}`;
  return { schema: 1, id: sha256(url), url, sha256: sha256(JSON.stringify(blocks)), title, language: 'en', blocks };
};
/** Sentences of different words: two with different seeds share no 5-gram. */
const text = (seed: string, words = 60): string => Array.from({ length: words }, (_, index) => `${seed}${index % 7}x${index}`).join(' ');
const OPTIONS = { similarity: 0.8, boilerplatePages: 5 };

const fates = ({ sections, dropped }: Deduped): string[] => [...sections.map((each) => each.id), ...dropped.map((each) => each.id)].sort();

describe('sections', () => {
  test('are the blocks under one heading, with the headings above', () => {
    const sections = splitSections(
      document(
        'a',
        [
          heading(1, 'Guide', 'top'),
          prose('One.'),
          heading(2, 'Install', 'i'),
          heading(3, 'From source', 's'),
          prose('Two.'),
          heading(2, 'Use', 'u'),
          prose('Three.'),
        ],
        'Guide',
      ),
    );
    expect(sections.map(({ path, anchor, position }) => ({ path, anchor, position }))).toEqual([
      { path: ['Guide'], anchor: 'top', position: 0 },
      { path: ['Guide', 'Install', 'From source'], anchor: 's', position: 1 },
      { path: ['Guide', 'Use'], anchor: 'u', position: 2 },
    ]);
  });

  test('begin their path with the title where no heading says it', () => {
    expect(splitSections(document('a', [prose('One.'), heading(2, 'Use'), prose('Two.')], 'Guide')).map((section) => section.path)).toEqual(
      [['Guide'], ['Guide', 'Use']],
    );
  });

  test('have ids that differ for one text on two pages', () => {
    const ids = ['a', 'b'].flatMap((path) => splitSections(document(path, [prose('Same.')])).map((section) => section.id));
    expect(new Set(ids).size).toBe(2);
  });
});

describe('duplicates', () => {
  test('of equal text, whatever its case and space, leave the one with the smallest URL', async () => {
    const made = await dedup(
      [document('b', [prose(text('w'))]), document('a', [prose(text('w').toUpperCase().replaceAll(' ', '  '))])],
      OPTIONS,
    );
    expect(made.sections.map((section) => section.url)).toEqual(['http://site.test/a']);
    expect(made.dropped).toMatchObject([
      { of: 'section', stage: 'dedup', reason: 'exact_duplicate', detail: `${made.sections[0]!.id} ${made.sections[0]!.url}` },
    ]);
  });

  test('leave the one on a page of its own, not the one on the page that holds the whole manual', async () => {
    const parts = [1, 2, 3].flatMap((part) => [heading(2, `Part ${part}`), prose(text(`w${part}`))]);
    const made = await dedup([document('all', parts), document('part', parts.slice(0, 2))], OPTIONS);
    expect(made.sections.find((section) => section.path.includes('Part 1'))?.url).toBe('http://site.test/part');
  });

  test('differ when their code differs in case', async () => {
    const code = (body: string): Block => ({ type: 'code', text: body, language: null });
    const made = await dedup(
      [document('a', [code('let value = one two three')]), document('b', [code('LET value = one two three')])],
      OPTIONS,
    );
    expect(made.counts.kept).toBe(2);
  });

  test('nearly equal leave the longest, all in one cluster', async () => {
    const made = await dedup(
      [
        document('a', [prose(text('w', 100))]),
        document('b', [prose(`${text('w', 100)} and more`)]),
        document('c', [prose(text('v', 100))]),
      ],
      OPTIONS,
    );
    expect(made.sections.map((section) => section.url).sort()).toEqual(['http://site.test/b', 'http://site.test/c']);
    expect(made.counts.near_duplicate).toBe(1);
    const survivor = made.sections.find((section) => section.url.endsWith('b'))!;
    expect(survivor.cluster).toBe([survivor.id, made.dropped[0]!.id].sort()[0]);
  });

  test('below the similarity stay', async () => {
    const half = `${text('w', 50)} ${text('a', 50)}`;
    expect(
      (await dedup([document('a', [prose(half)]), document('b', [prose(`${text('w', 50)} ${text('b', 50)}`)])], OPTIONS)).counts.kept,
    ).toBe(2);
  });
});

describe('boilerplate', () => {
  const footer = prose('Copyright the people who wrote this manual and its many pages.');
  const pages = Array.from({ length: 6 }, (_, index) =>
    document(`p${index}`, [
      heading(1, `Page ${index}`),
      prose(text(`w${index}`)),
      heading(2, `Last ${index}`),
      prose(text(`l${index}`)),
      footer,
    ]),
  );

  test('at the end of many pages is kept once', async () => {
    const made = await dedup(pages, OPTIONS);
    expect(
      made.sections.filter((section) => section.blocks.some((block) => block.type === 'prose' && block.text.startsWith('Copyright'))),
    ).toHaveLength(1);
    expect(made.counts.boilerplateBlocks).toBe(5);
    expect(made.counts.kept).toBe(12);
  });

  test('on fewer pages than asked stays', async () => {
    expect((await dedup(pages.slice(0, 4), OPTIONS)).counts.boilerplateBlocks).toBe(0);
  });

  test('on pages of different hosts stays', async () => {
    const elsewhere = pages.map((page, index) => ({ ...page, url: `http://host${index}.test/p` }));
    expect((await dedup(elsewhere, OPTIONS)).counts.boilerplateBlocks).toBe(0);
  });

  test('that is all of a section drops the section with its reason', async () => {
    const bare = Array.from({ length: 6 }, (_, index) =>
      document(`p${index}`, [heading(1, `Page ${index}`), prose(text(`w${index}`)), heading(2, `End ${index}`), footer]),
    );
    const made = await dedup(bare, OPTIONS);
    expect(made.counts.boilerplate).toBe(5);
    expect(made.counts.sections).toBe(made.counts.kept + made.dropped.length);
  });

  test('is not a section that many pages share under one heading', async () => {
    const shared = Array.from({ length: 6 }, (_, index) =>
      document(`p${index}`, [
        heading(1, `Page ${index}`),
        prose(text(`w${index}`)),
        heading(2, '`dry-run`'),
        prose('Shows what would be done and does nothing at all.'),
      ]),
    );
    const made = await dedup(shared, OPTIONS);
    expect(made.counts).toMatchObject({ boilerplateBlocks: 0, exact_duplicate: 5 });
  });
});

test('every section has one fate, whatever the order of the documents', async () => {
  const documents = Array.from({ length: 30 }, (_, index) =>
    document(`p${index}`, [
      heading(1, `Page ${index}`),
      prose(text(`w${index % 9}`)),
      heading(2, 'More'),
      prose(`${text(`m${index % 5}`)} ${index}`),
      heading(2, 'End'),
      prose('x y'),
    ]),
  );
  const made = await dedup(documents, OPTIONS);
  expect(new Set(fates(made)).size).toBe(made.counts.sections);
  expect(fates(made)).toHaveLength(made.counts.sections);
  expect(await dedup([...documents].reverse(), OPTIONS)).toEqual(made);
  async function* later(): AsyncGenerator<Document> {
    for (const each of documents) yield await Promise.resolve(each);
  }
  expect(await dedup(later(), OPTIONS)).toEqual(made);
});
