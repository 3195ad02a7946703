import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import { childEnvironment, ConfigError, ENVIRONMENT, findExecutable, readConfig } from '../../io/config';

const root = resolve(__dirname, '../..');

test('an empty environment gives the documented defaults', () => {
  const config = readConfig({});
  expect(config).toEqual({
    root,
    home: join(root, '.retune'),
    store: join(root, '.retune/store'),
    presets: join(root, 'examples'),
    python: join(root, 'native/.venv/bin/python'),
    device: null,
    queuePrefix: '',
    filesRoot: null,
    llm: { url: null, model: null, key: null },
    allowPrivateHosts: false,
    publishNamespaces: null,
    hub: { endpoint: 'https://huggingface.co', token: null },
    brightData: { url: 'https://api.brightdata.com', token: null, zone: null },
    temporal: { address: null, namespace: null, cli: [join(root, 'native/.venv/bin/temporal')] },
    unknown: [],
  });
  expect(readConfig({ RETUNE_STORE: '', HF_TOKEN: ' ' })).toEqual(config);
});

test('every variable of the table is read', () => {
  const config = readConfig({
    RETUNE_HOME: 'here',
    RETUNE_STORE: 's3://bucket/x',
    RETUNE_PRESETS: '/p',
    RETUNE_PYTHON: '/py',
    RETUNE_DEVICE: 'cpu',
    RETUNE_QUEUE_PREFIX: 'a-',
    RETUNE_FILES_ROOT: '/f',
    RETUNE_ALLOW_PRIVATE_HOSTS: 'on',
    RETUNE_PUBLISH_NAMESPACES: 'me, org',
    HF_TOKEN: 'hf_abc',
    HF_ENDPOINT: 'http://127.0.0.1:9/',
    RETUNE_LLM_URL: 'http://127.0.0.1:7/v1/',
    RETUNE_LLM_MODEL: 'm',
    RETUNE_LLM_KEY: 'llm_key',
    BRIGHTDATA_API_TOKEN: 'bd_token',
    BRIGHTDATA_API_URL: 'http://127.0.0.1:8',
    BRIGHTDATA_ZONE: 'zone',
    TEMPORAL_ADDRESS: 'h:1',
    TEMPORAL_NAMESPACE: 'n',
    TEMPORAL_CLI_PATH: '/bin/t',
    PATH: '/a:/b',
    RETUNE_STOR: 'typo',
  });
  expect(config).toMatchObject({
    home: resolve('here'),
    store: 's3://bucket/x',
    presets: '/p',
    python: '/py',
    device: 'cpu',
    queuePrefix: 'a-',
    filesRoot: '/f',
    allowPrivateHosts: true,
    publishNamespaces: ['me', 'org'],
    temporal: { address: 'h:1', namespace: 'n', cli: ['/bin/t'] },
    unknown: ['RETUNE_STOR'],
  });
  expect([config.llm.url, config.llm.model, config.llm.key?.reveal()]).toEqual(['http://127.0.0.1:7/v1', 'm', 'llm_key']);
  expect(config.hub.endpoint).toBe('http://127.0.0.1:9');
  expect([config.hub.token?.reveal(), config.brightData.token?.reveal()]).toEqual(['hf_abc', 'bd_token']);
  expect(readConfig({ RETUNE_HOME: '/h' }).store).toBe('/h/store');
  expect(readConfig({ RETUNE_STORE: 'shelf' }).store).toBe(resolve('shelf'));
  expect(readConfig({ PATH: '/a:/b' }).temporal.cli.slice(1)).toEqual(['/a/temporal', '/b/temporal']);
});

test('bad variables are all named in one error that holds no value', () => {
  const bad = {
    RETUNE_DEVICE: 'tpu',
    RETUNE_ALLOW_PRIVATE_HOSTS: 'perhaps',
    HF_ENDPOINT: 'ftp://wrong-value',
    HF_TOKEN: 'hf_se cret',
    RETUNE_PUBLISH_NAMESPACES: 'a/b',
  };
  let error: unknown;
  try {
    readConfig(bad);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(ConfigError);
  const { message, code, problems } = error as ConfigError;
  expect(code).toBe('CONFIG');
  expect(problems.map(({ variable }) => variable).sort()).toEqual(Object.keys(bad).sort());
  for (const name of Object.keys(bad)) expect(message).toContain(name);
  for (const value of ['tpu', 'perhaps', 'wrong-value', 'cret']) expect(message).not.toContain(value);
});

test('a secret cannot be printed by accident', () => {
  const { hub } = readConfig({ HF_TOKEN: 'hf_hidden' });
  for (const shown of [
    JSON.stringify(hub),
    inspect(hub, { depth: 9, showHidden: true }),
    String(hub.token),
    `${hub.token as unknown as string}`,
    JSON.stringify({ ...hub.token }),
  ])
    expect(shown).not.toContain('hidden');
  expect(JSON.stringify(hub)).toContain('[secret]');
  expect(inspect(hub)).toContain('[secret]');
});

test('the table says of each variable what it means and what holds without it', () => {
  expect(ENVIRONMENT.filter(({ secret }) => secret).map(({ name }) => name)).toEqual([
    'HF_TOKEN',
    'BRIGHTDATA_API_TOKEN',
    'RETUNE_LLM_KEY',
  ]);
  for (const { name, meaning, default: unset } of ENVIRONMENT) {
    expect(name).toMatch(/^[A-Z_]+$/);
    expect(meaning).not.toBe('');
    expect(unset).not.toBe('');
  }
});

test('a Python child sees no account and waits without spinning unless told otherwise', () => {
  const env = {
    PATH: '/bin',
    HF_TOKEN: 'a',
    BRIGHTDATA_API_TOKEN: 'b',
    AWS_SECRET_ACCESS_KEY: 'c',
    TEMPORAL_API_KEY: 'd',
    CUDA_VISIBLE_DEVICES: '1',
    HF_HUB_OFFLINE: '1',
    PYTHONPATH: '/x',
  };
  expect(childEnvironment(env)).toEqual({
    PATH: '/bin',
    CUDA_VISIBLE_DEVICES: '1',
    HF_HUB_OFFLINE: '1',
    OMP_WAIT_POLICY: 'PASSIVE',
    PYTHONUNBUFFERED: '1',
  });
  expect(childEnvironment({ OMP_WAIT_POLICY: 'ACTIVE' })).toMatchObject({ OMP_WAIT_POLICY: 'ACTIVE' });
});

test('the first file that can be run is found', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'retune-config-'));
  await writeFile(join(folder, 'plain'), '');
  await writeFile(join(folder, 'program'), '');
  await chmod(join(folder, 'program'), 0o755);
  const at = (...names: string[]): string[] => names.map((name) => join(folder, name));
  expect(await findExecutable(at('none', 'plain', 'program'))).toBe(join(folder, 'program'));
  expect(await findExecutable(at('none'))).toBeNull();
  await rm(folder, { recursive: true });
});
