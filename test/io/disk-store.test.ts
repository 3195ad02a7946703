import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, pathSegment } from '../../io/store';
import { startChild } from '../support/child';
import { storeContract } from '../support/store-contract';

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'retune-store-'));

storeContract('folder', async () => {
  const address = await folder();
  return { address, dispose: () => rm(address, { recursive: true, force: true }) };
});

test('a replacement whose winner was killed between claim and effect is completed by the next comer', async () => {
  const address = await folder();
  const store = await openStore(address);
  await store.createExclusive('p', 'one');
  const seen = await store.readTagged('p');
  const winner = startChild(
    `const fs = require('node:fs/promises'); const rename = fs.rename;
     fs.rename = (from, to) => (from.endsWith('/next') ? process.kill(process.pid, 'SIGKILL') : rename(from, to));
     const store = await at('io/store').openStore(args.address); await store.replaceIfMatch('p', 'two', args.etag);`,
    { address, etag: seen!.etag },
  );
  expect(await winner.exited).toBeNull();
  expect((await store.read('p'))?.toString()).toBe('one');
  expect(await store.replaceIfMatch('p', 'three', seen!.etag)).toBe(false);
  expect((await store.read('p'))?.toString()).toBe('two');
  expect(await store.replaceIfMatch('p', 'three', (await store.readTagged('p'))!.etag)).toBe(true);
  expect((await store.read('p'))?.toString()).toBe('three');
  await rm(address, { recursive: true, force: true });
});

test('a version that comes back with the same content at the same time can be replaced like any other', async () => {
  const address = await folder();
  const store = await openStore(address);
  await store.createExclusive('p', 'a');
  for (let round = 0; round < 60; round += 1) {
    const seen = await store.readTagged('p');
    expect(await store.replaceIfMatch('p', round % 2 === 0 ? 'b' : 'a', seen!.etag)).toBe(true);
  }
  await rm(address, { recursive: true, force: true });
});

test('opening removes temporary files that nobody has touched for a day, and no younger one', async () => {
  const address = await folder();
  await openStore(address);
  const temporary = join(address, '.store/tmp');
  await mkdir(join(temporary, 'old-claim'));
  await writeFile(join(temporary, 'old'), '');
  await writeFile(join(temporary, 'young'), '');
  const yesterday = new Date(Date.now() - 25 * 3_600_000);
  await utimes(join(temporary, 'old'), yesterday, yesterday);
  await utimes(join(temporary, 'old-claim'), yesterday, yesterday);
  await openStore(address);
  expect(await readdir(temporary)).toEqual(['young']);
  await rm(address, { recursive: true, force: true });
});

test('addresses that are not folders, and stores of a newer release, are refused by name', async () => {
  await expect(openStore('s3://bucket/prefix')).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringContaining('later release') as string,
  });
  await expect(openStore('gs://bucket')).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  const address = await folder();
  await writeFile(join(address, 'store.json'), '{"schema":2,"storeId":"x"}');
  await expect(openStore(address)).rejects.toMatchObject({ code: 'FORMAT', message: expect.stringContaining('schema 2') as string });
  await writeFile(join(address, 'store.json'), '{"sch');
  await expect(openStore(`file://${address}`)).rejects.toMatchObject({ code: 'FORMAT' });
  await rm(address, { recursive: true, force: true });
});

test('names become one segment each, readable, distinct and never special', () => {
  const names = ['a/b', 'a%2Fb', 'a b', '.', '..', '.hidden', '~x', 'é/ü', 'x'.repeat(400), `${'x'.repeat(399)}y`, 'collect/03'];
  const segments = names.map(pathSegment);
  expect(segments.slice(0, 6)).toEqual(['a%2Fb', 'a%252Fb', 'a%20b', '%2E', '%2E.', '%2Ehidden']);
  expect(new Set(segments).size).toBe(names.length);
  for (const segment of segments) expect(segment).toMatch(/^[^/\\]{1,255}$/);
  expect(() => pathSegment('')).toThrow('an empty name');
});
