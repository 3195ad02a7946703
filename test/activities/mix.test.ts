import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRepo, uploadFiles } from '@huggingface/hub';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { Example } from '../../contracts/records';
import { HUB_TOKEN, HubStandIn } from '../support/hub';
import { page } from '../support/little-docs';
import { openPreparing, type Preparing } from '../support/preparing';

const pages = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`http://docs.test/p${index}.html`, page(index)]));
const rows = Array.from({ length: 200 }, (_, index) => ({
  prompt: `What is ${index} and ${index}?`,
  completion: `It is ${index * 2}, as you can see.`,
}));
const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** In row groups of 50 rows, with a column that nobody asks for. */
const parquet = (columns: Record<string, unknown[]>): Uint8Array =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: Object.entries({ ...columns, number: rows.map((_, index) => BigInt(index)) }).map(([name, data]) => ({ name, data })),
      rowGroupSize: 50,
    }),
  );
const completions = parquet({ prompt: rows.map(({ prompt }) => prompt), completion: rows.map(({ completion }) => completion) });

let root: string;
let run: Preparing | null = null;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'retune-mix-'));
  await mkdir(join(root, 'files'));
  await writeFile(join(root, 'files', 'general.jsonl'), text);
  await writeFile(join(root, 'files', 'general.parquet'), completions);
  await writeFile(join(root, 'files', 'numbers.parquet'), parquet({}));
  await writeFile(join(root, 'files', 'broken.parquet'), 'PAR1 and nothing else');
  await writeFile(join(root, 'files', 'latin1.jsonl'), Buffer.concat([Buffer.from(text), Buffer.from('{"prompt":"\xe9"}', 'latin1')]));
  await writeFile(join(root, 'files', 'plain.jsonl'), '{"text":"no turn"}\n');
  await writeFile(join(root, 'files', 'few.jsonl'), text.split('\n').slice(0, 2).join('\n'));
  await writeFile(join(root, 'outside.jsonl'), text);
  await symlink(join(root, 'outside.jsonl'), join(root, 'files', 'link.jsonl'));
});
afterEach(async () => {
  await run?.close();
  run = null;
});
afterAll(() => rm(root, { recursive: true, force: true }));

const prepare = async (source: string, env: Record<string, string> = {}): Promise<Preparing> =>
  (run = await openPreparing(
    pages,
    { pair: { minChars: 30, minScore: 0 }, mix: { source, share: 0.25, license: 'cc0' }, format: { testShare: 0.3, validationShare: 0.2 } },
    { RETUNE_FILES_ROOT: join(root, 'files'), ...env },
  ));

test('general data is a quarter of training, named as such, and in no other part', async () => {
  const prepared = await prepare('general.jsonl');
  const ref = await prepared.format();
  const train = await prepared.rows<Example>(ref, 'data/train.jsonl');
  const general = train.filter(({ kind }) => kind === 'general');
  expect(general).toHaveLength(ref.counts['general']!);
  expect(general.length / train.length).toBeCloseTo(0.25, 1);
  expect(new Set(general.map(({ url }) => url))).toEqual(new Set(['file:///general.jsonl']));
  for (const part of ['test', 'validation'])
    expect((await prepared.rows<Example>(ref, `data/${part}.jsonl`)).filter(({ kind }) => kind === 'general')).toEqual([]);
});

test('general data that is not enough for its share is told', async () => {
  const whole = await prepare('general.jsonl');
  const { general, general_missing: none } = (await whole.format()).counts;
  expect(none).toBeUndefined();
  await whole.close();
  const { counts } = await (await prepare('few.jsonl')).format();
  expect(counts).toMatchObject({ general: 2, general_missing: general! - 2 });
});

test.each([
  ['link.jsonl', 'is not below RETUNE_FILES_ROOT'],
  ['../outside.jsonl', 'is not below RETUNE_FILES_ROOT'],
  ['absent.jsonl', 'does not exist below RETUNE_FILES_ROOT, or cannot be read: put the file there on every worker'],
  ['general.csv', 'is no .jsonl and no .parquet file'],
  ['numbers.parquet', 'has the columns number, and none of messages, prompt'],
  ['broken.parquet', 'is no Parquet file'],
  ['latin1.jsonl', 'is not UTF-8'],
  ['plain.jsonl', 'has no row of messages, prompt and completion'],
])('the file %s is refused', async (source, why) => {
  const prepared = await prepare(source);
  await expect(prepared.format()).rejects.toMatchObject({ type: 'InvalidInput', message: expect.stringContaining(why) as string });
});

test('Parquet gives the rows that JSON Lines give', async () => {
  const examples = async (source: string): Promise<string[]> => {
    const prepared = await prepare(source);
    const train = await prepared.rows<Example>(await prepared.format(), 'data/train.jsonl');
    await prepared.close();
    run = null;
    return train.filter(({ kind }) => kind === 'general').map(({ messages }) => JSON.stringify(messages));
  };
  const fromLines = await examples('general.jsonl');
  expect(fromLines.length).toBeGreaterThan(3);
  expect(await examples('general.parquet')).toEqual(fromLines);
});

test.each([
  ['data/train-00000-of-00001.parquet', completions],
  ['train.jsonl', Buffer.from(text)],
])('a dataset of the Hub with %s is read at its commit, and once', async (path, bytes) => {
  const hub = await HubStandIn.start();
  try {
    const at = { repo: { type: 'dataset' as const, name: 'team/data' }, hubUrl: hub.url, accessToken: HUB_TOKEN };
    await createRepo(at);
    const files = Object.entries({ [path]: bytes, 'README.md': Buffer.from('card') });
    await uploadFiles({ ...at, useXet: false, files: files.map(([name, content]) => ({ path: name, content: new Blob([content]) })) });
    const commit = hub.repository('dataset', 'team/data').head.id;
    hub.requests.length = 0;
    const prepared = await prepare(`team/data@${commit}`, { HF_ENDPOINT: hub.url, HF_TOKEN: HUB_TOKEN });
    expect((await prepared.format()).counts['general']).toBeGreaterThan(0);
    const asked = hub.requests.length;
    expect(asked).toBeGreaterThan(0);
    expect(hub.requests.filter((request) => !request.includes(commit))).toEqual([]);
    await prepared.format();
    expect(hub.requests).toHaveLength(asked);
  } finally {
    await hub.stop();
  }
});
