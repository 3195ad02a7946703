// `retune doctor`: what is here, what is missing, and the fix for each. Accounts are named, never shown.
import { execFile } from 'node:child_process';
import { existsSync, statfsSync } from 'node:fs';
import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Config, ENVIRONMENT, findExecutable } from '../io/config';
import { listGpus } from '../io/gpu';
import { openStore } from '../io/store';
import type { Command } from './command';
import { JSON_OPTION, parse } from './command';
import { findServer, namedServer } from './connection';
import { checkBrightData } from './doctor-brightdata';
import { type Check, missing, ok, warning } from './doctor-check';
import { EXIT } from './exit';

const execute = promisify(execFile);

const NODE_MINIMUM = [20, 19, 0];
const FREE_GB = 10;

const checkNode = (): Check => {
  const version = process.versions.node.split('.').map(Number);
  const first = version.findIndex((part, at) => part !== NODE_MINIMUM[at]);
  const good = first === -1 || (version[first] ?? 0) > (NODE_MINIMUM[first] ?? 0);
  const text = `${process.versions.node} on ${process.platform} ${process.arch}`;
  if (process.platform === 'win32') return missing('node', text, 'use WSL2');
  return good ? ok('node', text) : missing('node', text, `install Node ${NODE_MINIMUM.join('.')} or newer`);
};

const PACKAGES = `
import importlib.metadata as m, json, sys
have = {}
for name in ("torch", "transformers", "peft", "safetensors"):
    try: have[name] = m.version(name)
    except m.PackageNotFoundError: have[name] = None
print(json.dumps({"python": sys.version.split()[0], "packages": have}))`;

const checkPython = async ({ python }: Config): Promise<Check> => {
  try {
    const { stdout } = await execute(python, ['-c', PACKAGES], { timeout: 30_000 });
    const found = JSON.parse(stdout) as { python: string; packages: Record<string, string | null> };
    const absent = Object.entries(found.packages).filter(([, version]) => version === null);
    const text = `${found.python}: ${Object.entries(found.packages)
      .map(([name, version]) => `${name} ${version ?? 'missing'}`)
      .join(', ')}`;
    return absent.length === 0 ? ok('python', text) : missing('python', text, 'npm start installs them; or correct RETUNE_PYTHON');
  } catch {
    return missing('python', `${python} does not run`, 'npm start makes the environment native/.venv; or set RETUNE_PYTHON');
  }
};

const checkTemporalCli = async ({ temporal }: Config): Promise<Check> => {
  const cli = await findExecutable(temporal.cli);
  if (cli === null)
    return missing(
      'temporal cli',
      'not found',
      'npm start installs it; or set TEMPORAL_CLI_PATH, or TEMPORAL_ADDRESS for a server of yours',
    );
  try {
    const { stdout } = await execute(cli, ['--version'], { timeout: 20_000 });
    const [, major = '0', minor = '0'] = /(\d+)\.(\d+)\.\d+/.exec(stdout) ?? [];
    const version = stdout.trim().split('\n')[0] ?? '';
    if (Number(major) * 1000 + Number(minor) < 1009) return missing('temporal cli', `${version} at ${cli}`, 'install 1.9 or newer');
    return ok('temporal cli', `${version} at ${cli}`);
  } catch {
    return missing('temporal cli', `${cli} does not run`, 'npm start installs one; or correct TEMPORAL_CLI_PATH');
  }
};

const checkServer = async (config: Config): Promise<Check> => {
  try {
    const server = await findServer(config);
    if (server === null) return ok('temporal server', 'none running; npm start and npx retune up start one');
    await server.client.workflowService.describeNamespace({ namespace: server.namespace });
    await server.close();
    return ok('temporal server', `${server.address}, namespace ${server.namespace}${server.own ? ', ours' : ''}`);
  } catch (error) {
    const named = namedServer();
    return missing(
      'temporal server',
      error instanceof Error ? error.message : String(error),
      named === null ? 'stop and start npx retune up' : 'check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE',
    );
  }
};

const checkGpu = async (): Promise<Check> => {
  const gpus = await listGpus();
  if (gpus.length === 0)
    return warning(
      'gpu',
      'none: small models train on the CPU',
      'gpt-oss-20b needs an NVIDIA GPU with its driver; nvidia-smi must list it',
    );
  return ok('gpu', gpus.map(({ index, name, memoryMb }) => `${index}: ${name}, ${Math.round(memoryMb / 1024)} GiB`).join('; '));
};

const checkDisk = async ({ home }: Config): Promise<Check> => {
  try {
    await mkdir(home, { recursive: true });
    await access(home, constants.W_OK);
  } catch {
    return missing('disk', `${home} cannot be written`, 'set RETUNE_HOME to a folder that can');
  }
  const { bavail, bsize } = statfsSync(home);
  const free = (bavail * bsize) / 1e9;
  const text = `${free.toFixed(0)} GB free at ${home}`;
  return free < FREE_GB ? warning('disk', text, 'free some space; a 20B model and its merged copy need about 80 GB') : ok('disk', text);
};

const checkStore = async (config: Config): Promise<Check> => {
  try {
    const store = await openStore(config.store);
    return ok('store', `${store.uri} (${store.storeId})`);
  } catch (error) {
    return missing('store', error instanceof Error ? error.message : String(error), 'correct RETUNE_STORE');
  }
};

const checkBuild = ({ root }: Config): Check =>
  existsSync(join(root, 'dist', 'workflow-bundle.js')) && existsSync(join(root, 'dist', 'workers', 'main.js'))
    ? ok('build', 'dist/ is there')
    : missing('build', 'dist/ is incomplete', 'node scripts/setup.mjs');

/** Accounts: whether they are there and work, and what it means that they are not. */
const checkAccounts = async (config: Config): Promise<Check[]> => {
  const { hub, brightData, unknown } = config;
  const paid = await checkBrightData(config);
  const present: Record<string, boolean> = { HF_TOKEN: hub.token !== null, BRIGHTDATA_API_TOKEN: brightData.token !== null };
  const accounts = ENVIRONMENT.filter(({ secret, name }) => secret && !paid.some((check) => check.name === name)).map(
    ({ name, default: unset }) => ok(name, present[name] === true ? 'present' : unset),
  );
  return [...accounts, ...paid, ...unknown.map((name) => warning(name, 'no such variable', '.env.example lists them all'))];
};

const MARK = { ok: ['green', '✔'], warning: ['yellow', '!'], missing: ['red', '✘'] } as const;

export const doctor: Command = {
  usage: '[--json]',
  help: ['Exit code 0 when runs can start, 2 when something that they need is missing.'],
  async run(args, { config: readConfig, output }) {
    parse(args, JSON_OPTION, { min: 0, max: 0 });
    const config = readConfig();
    const checks = [
      checkNode(),
      checkBuild(config),
      await checkPython(config),
      await checkTemporalCli(config),
      await checkServer(config),
      await checkGpu(),
      await checkDisk(config),
      await checkStore(config),
      ...(await checkAccounts(config)),
    ];
    for (const check of checks) {
      const [style, mark] = MARK[check.state];
      output.line(`${output.style(style, mark)} ${check.name.padEnd(22)} ${check.text}`);
      if (check.fix !== null) output.line(`${' '.repeat(25)}→ ${check.fix}`);
      output.event({ type: 'check', ...check });
    }
    const good = checks.every(({ state }) => state !== 'missing');
    output.event({ type: 'result', ok: good });
    return good ? EXIT.ok : EXIT.usage;
  },
};
