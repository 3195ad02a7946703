import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fetch } from '../../contracts/records';
import { bodyPath, createPageShelf, PageRecordError } from '../../io/page-shelf';
import { openStore, type Store } from '../../io/store';
import { sha256 } from '../../lib/hash';

const body = Buffer.from('<html>body</html>');
const id = sha256('https://example.com/');
const record: Fetch = {
  schema: 1,
  id,
  url: 'https://example.com/',
  finalUrl: 'https://example.com/',
  status: 200,
  fetchedAt: '2026-11-24T00:00:00.000Z',
  checkedAt: '2026-11-24T00:00:00.000Z',
  etag: '"a"',
  lastModified: null,
  provider: 'direct',
  page: { schema: 1, id, url: 'https://example.com/', bodySha256: sha256(body), bodyBytes: body.length, format: 'html', charset: 'utf-8' },
};
let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'retune-pages-'));
  store = await openStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a page is read as it was saved, with its body under the body’s own hash', async () => {
  const shelf = createPageShelf(store);
  expect(await shelf.read(id)).toBeNull();
  await shelf.save(record, body);
  expect(await shelf.read(id)).toEqual(record);
  expect(await store.read(bodyPath(sha256(body)))).toEqual(body);
});

test('a newer answer about the same body rewrites the record alone', async () => {
  const shelf = createPageShelf(store);
  await shelf.save(record, body);
  await shelf.touch({ ...record, checkedAt: '2026-11-25T00:00:00.000Z' });
  expect((await shelf.read(id))?.checkedAt).toBe('2026-11-25T00:00:00.000Z');
  expect((await store.list('bodies')).length).toBe(1);
});

test('a record whose body is lost or cut counts as none', async () => {
  const shelf = createPageShelf(store);
  await shelf.save(record, body);
  await store.putFile(bodyPath(sha256(body)), body.subarray(1));
  expect(await shelf.read(id)).toBeNull();
  await store.remove('bodies');
  expect(await shelf.read(id)).toBeNull();
  await shelf.save(record, body);
  expect(await shelf.read(id)).toEqual(record);
});

test('a crash between body and record leaves no record', async () => {
  const failing: Store = {
    ...store,
    storeId: store.storeId,
    uri: store.uri,
    putFile: async (path, data) => {
      if (path.startsWith('pages/')) throw new Error('power cut');
      return store.putFile(path, data);
    },
    read: (path) => store.read(path),
    stat: (path) => store.stat(path),
  };
  await expect(createPageShelf(failing).save(record, body)).rejects.toThrow('power cut');
  expect(await createPageShelf(store).read(id)).toBeNull();
  expect(await store.read(bodyPath(sha256(body)))).toEqual(body);
});

test('a record of a newer release is refused by name', async () => {
  await store.putFile(`pages/${id.slice(0, 2)}/${id}.json`, JSON.stringify({ ...record, schema: 2 }));
  await expect(createPageShelf(store).read(id)).rejects.toThrow(PageRecordError);
});
