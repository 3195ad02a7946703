import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Repository } from '../../contracts/hub';
import { type Hub, HubError, openHub } from '../../io/hub';
import { HUB_TOKEN, HubStandIn, type StandInOptions } from '../support/hub';
import { gitBlobId, sha256 } from '../support/hub-repository';
import { rejection } from '../support/rejection';

const model: Repository = { kind: 'model', name: 'tester/tuned' };
const dataset: Repository = { kind: 'dataset', name: 'team/pages' };
let folder: string;
let server: HubStandIn;
let hub: Hub;

const start = async (options: StandInOptions = {}): Promise<void> => {
  await server?.stop();
  server = await HubStandIn.start(options);
  hub = openHub({ token: HUB_TOKEN, url: `${server.url}/` });
};
const local = async (name: string, content: string | Buffer): Promise<string> => {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
};
const caught = async (action: Promise<unknown>): Promise<HubError> => rejection(action, HubError);
const made = async (repository: Repository): Promise<string> => {
  await hub.create(repository, 'private');
  return (await hub.head(repository)) ?? '';
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hub-'));
  await start();
});
afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

describe('reading', () => {
  test('a repository that does not exist has no head', async () => {
    expect(await hub.head(model)).toBeNull();
    expect(await hub.head(dataset)).toBeNull();
  });

  test('the account has a name and organisations', async () => {
    expect(await hub.account()).toEqual({ name: 'tester', organizations: ['team'] });
  });

  test('a tree of several pages is read whole', async () => {
    await start({ pageSize: 2 });
    const parent = await made(model);
    const paths = ['a.txt', 'b/c.txt', 'd.txt', 'e.txt'];
    const add = new Map(await Promise.all(paths.map(async (path, index) => [path, await local(`${index}`, path)] as const)));
    const head = await hub.commit({ repository: model, title: 'four', description: '', parent, add, remove: [] });
    expect((await hub.files(model, head)).map((file) => file.path)).toEqual(['.gitattributes', ...paths]);
    expect((await hub.files(model, parent)).map((file) => file.path)).toEqual(['.gitattributes']);
  });

  test('a file is read as text and an absent one is null', async () => {
    const parent = await made(dataset);
    const head = await hub.commit({
      repository: dataset,
      title: 'one',
      description: '',
      parent,
      add: new Map([['a b/ü.json', await local('x', '{"ü":1}')]]),
      remove: [],
    });
    expect(await hub.read(dataset, head, 'a b/ü.json')).toBe('{"ü":1}');
    expect(await hub.read(dataset, parent, 'a b/ü.json')).toBeNull();
  });
});

describe('committing', () => {
  test.each([
    ['one PUT', undefined],
    ['parts', 1000],
  ])('small and large files arrive byte for byte, large ones in %s', async (_, partBytes) => {
    await start({ partBytes });
    const weights = Buffer.alloc(4321, 'weights');
    const parent = await made(model);
    expect(server.repository('model', model.name).isPrivate).toBe(true);
    const head = await hub.commit({
      repository: model,
      title: 'first',
      description: 'why',
      parent,
      add: new Map([
        ['README.md', await local('r', '# card\n')],
        ['adapter/model.safetensors', await local('w', weights)],
      ]),
      remove: [],
    });
    expect(await hub.head(model)).toBe(head);
    expect(await hub.files(model, head)).toEqual([
      expect.objectContaining({ path: '.gitattributes' }),
      { path: 'README.md', bytes: 7, sha1: gitBlobId(Buffer.from('# card\n')), sha256: null },
      { path: 'adapter/model.safetensors', bytes: 4321, sha1: null, sha256: sha256(weights) },
    ]);
    expect(server.repository('model', model.name).head.message).toBe('why');
  });

  test('files are deleted in the same commit', async () => {
    const parent = await made(model);
    const old = await hub.commit({
      repository: model,
      title: 'old',
      description: '',
      parent,
      add: new Map([['old.txt', await local('o', 'old')]]),
      remove: [],
    });
    await hub.commit({
      repository: model,
      title: 'new',
      description: '',
      parent: old,
      add: new Map([['new.txt', await local('n', 'new')]]),
      remove: ['old.txt'],
    });
    expect([...server.repository('model', model.name).head.tree.keys()]).toEqual(['.gitattributes', 'new.txt']);
    expect((await hub.commitsSince(model, parent)).map((commit) => commit.title)).toEqual(['new', 'old']);
  });

  test('creating a repository twice leaves it as it is', async () => {
    const head = await made(dataset);
    await hub.create(dataset, 'public');
    expect(await hub.head(dataset)).toBe(head);
    expect(server.repository('dataset', dataset.name).isPrivate).toBe(true);
  });

  test('a moved head is a conflict and changes nothing', async () => {
    const parent = await made(model);
    server.edit('model', model.name, 'notes.md', 'mine');
    const error = await caught(
      hub.commit({ repository: model, title: 'late', description: '', parent, add: new Map([['a', await local('a', 'a')]]), remove: [] }),
    );
    expect([error.code, error.status]).toEqual(['CONFLICT', 412]);
    expect(server.repository('model', model.name).head.title).toBe('Update notes.md');
  });
});

