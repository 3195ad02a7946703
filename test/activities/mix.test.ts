import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Example } from '../../contracts/records';
import { page } from '../support/little-docs';
import { openPreparing, type Preparing } from '../support/preparing';

const pages = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`http://docs.test/p${index}.html`, page(index)]));
const rows = Array.from({ length: 200 }, (_, index) => ({
  prompt: `What is ${index} and ${index}?`,
  completion: `It is ${index * 2}, as you can see.`,
}));
const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');

let root: string;
let run: Preparing | null = null;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'retune-mix-'));
  await mkdir(join(root, 'files'));
  await writeFile(join(root, 'files', 'general.jsonl'), text);
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

test.each([
  ['link.jsonl', 'is not below RETUNE_FILES_ROOT'],
  ['../outside.jsonl', 'is not below RETUNE_FILES_ROOT'],
  ['absent.jsonl', 'is not below RETUNE_FILES_ROOT'],
  ['general.parquet', 'Parquet and other formats are not read'],
])('the file %s is refused', async (source, why) => {
  const prepared = await prepare(source);
  await expect(prepared.format()).rejects.toMatchObject({ type: 'InvalidInput', message: expect.stringContaining(why) as string });
});

test('a dataset of the Hub is read at its commit', async () => {
  const commit = '0123456789abcdef0123456789abcdef01234567';
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (request.url?.includes('/tree/')) {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify([{ type: 'file', path: 'train.jsonl', size: text.length, oid: 'a'.repeat(40) }]));
      return;
    }
    response.setHeader('content-length', text.length);
    response.setHeader('etag', '"e"');
    response.setHeader('content-range', `bytes 0-0/${text.length}`);
    response.end(request.method === 'HEAD' ? '' : text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const prepared = await prepare(`org/data@${commit}`, { HF_ENDPOINT: endpoint });
    expect((await prepared.format()).counts['general']).toBeGreaterThan(0);
    expect(asked.every((url) => url.includes(commit))).toBe(true);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
