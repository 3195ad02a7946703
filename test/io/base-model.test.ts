// Base models from the Hub: pinned to a commit, downloaded once a machine, and no byte twice after a kill.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TrainerEvent } from '../../contracts/trainer';
import { materialise } from '../../io/base-model';
import type { Config } from '../../io/config';
import { openHub } from '../../io/hub';
import { createRunTrainer, type RunTrainer, TrainerStop } from '../../io/trainer';
import { Secret } from '../../io/secret';
import { HUB_TOKEN, HubStandIn } from '../support/hub';

const root = join(__dirname, '../..');
const id = 'tester/base';
const WEIGHTS = 40 * 1024 * 1024;

/** A safetensors file of one tensor of bytes. */
const weights = (fill: number, bytes = WEIGHTS): Buffer => {
  const header = Buffer.from(JSON.stringify({ [`w${bytes}`]: { dtype: 'U8', shape: [bytes], data_offsets: [0, bytes] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(bytes, fill)]);
};

let folder: string;
let server: HubStandIn;
const events: TrainerEvent[] = [];

const push = (fill: number): void => {
  const file = (path: string, content: string | Buffer): { path: string; content: Buffer; lfs: boolean } => ({
    path,
    content: Buffer.from(content),
    lfs: path.endsWith('.safetensors'),
  });
  const files = [
    file('config.json', JSON.stringify({ model_type: 'llama', vocab_size: 8 })),
    file('tokenizer.json', '{}'),
    file('chat_template.jinja', '{{ messages }}'),
    file('model-1.safetensors', weights(fill, 1024)),
    file('model-2.safetensors', weights(fill)),
  ];
  server.repository('model', id).commit('weights', '', files, []);
};

const deps = (endpoint: string, onEvent: (event: TrainerEvent) => void = () => undefined): { config: Config; runTrainer: RunTrainer } => {
  const hub = { endpoint, token: new Secret(HUB_TOKEN) };
  const log = { debug: () => undefined } as never;
  const runTrainer = createRunTrainer({
    python: join(root, 'native/.venv/bin/python'),
    native: join(root, 'native'),
    log,
    hub,
    environment: { HF_HOME: join(folder, 'hf'), HF_HUB_DISABLE_TELEMETRY: '1' },
  });
  return {
    config: { home: folder, root, hub } as Config,
    runTrainer: async (task) =>
      runTrainer({
        ...task,
        onEvent: (event) => {
          events.push(event);
          onEvent(event);
          task.onEvent?.(event);
        },
      }),
  };
};
const signal = new AbortController().signal;
const downloads = (file: string): string[] => server.requests.filter((line) => line.startsWith('GET') && line.endsWith(file));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'base-model-'));
  events.length = 0;
  server = await HubStandIn.start();
  await openHub({ token: HUB_TOKEN, url: server.url }).create({ kind: 'model', name: id }, 'private');
  push(1);
});
afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

test('a branch is a commit from then on, fetched once, and a new commit is another model', async () => {
  const first = await materialise(deps(server.url), id, null, { signal });
  expect(first.model.revision).toMatch(/^[0-9a-f]{40}$/);
  // What another stage or machine is given.
  const again = await materialise(deps(server.url), id, first.model.revision, { signal });
  expect(again).toEqual(first);
  expect(downloads('model-2.safetensors')).toHaveLength(1);
  push(2);
  const second = await materialise(deps(server.url), id, null, { signal });
  expect(second.model.revision).not.toBe(first.model.revision);
  expect(second.model.weightsDigest).not.toBe(first.model.weightsDigest);
  expect((await readdir(join(folder, 'models'))).length).toBe(2);
  // Without the Hub: the newest that is here, and it says so.
  const said: string[] = [];
  const offline = await materialise(deps('http://127.0.0.1:9'), id, null, { signal, onProgress: (text) => said.push(text) });
  expect(offline.model.revision).toBe(second.model.revision);
  expect(said.join()).toContain('the Hub does not answer');
}, 120_000);

test('killed in the middle of a file it goes on at the byte, and says how far it is', async () => {
  server.partEveryMs = 20;
  let pid = 0;
  let seen = 0;
  const kill = (event: TrainerEvent): void => {
    if (event.type === 'opened') pid = event.pid;
    if (event.type !== 'progress' || event.done < WEIGHTS / 4 || event.done >= WEIGHTS) return;
    seen = event.done;
    process.kill(pid, 'SIGKILL');
  };
  await expect(materialise(deps(server.url, kill), id, null, { signal })).rejects.toBeInstanceOf(TrainerStop);
  server.partEveryMs = 0;
  const { model } = await materialise(deps(server.url), id, null, { signal });
  expect(downloads('model-1.safetensors')).toHaveLength(1);
  const ranges = server.ranges.filter((_, at) => /^GET .*model-2.safetensors$/.test(server.requests[at] ?? ''));
  expect(ranges).toEqual(['bytes=0-', expect.stringMatching(/^bytes=\d+-$/)]);
  // What was told is kept, but for the other file's kilobyte.
  expect(Number(/\d+/.exec(ranges[1] ?? '')?.[0])).toBeGreaterThanOrEqual(seen - 2048);
  expect(model.weightsDigest).toMatch(/^[0-9a-f]{64}$/);
  const told = events.filter((event) => event.type === 'progress').map((event) => event.total);
  expect(Math.max(...told.map((value) => value ?? 0))).toBeGreaterThanOrEqual(WEIGHTS);
}, 120_000);

test('two runs that need the same model at once fetch its weights once', async () => {
  server.partEveryMs = 5;
  const first = deps(server.url);
  const other = { ...first, config: { ...first.config, home: join(folder, 'other') } };
  const [one, two] = await Promise.all([first, other].map(async (each) => materialise(each, id, null, { signal })));
  expect(one?.model).toEqual(two?.model);
  expect(one?.folder).not.toBe(two?.folder);
  for (const file of ['model-1.safetensors', 'model-2.safetensors']) expect(downloads(file)).toHaveLength(1);
}, 120_000);
