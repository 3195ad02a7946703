import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManifestError, readManifest, stageFolder, writeManifest } from '../../io/manifest';
import { openStore, type Store } from '../../io/store';
import type { Manifest } from '../../contracts/artifacts';

const hex = (digit: string): string => digit.repeat(64);
const manifest = (fence: number): Manifest => ({
  schema: 1,
  content: { schema: 1, stage: 'clean', version: 1, outputs: [] },
  outputDigest: hex('b'),
  facts: {
    key: hex('a'),
    fence,
    inputs: {},
    config: {},
    counts: {},
    reasons: {},
    metrics: {},
    startedAt: '',
    finishedAt: '',
    host: '',
    versions: {},
    sidecars: [],
  },
});
let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'retune-manifest-'));
  store = await openStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a manifest is written once: the first writer is the one that stands', async () => {
  expect(await readManifest(store, 'clean', hex('a'))).toBeNull();
  expect(await writeManifest(store, manifest(1))).toEqual(manifest(1));
  expect(await writeManifest(store, manifest(2))).toEqual(manifest(1));
  expect(await readManifest(store, 'clean', hex('a'))).toEqual(manifest(1));
  expect(stageFolder('clean', hex('a'), 1)).toBe(`clean/${hex('a')}/1`);
});

test.each([
  ['{"schema": 2}', 'schema 2'],
  ['{"schema": 1}', 'no manifest'],
  ['cut of', 'no JSON'],
])('what is no manifest of this release is refused by name: %s', async (text, message) => {
  await store.putFile(`clean/${hex('a')}/manifest.json`, text);
  await expect(readManifest(store, 'clean', hex('a'))).rejects.toThrow(ManifestError);
  await expect(readManifest(store, 'clean', hex('a'))).rejects.toThrow(message);
});

test('fields that a later release adds are ignored', async () => {
  await store.putFile(`clean/${hex('a')}/manifest.json`, JSON.stringify({ ...manifest(1), later: true }));
  expect(await readManifest(store, 'clean', hex('a'))).toEqual(manifest(1));
});
