// What every store must do; run on each implementation, with real processes where processes matter.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Store } from '../../io/store';
import { openStore } from '../../io/store';
import { startChild } from './child';

export interface StoreUnderTest {
  /** An address that openStore takes, of a new and empty store. */
  address: string;
  dispose(): Promise<void>;
}

const textOf = async (store: Store, path: string): Promise<string | undefined> => (await store.read(path))?.toString();

const collect = async (stream: AsyncIterable<unknown>): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
};

const HELLO = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';

export const storeContract = (name: string, create: () => Promise<StoreUnderTest>): void => {
  describe(`store contract: ${name}`, () => {
    let under: StoreUnderTest;
    let store: Store;
    let scratch: string;
    beforeEach(async () => {
      under = await create();
      store = await openStore(under.address);
      scratch = await mkdtemp(join(tmpdir(), 'retune-contract-'));
    });
    afterEach(async () => {
      await under.dispose();
      await rm(scratch, { recursive: true, force: true });
    });

    test('keeps its id over openings, and every other store has another', async () => {
      expect(store.storeId).toMatch(/^[0-9a-f-]{36}$/);
      expect((await openStore(under.address)).storeId).toBe(store.storeId);
      const other = await create();
      expect((await openStore(other.address)).storeId).not.toBe(store.storeId);
      await other.dispose();
    });

    test('gets one id when several processes open it first', async () => {
      const fresh = await create();
      const children = Array.from({ length: 4 }, () =>
        startChild(`console.log('id ' + (await at('io/store').openStore(args.address)).storeId);`, fresh),
      );
      const ids = await Promise.all(children.map((child) => child.line(/^id /)));
      expect(new Set(ids).size).toBe(1);
      await Promise.all(children.map((child) => child.exited));
      await fresh.dispose();
    });

    test('reads back what was put, with size and sha256, from a string, bytes and a stream', async () => {
      async function* pieces(): AsyncGenerator<string | Uint8Array> {
        yield 'he';
        yield Buffer.from('ll');
        yield await Promise.resolve('o');
      }
      for (const data of ['hello', Buffer.from('hello'), pieces()]) {
        expect(await store.putFile('a/b/file', data)).toEqual({ sha256: HELLO, bytes: 5 });
        expect(await textOf(store, 'a/b/file')).toBe('hello');
        await store.putFile('a/b/file', 'other');
      }
      expect(await store.stat('a/b/file')).toEqual({ bytes: 5 });
      expect(await collect(await store.open('a/b/file'))).toBe('other');
      expect(await readFile(await store.local('a/b/file'), 'utf8')).toBe('other');
    });

    test('keeps a stream of many megabytes byte for byte, though the producer reuses its buffer', async () => {
      const buffer = Buffer.alloc(70_000);
      async function* pieces(): AsyncGenerator<Uint8Array> {
        for (let index = 0; index < 60; index += 1) yield await Promise.resolve(buffer.fill(index));
      }
      const written = await store.putFile('large', pieces());
      const again = await store.putFile('again', (await store.read('large')) as Buffer);
      expect(written).toEqual(again);
      expect(written.bytes).toBe(60 * 70_000);
      expect((await store.read('large'))?.subarray(59 * 70_000).every((byte) => byte === 59)).toBe(true);
    });

    test('leaves the old file and nothing else when the stream breaks', async () => {
      await store.putFile('x/file', 'old');
      async function* broken(): AsyncGenerator<string> {
        yield await Promise.resolve('new'.repeat(200_000));
        throw new Error('the source broke');
      }
      await expect(store.putFile('x/file', broken())).rejects.toThrow('the source broke');
      expect(await textOf(store, 'x/file')).toBe('old');
      expect(await store.list('x')).toEqual(['x/file']);
    });

    test('takes over a local file and leaves it where it is, also over an older one and the same one again', async () => {
      const file = join(scratch, 'weights');
      await writeFile(file, 'hello');
      await store.putFile('m/weights', 'old');
      expect(await store.putLocal('m/weights', file)).toEqual({ sha256: HELLO, bytes: 5 });
      expect(await store.putLocal('m/weights', file)).toEqual({ sha256: HELLO, bytes: 5 });
      await rm(file);
      expect(await textOf(store, 'm/weights')).toBe('hello');
      expect(await store.list('')).toEqual(['m/weights', 'store.json']);
      await expect(store.putLocal('m/none', join(scratch, 'none'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    test('says what is missing', async () => {
      await store.putFile('folder/file', '');
      for (const path of ['none', 'folder', 'folder/file/below']) {
        expect(await store.read(path)).toBeNull();
        expect(await store.readTagged(path)).toBeNull();
        expect(await store.stat(path)).toBeNull();
        await expect(store.open(path)).rejects.toMatchObject({ name: 'StoreError', code: 'NOT_FOUND' });
      }
      await expect(store.local('none')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(store.local('folder')).resolves.toContain('folder');
      expect(await store.list('none')).toEqual([]);
      await expect(store.remove('none')).resolves.toBeUndefined();
    });

    test('lists files below a folder sorted by code units, and not below its namesakes', async () => {
      for (const path of ['s/b', 's/a/2', 's/a/10', 's/B', 's2/c', 's/é']) await store.putFile(path, '1');
      expect(await store.list('s')).toEqual(['s/B', 's/a/10', 's/a/2', 's/b', 's/é']);
      expect(await store.list('s/a/')).toEqual(['s/a/10', 's/a/2']);
      await store.remove('s/a');
      await store.remove('s/b');
      expect(await store.list('')).toEqual(['s/B', 's/é', 's2/c', 'store.json']);
    });

    test('refuses paths that could leave it', async () => {
      for (const path of [
        '',
        '/etc/passwd',
        '../x',
        'a/../../x',
        'a/./b',
        'a//b',
        'a/',
        'a\\b',
        'a\0b',
        `a/${'é'.repeat(128)}`,
        '.store/tmp/x',
      ]) {
        await expect(store.putFile(path, '1')).rejects.toMatchObject({ code: 'BAD_PATH' });
        await expect(store.read(path)).rejects.toMatchObject({ code: 'BAD_PATH' });
      }
      await expect(store.remove('')).rejects.toMatchObject({ code: 'BAD_PATH' });
      await expect(store.list('..')).rejects.toMatchObject({ code: 'BAD_PATH' });
      expect(await store.list('')).toEqual(['store.json']);
    });

    test('gives createExclusive to exactly one of several processes', async () => {
      const children = Array.from({ length: 4 }, (_, index) =>
        startChild(
          `const store = await at('io/store').openStore(args.address); console.log('ready');
           await new Promise((go) => process.stdin.once('data', go)); process.stdin.destroy();
           const won = []; for (let n = 0; n < 40; n += 1) if (await store.createExclusive('race/' + n, String(args.index))) won.push(n);
           console.log('won ' + JSON.stringify(won));`,
          { address: under.address, index },
        ),
      );
      await Promise.all(children.map((child) => child.line(/ready/)));
      for (const child of children) child.process.stdin?.write('go');
      const owner = new Map<number, number>();
      for (const [index, child] of children.entries())
        for (const n of JSON.parse((await child.line(/^won/)).slice(4)) as number[]) {
          expect(owner.has(n)).toBe(false);
          owner.set(n, index);
        }
      expect(owner.size).toBe(40);
      for (const [n, index] of owner) expect(await textOf(store, `race/${n}`)).toBe(String(index));
      await Promise.all(children.map((child) => child.exited));
    });

    test('replaces only the version that was read', async () => {
      expect(await store.createExclusive('p', '1')).toBe(true);
      expect(await store.createExclusive('p', '2')).toBe(false);
      const first = await store.readTagged('p');
      expect(first?.data.toString()).toBe('1');
      expect(await store.replaceIfMatch('p', '2', first!.etag)).toBe(true);
      expect(await store.replaceIfMatch('p', '3', first!.etag)).toBe(false);
      const second = await store.readTagged('p');
      expect(second?.data.toString()).toBe('2');
      expect(await store.replaceIfMatch('p', '1', second!.etag)).toBe(true);
      const third = await store.readTagged('p');
      expect(await store.replaceIfMatch('p', '4', third!.etag)).toBe(true);
      expect(await textOf(store, 'p')).toBe('4');
      expect(await store.replaceIfMatch('none', '1', third!.etag)).toBe(false);
      expect(await store.read('none')).toBeNull();
      expect(await store.list('')).toEqual(['p', 'store.json']);
    });

    test('loses no increment when several processes replace one file', async () => {
      await store.createExclusive('counter', '0');
      const children = Array.from({ length: 4 }, () =>
        startChild(
          `const store = await at('io/store').openStore(args.address);
           for (let done = 0; done < 25;) { const seen = await store.readTagged('counter');
             if (await store.replaceIfMatch('counter', String(Number(seen.data) + 1), seen.etag)) done += 1; }`,
          under,
        ),
      );
      expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0, 0, 0]);
      expect(await textOf(store, 'counter')).toBe('100');
    });

    test('shows nothing of a putFile whose process was killed, and replaces go on after a killed one', async () => {
      const writer = startChild(
        `const store = await at('io/store').openStore(args.address);
         async function* forever() { for (;;) { yield Buffer.alloc(300000, 1); console.log('wrote'); await new Promise((on) => setTimeout(on, 5)); } }
         await store.putFile('killed/file', forever());`,
        under,
      );
      await writer.line(/wrote/);
      writer.kill('SIGKILL');
      await writer.exited;
      expect(await store.read('killed/file')).toBeNull();
      expect(await store.list('')).toEqual(['store.json']);
      await store.putFile('killed/file', 'whole');
      expect(await textOf(store, 'killed/file')).toBe('whole');

      await store.createExclusive('counter', '0');
      for (let round = 0; round < 4; round += 1) {
        const replacer = startChild(
          `const store = await at('io/store').openStore(args.address); console.log('ready');
           for (;;) { const seen = await store.readTagged('counter'); await store.replaceIfMatch('counter', String(Number(seen.data) + 1), seen.etag); }`,
          under,
        );
        await replacer.line(/ready/);
        await new Promise((on) => setTimeout(on, 20 + 13 * round));
        replacer.kill('SIGKILL');
        await replacer.exited;
        // A replacement that the dead process had won is completed by the next comer, which then reads again.
        for (;;) {
          const seen = await store.readTagged('counter');
          if (await store.replaceIfMatch('counter', String(Number(seen!.data) + 1), seen!.etag)) break;
        }
      }
      expect(Number(await textOf(store, 'counter'))).toBeGreaterThanOrEqual(4);
    });
  });
};
