import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PipelineInput } from '../../contracts/input';
import { type Document, type Dropped, RECORD_SCHEMA, type Section, SPLITS } from '../../contracts/records';
import { clean } from '../../lib/clean';
import { dedup } from '../../lib/dedup';
import { type Fate, fatesText, tallyFates } from '../../lib/fates';
import { format } from '../../lib/format';
import { sha256 } from '../../lib/hash';
import { pair } from '../../lib/pair';
import { fatesMarkup } from '../../lib/report-fates';
import { splitSections } from '../../lib/sections';

const row = (over: Partial<Dropped>): Dropped => ({
  schema: RECORD_SCHEMA,
  id: sha256(JSON.stringify(over)),
  of: 'pair',
  stage: 'pair',
  reason: 'too_short',
  ...over,
});

/** Every id once. */
const once = (...lists: readonly (readonly string[])[]): string[] => {
  const all = lists.flat().sort();
  expect(new Set(all).size).toBe(all.length);
  return all;
};

test("every page, section and pair of npm's manual has exactly one fate", async () => {
  const folder = join(dirname(require.resolve('npm/package.json')), 'docs/output');
  const input = PipelineInput.parse({});
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'));
  const bodies = [...names.map((name) => [name, readFileSync(join(folder, name))] as const), ['empty.html', Buffer.from('<p>')] as const];
  const documents: Document[] = [];
  const fewPages: string[] = [];
  for (const [name, body] of bodies) {
    const url = `http://npm-manual.localhost/${name}`;
    const page = {
      schema: 1 as const,
      id: sha256(url),
      url,
      bodySha256: sha256(body),
      bodyBytes: body.length,
      format: 'html' as const,
      charset: null,
    };
    const verdict = clean(page, body, input.clean);
    if (verdict.keep) documents.push(verdict.document);
    else fewPages.push(page.id);
  }
  expect(
    once(
      documents.map(({ id }) => id),
      fewPages,
    ),
  ).toHaveLength(bodies.length);
  expect(fewPages.length).toBeGreaterThan(0);

  const deduped = await dedup(documents, input.dedup);
  const all: Section[] = documents.flatMap((document) => splitSections(document));
  expect(
    once(
      deduped.sections.map(({ id }) => id),
      deduped.dropped.map(({ id }) => id),
    ),
  ).toEqual(once(all.map(({ id }) => id)));

  const paired = pair(deduped.sections, input.pair);
  const asked = new Set(paired.pairs.map(({ sectionId }) => sectionId));
  const silent = paired.dropped.filter(({ of }) => of === 'section').map(({ id }) => id);
  expect(silent.filter((id) => asked.has(id))).toEqual([]);
  const lost = paired.dropped.filter(({ of }) => of === 'pair');
  once(
    paired.pairs.map(({ id }) => id),
    lost.map(({ id }) => id),
  );
  expect(paired.pairs.length + lost.length).toBe(paired.counts['candidates']);

  const made = format(paired.pairs, input.format, 'gpt-oss');
  const examples = SPLITS.flatMap((split) => made.parts[split].examples.map(({ pairId }) => pairId));
  expect(
    once(
      examples,
      made.dropped.map(({ id }) => id),
    ),
  ).toEqual(paired.pairs.map(({ id }) => id).sort());

  const shelf = [...deduped.dropped, ...paired.dropped, ...made.dropped];
  const fates = await tallyFates(shelf, 2);
  expect(fates.reduce((sum, { count }) => sum + count, 0)).toBe(shelf.length);
  for (const { examples: shown, count } of fates) expect(shown).toHaveLength(Math.min(2, count));
});

const ROWS = [
  row({ of: 'page', stage: 'clean', reason: 'too_few_words', detail: 'https://docs.test/a' }),
  row({ detail: 'What\u001b[31m is\nit?' }),
  row({ reason: 'low_score' }),
  row({ reason: 'low_score', detail: 'Why?' }),
];

test('the shelf is told by stage, most frequent reason first, and can be narrowed', async () => {
  const names = (fates: readonly Fate[]): string[] => fates.map(({ stage, reason, count }) => `${stage} ${reason} ${count}`);
  expect(names(await tallyFates(ROWS, 1))).toEqual(['clean too_few_words 1', 'pair low_score 2', 'pair too_short 1']);
  expect(names(await tallyFates(ROWS, 1, { stage: 'pair' }))).toEqual(['pair low_score 2', 'pair too_short 1']);
  expect(names(await tallyFates(ROWS, 1, { reason: 'too_short' }))).toEqual(['pair too_short 1']);
  expect(await tallyFates([], 1)).toEqual([]);
});

test('a terminal sees no control sequence of a page, a browser no markup', async () => {
  const lines = fatesText(await tallyFates(ROWS, 3));
  expect(lines[0]).toBe('clean: 1 page too_few_words');
  expect(lines.join('')).not.toMatch(/\p{Cc}/u);
  expect(fatesText([])).toEqual(['nothing was kept out']);
  const html = fatesMarkup(await tallyFates([row({ detail: '<img src=x>' }), row({ detail: 'https://docs.test/b' })], 3))?.html;
  expect(html).not.toContain('<img');
  expect(html).toContain('<a href="https://docs.test/b"');
  expect(fatesMarkup([])).toBeNull();
});
