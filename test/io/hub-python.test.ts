// A second client for the same contract: Python's huggingface_hub pushes to the stand-in and reads what we pushed.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openHub } from '../../io/hub';
import { HUB_TOKEN, HubStandIn } from '../support/hub';

const PYTHON = join(__dirname, '../../native/.venv/bin/python');
const run = promisify(execFile);
let folder: string;
let server: HubStandIn;

const python = async (script: string, ...args: string[]): Promise<string> => {
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    HF_HOME: join(folder, 'hf'),
    HF_ENDPOINT: server.url,
    HF_TOKEN: HUB_TOKEN,
    HF_HUB_DISABLE_XET: '1',
    HF_HUB_DISABLE_TELEMETRY: '1',
  };
  return (await run(PYTHON, ['-c', script, ...args], { env })).stdout.trim();
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hub-python-'));
  server = await HubStandIn.start();
});
afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

test("what we push is what Python's client downloads", async () => {
  const weights = Buffer.alloc(70_000, 'w');
  await writeFile(join(folder, 'weights'), weights);
  await writeFile(join(folder, 'card'), '# card\n');
  const hub = openHub({ token: HUB_TOKEN, url: server.url });
  const repository = { kind: 'model', name: 'tester/tuned' } as const;
  await hub.create(repository, 'private');
  const parent = (await hub.head(repository)) ?? '';
  const add = new Map([
    ['adapter/w.safetensors', join(folder, 'weights')],
    ['README.md', join(folder, 'card')],
  ]);
  const head = await hub.commit({ repository, title: 'first', description: '', parent, add, remove: [] });
  const copy = await python(
    'import sys; from huggingface_hub import snapshot_download; print(snapshot_download("tester/tuned", revision=sys.argv[1]))',
    head,
  );
  expect(await readFile(join(copy, 'adapter/w.safetensors'))).toEqual(weights);
  expect(await readFile(join(copy, 'README.md'), 'utf8')).toBe('# card\n');
}, 60_000);

test("what Python's client uploads is what we read, and its repeated upload makes no commit", async () => {
  await mkdir(join(folder, 'out/data'), { recursive: true });
  await writeFile(join(folder, 'out/README.md'), '---\nlicense: apache-2.0\n---\n');
  await writeFile(join(folder, 'out/data/train.parquet'), Buffer.alloc(5000, 'p'));
  const script = `
import sys
from huggingface_hub import HfApi
api = HfApi()
api.create_repo("team/pages", repo_type="dataset", private=True, exist_ok=True)
for _ in range(2):
    print(api.upload_folder(repo_id="team/pages", repo_type="dataset", folder_path=sys.argv[1]).oid)
`;
  const oids = (await python(script, join(folder, 'out'))).split('\n');
  const hub = openHub({ token: HUB_TOKEN, url: server.url });
  const repository = { kind: 'dataset', name: 'team/pages' } as const;
  const head = await hub.head(repository);
  expect(oids).toEqual([head, head]);
  expect(server.repository('dataset', 'team/pages').commits).toHaveLength(2);
  expect((await hub.files(repository, head ?? '')).map((file) => [file.path, file.bytes, file.sha256 !== null])).toEqual([
    ['.gitattributes', expect.any(Number), false],
    ['README.md', 28, false],
    ['data/train.parquet', 5000, true],
  ]);
}, 60_000);