describe('errors', () => {
  test('a wrong token is denied, and no error shows it', async () => {
    const wrong = 'hf_aTokenThatMustNotBeSeen';
    const error = await caught(openHub({ token: wrong, url: server.url }).head(model));
    expect([error.code, error.status]).toEqual(['DENIED', 401]);
    expect(JSON.stringify({ ...error, message: error.message, stack: error.stack })).not.toContain(wrong);
  });

  test('a token that the server sends back is not shown', async () => {
    server.inject({ method: 'GET', path: /whoami/, does: { status: 400, error: `bad token ${HUB_TOKEN}` } });
    const error = await caught(hub.account());
    expect(error.code).toBe('REFUSED');
    expect(error.message).toContain('bad token [secret]');
  });

  test('a token that is none of the Hub is denied before anything is sent', async () => {
    const error = await caught(openHub({ token: 'github_pat_1', url: server.url }).head(model));
    expect(error.code).toBe('DENIED');
    expect(server.requests).toEqual([]);
  });

  test('a namespace without rights is denied', async () => {
    expect((await caught(hub.create({ kind: 'model', name: 'stranger/x' }, 'private'))).code).toBe('DENIED');
  });

  test('a busy server says for how long', async () => {
    server.inject({ method: 'GET', path: /revision/, does: { status: 503, headers: { 'retry-after': '7' } } });
    const error = await caught(hub.head(model));
    expect([error.code, error.status, error.retryAfterMs]).toEqual(['UNAVAILABLE', 503, 7000]);
    expect(await hub.head(model)).toBeNull();
  });

  test('a server that is not there is unavailable', async () => {
    const { url } = server;
    await server.stop();
    const error = await caught(openHub({ token: HUB_TOKEN, url }).head(model));
    expect([error.code, error.status]).toEqual(['UNAVAILABLE', null]);
    await start();
  });

  test('a failed upload does not show the signature of its address', async () => {
    const parent = await made(model);
    server.inject({ method: 'PUT', path: /_lfs/, does: { status: 500 } });
    const error = await caught(
      hub.commit({
        repository: model,
        title: 't',
        description: '',
        parent,
        add: new Map([['w.bin', await local('w', 'bytes')]]),
        remove: [],
      }),
    );
    expect(error.code).toBe('UNAVAILABLE');
    expect(error.message).toContain('/_lfs/model/tester/tuned');
    expect(error.message).not.toContain('presigned');
  });

  test('an upload that was done is not done again when the commit failed', async () => {
    const parent = await made(model);
    const request = {
      repository: model,
      title: 't',
      description: '',
      parent,
      add: new Map([['w.bin', await local('w', 'bytes')]]),
      remove: [],
    };
    server.inject({ method: 'POST', path: /\/commit\//, does: { status: 503 } });
    await caught(hub.commit(request));
    await hub.commit(request);
    expect(server.requests.filter((line) => line.startsWith('PUT'))).toHaveLength(1);
  });

  test('an abort during an upload ends it and nothing is committed', async () => {
    const parent = await made(model);
    const abort = new AbortController();
    server.inject({
      method: 'PUT',
      path: /_lfs/,
      does: { delayMs: 60_000 },
      strikes: () => abort.abort(new Error('cancelled by a person')),
    });
    const commit = hub.commit(
      { repository: model, title: 't', description: '', parent, add: new Map([['w.bin', await local('w', 'bytes')]]), remove: [] },
      abort.signal,
    );
    await expect(commit).rejects.toThrow('cancelled by a person');
    expect(await hub.head(model)).toBe(parent);
  });

  test('an abort also ends calls for which the client takes no signal', async () => {
    const abort = new AbortController();
    server.inject({ method: 'GET', path: /revision/, does: { delayMs: 60_000 }, strikes: () => abort.abort(new Error('stop')) });
    await expect(hub.head(model, abort.signal)).rejects.toThrow('stop');
  });
});
