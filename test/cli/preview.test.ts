// `retune preview` and `retune report --dropped` as a person types them, over a store with one finished dataset.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StageRef } from '../../contracts/artifacts';
import type { Dropped, Example } from '../../contracts/records';
import { writeRun } from '../../io/runs';
import { type Typed, retune } from '../support/cli';
import { page } from '../support/little-docs';
import { openPreparing, type Preparing } from '../support/preparing';

const pages = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`http://docs.test/p${index}.html`, page(index)]));
let run: Preparing;
let [pair, format]: [StageRef | null, StageRef | null] = [null, null];
let folder: string;

jest.setTimeout(60_000);

beforeAll(async () => {
  run = await openPreparing(pages, { pair: { minChars: 30, minScore: 0 }, format: { testShare: 0.3, validationShare: 0 } });
  [pair, format] = [await run.pair(), await run.format()];
  folder = fileURLToPath(run.store.uri);
  await writeRun(run.store, {
    schema: 1,
    runId: 'little-1',
    executionId: 'execution',
    raw: {},
    input: run.input,
    base: null,
    date: '2026-01-01T00:00:00.000Z',
    stages: { pair: [pair], format: [format] },
    computed: ['pair', 'format'],
    status: 'failed',
    reason: 'TrainerCrashed: no trainer here',
    verdict: null,
    hub: {},
    updatedAt: '2026-01-01T00:00:00.000Z',
  });
});
afterAll(() => run.close());

const type = (...args: string[]): Promise<Typed> => retune(args, { RETUNE_HOME: folder, RETUNE_STORE: folder });
const rowsOf = <T>(ref: StageRef | null, name: string): Promise<T[]> => run.rows<T>(ref!, name);

test('examples stand with their mask, and --json has their ids', async () => {
  const { code, stdout } = await type('preview', 'little-1', '--examples', '2');
  expect(code).toBe(0);
  expect(stdout.match(/<\|start\|>assistant⟦<\|channel\|>final<\|message\|>/g)).toHaveLength(2);
  const { lines } = await type('preview', 'little-1', '--examples', '1', '--json');
  const [first] = await rowsOf<Example>(format, 'data/train.jsonl');
  expect(lines()[0]).toMatchObject({ type: 'example', id: first!.id });
});

test('statistics count every example of the split, of every kind the best and the worst', async () => {
  const train = await rowsOf<Example>(format, 'data/train.jsonl');
  const { lines } = await type('preview', 'little-1', '--statistics', '--json');
  const { summary } = lines().at(-1) as unknown as { summary: { examples: number; kinds: { kind: string; best: { score: number }[] }[] } };
  expect(summary.examples).toBe(train.length);
  expect(new Set(summary.kinds.map(({ kind }) => kind))).toEqual(new Set(train.map(({ kind }) => kind)));
  expect(summary.kinds.every(({ best }) => best.every(({ score }) => score > 0))).toBe(true);
});

test('a kind that is not there, a split without examples and a page that cannot be written are told in a line', async () => {
  for (const [args, said] of [
    [['--kind', 'faq'], 'little-1 has no example of kind faq in train'],
    [['--split', 'validation'], 'little-1 has no examples in validation'],
    [['--html', join(folder, 'nowhere', 'page.html')], 'no such file or directory'],
  ] as const) {
    const { code, stderr } = await type('preview', 'little-1', ...args);
    expect(code).toBe(1);
    expect(stderr).toContain(said);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  }
});

test('what was kept out is read from the shelf, all of it', async () => {
  const { lines } = await type('report', 'little-1', '--dropped', '--json');
  const { dropped } = lines().at(-1) as unknown as { dropped: { count: number }[] };
  const shelves = [...(await rowsOf<Dropped>(pair, 'dropped.jsonl')), ...(await rowsOf<Dropped>(format, 'dropped.jsonl'))];
  expect(shelves.length).toBeGreaterThan(0);
  expect(dropped.reduce((sum, { count }) => sum + count, 0)).toBe(shelves.length);
});
