import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createResolveSource } from '../../activities/resolve-source';
import { PipelineInput } from '../../contracts/input';
import { openStore, type Store } from '../../io/store';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'retune-source-'));
  store = await openStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const resolve = async (urls: string[], runId = 'a') =>
  createResolveSource({ store }).resolveSource({
    run: { runId, executionId: `${runId}-1` },
    storeId: store.storeId,
    source: { ...PipelineInput.parse({}).source, urls },
  });
const lines = async (path: string): Promise<string[]> =>
  ((await store.read(path))?.toString() ?? '').split('\n').filter((line) => line !== '');

test('spellings of one page are one URL', async () => {
  const [shard, ...rest] = await resolve([
    'https://example.com/a#x',
    'https://EXAMPLE.com:443/a',
    'https://example.com/a?utm_source=b',
    'https://example.com/b',
  ]);
  expect(rest).toEqual([]);
  expect(shard).toMatchObject({ bucket: '0-of-1', urls: 2 });
  expect(await lines(shard?.path ?? '')).toEqual(['https://example.com/a', 'https://example.com/b']);
});

test('many URLs become shards of at most a thousand, each URL in one of them', async () => {
  const urls = Array.from({ length: 2500 }, (_, index) => `https://example.com/${index}`);
  const shards = await resolve(urls);
  expect(shards.length).toBe(4);
  const all = (await Promise.all(shards.map(({ path }) => lines(path)))).flat();
  expect(all.sort()).toEqual([...urls].sort());
  for (const { urls: size } of shards) expect(size).toBeLessThanOrEqual(1000);
});

test('order and repetition change nothing; another run has keys of its own', async () => {
  const urls = ['https://example.com/b', 'https://example.com/a'];
  const first = await resolve(urls);
  expect(await resolve([...urls, ...urls].reverse())).toEqual(first);
  const other = await resolve(urls, 'b');
  expect(other.map(({ path }) => path)).toEqual(first.map(({ path }) => path));
  expect(other[0]?.key).not.toBe(first[0]?.key);
});

test('what is no address is refused by name, and a password is not repeated', async () => {
  await expect(resolve(['https://example.com/', 'nonsense', 'https://user:secret@example.com/'])).rejects.toMatchObject({
    type: 'InvalidInput',
    nonRetryable: true,
  });
  await expect(resolve(['nonsense'])).rejects.toThrow('source.urls: 1 of 1 are no http(s) address without a password: nonsense');
  const message = await resolve(['https://user:secret@example.com/']).catch((error: unknown) => (error as Error).message);
  expect(message).not.toContain('secret');
  await expect(resolve([])).rejects.toMatchObject({ type: 'SourceEmpty' });
});
