// Installs what is missing and builds: Node packages, the Python environment, dist/. Does nothing where all
// is current. Run by `npm start` and `npm test`; by hand: node scripts/setup.mjs
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs, { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { HOME, ROOT, StepFailed, explain, run, step } from './steps.mjs';

const UV_VERSION = '0.13.9';
const NODE_MINIMUM = [20, 19, 0];
const PYTHON_MINIMUM = [3, 10];
const PYTHON_GIGABYTES = 6; // torch and its GPU libraries are most of it
const FREE_GIGABYTES = 9; // the environment, plus uv's cache while it unpacks

const VENV = path.join(ROOT, 'native', '.venv');
const VENV_PYTHON = path.join(VENV, 'bin', 'python');
const VENV_STAMP = path.join(VENV, '.retune-stamp');
const DIST = path.join(ROOT, 'dist');
const BUILD_STAMP = path.join(DIST, '.retune-stamp');
const ROOMS = ['contracts', 'workflows', 'activities', 'workers', 'lib', 'io', 'cli', 'scripts', 'bench', 'test'];

const read = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : null);
const hash = (parts) => {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(`${Buffer.byteLength(part)}:`).update(part);
  return sum.digest('hex');
};
const atLeast = (version, minimum) => {
  for (const [i, least] of minimum.entries()) if ((version[i] ?? 0) !== least) return (version[i] ?? 0) > least;
  return true;
};

const checkNode = () => {
  if (process.platform === 'win32')
    throw new StepFailed('Windows is supported through WSL2 only', 'open a WSL2 shell, clone there and run npm start');
  if (atLeast(process.versions.node.split('.').map(Number), NODE_MINIMUM)) return;
  throw new StepFailed(`Node ${process.versions.node} is too old`, `install Node ${NODE_MINIMUM.join('.')} or newer`);
};

/** True when node_modules holds what package-lock.json names; npm writes its own lock there last. */
const nodePackagesCurrent = () => {
  const installed = read(path.join(ROOT, 'node_modules', '.package-lock.json'));
  if (installed === null) return false;
  const have = JSON.parse(installed).packages;
  const want = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')).packages;
  // Optional packages of other platforms are in the lock but never installed.
  return Object.entries(want).every(
    ([where, entry]) => where === '' || (have[where]?.version ?? (entry.optional ? entry.version : null)) === entry.version,
  );
};

/** npm as a command: the one that runs us, since node_modules/.bin holds an npm of its own (the demo's manual). */
const npmCommand = () => {
  const running = process.env.npm_execpath;
  return running && path.basename(running) === 'npm-cli.js' ? [process.execPath, running] : ['npm'];
};

const installNodePackages = async () => {
  const [command, ...prefix] = npmCommand();
  const fix = "check the network and npm's registry setting, then run it again";
  const npm = (...args) => run('setup', command, [...prefix, ...args, '--include=dev', '--no-audit', '--no-fund'], { fix });
  await npm('ci').catch((error) => {
    // The lock was made where the registry has no builds for other platforms, and `npm ci` misses those that nobody
    // here needs. `npm install` takes the same locked versions and passes over them.
    if (!/EUSAGE|Missing: .* from lock file/.test(error.output ?? '')) throw error;
    return npm('install', '--no-save');
  });
};

/** First Python that is new enough and can make environments. */
const findPython = () => {
  const seen = [];
  for (const name of ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python']) {
    let version;
    try {
      version = JSON.parse(
        execFileSync(name, ['-c', 'import sys; print(list(sys.version_info[:3]))'], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        }),
      );
    } catch {
      continue;
    }
    if (!atLeast(version, PYTHON_MINIMUM)) {
      seen.push(`${name} is ${version.join('.')}`);
      continue;
    }
    try {
      execFileSync(name, ['-c', 'import venv, ensurepip'], { stdio: 'ignore' });
      return name;
    } catch {
      seen.push(`${name} ${version.join('.')} lacks the module venv (Debian, Ubuntu: apt install python3-venv)`);
    }
  }
  throw new StepFailed(
    `Python ${PYTHON_MINIMUM.join('.')} or newer with venv is needed${seen.length > 0 ? `; found: ${seen.join('; ')}` : ''}`,
    'install Python 3.10 or newer with its venv module, or set RETUNE_PYTHON to a Python that has native/requirements.lock installed',
  );
};

const works = (command, ...args) => {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const venvStamp = () =>
  hash(['requirements.lock', 'requirements-models.lock'].map((name) => readFileSync(path.join(ROOT, 'native', name), 'utf8')));

/** uv does not read pip's settings: where a mirror or a certificate is configured for pip only, hand it on. */
const uvEnvironment = () => {
  const env = { UV_HTTP_TIMEOUT: '300', ...process.env };
  const settings = execFileSync(VENV_PYTHON, ['-m', 'pip', 'config', 'list'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const pip = (name) =>
    ['global', 'install', ':env:'].map((scope) => settings.match(new RegExp(`^${scope}\\.${name}='(.*)'$`, 'm'))?.[1]).findLast(Boolean);
  const handOn = (theirs, ours) => {
    const value = pip(theirs);
    if (value !== undefined && !env[ours]) env[ours] = value;
  };
  if (!env.UV_INDEX_URL) handOn('index-url', 'UV_DEFAULT_INDEX');
  handOn('find-links', 'UV_FIND_LINKS');
  handOn('cert', 'SSL_CERT_FILE');
  return env;
};

const makeVenv = async (python) => {
  rmSync(VENV, { recursive: true, force: true });
  await run('setup', python, ['-m', 'venv', VENV], {
    fix: 'install the venv module of this Python (Debian, Ubuntu: apt install python3-venv)',
  });
  await run('setup', VENV_PYTHON, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `uv==${UV_VERSION}`], {
    fix: "check the network and pip's index setting, then run it again",
  });
};

const installPythonPackages = async () => {
  const fix = 'check the network and the free disk space, then run it again: what is there already is kept';
  const uv = path.join(VENV, 'bin', 'uv');
  const install = ['pip', 'install', '--python', VENV_PYTHON, '--require-hashes', '--compile-bytecode'];
  const native = path.join(ROOT, 'native');
  await run('setup', uv, [...install, '-r', path.join(native, 'requirements.lock')], { env: uvEnvironment(), fix });
  await run('setup', uv, [...install, '--no-deps', '-r', path.join(native, 'requirements-models.lock')], { env: uvEnvironment(), fix });
  writeFileSync(VENV_STAMP, venvStamp());
};

const pythonCurrent = () => read(VENV_STAMP) === venvStamp() && works(VENV_PYTHON, '-c', '');

const checkDisk = () => {
  const { bavail, bsize } = fs.statfsSync(path.join(ROOT, 'native'));
  const free = (bavail * bsize) / 1e9;
  if (free < FREE_GIGABYTES)
    throw new StepFailed(
      `${free.toFixed(1)} GB are free where native/ lies; the Python environment needs ${FREE_GIGABYTES}`,
      'free some space, or set RETUNE_PYTHON',
    );
};

const setUpPython = async () => {
  const own = process.env.RETUNE_PYTHON;
  if (own) {
    if (!works(own, '-c', 'import sys; sys.exit(sys.version_info < (3, 10))'))
      throw new StepFailed(
        `RETUNE_PYTHON=${own} does not run or is older than 3.10`,
        'name a Python that has native/requirements.lock installed, or unset it',
      );
    return;
  }
  if (pythonCurrent()) return;
  const python = findPython();
  const sound = works(VENV_PYTHON, '-c', '') && works(path.join(VENV, 'bin', 'uv'), '--version');
  if (!sound) {
    checkDisk();
    await step('Python environment', () => makeVenv(python));
  }
  await step(
    'Python packages',
    async () => {
      try {
        await installPythonPackages();
      } catch (error) {
        if (!sound) throw error;
        await makeVenv(python); // an environment that was broken half-way: once more from nothing
        await installPythonPackages();
      }
    },
    {
      announce: `PyTorch, the trainer's packages, Temporal and a small model: about ${PYTHON_GIGABYTES} GB on disk, once; several minutes`,
    },
  );
};

const sources = () =>
  ROOMS.filter((room) => existsSync(path.join(ROOT, room)))
    .flatMap((room) => readdirSync(path.join(ROOT, room), { recursive: true }).map((name) => path.join(room, String(name))))
    .filter((name) => name.endsWith('.ts'))
    .sort();

/** Output of sources that are gone would still be found by whoever looks them up. */
const removeStale = (names) => {
  const wanted = new Set(names.map((name) => name.replace(/\.ts$/, '.js')));
  for (const room of ROOMS.filter((name) => existsSync(path.join(DIST, name))))
    for (const entry of readdirSync(path.join(DIST, room), { recursive: true })) {
      const name = path.join(room, String(entry));
      if (name.endsWith('.js') && !wanted.has(name))
        for (const suffix of ['', '.map']) rmSync(path.join(DIST, name + suffix), { force: true });
    }
};

const buildStamp = () =>
  hash(['package-lock.json', 'tsconfig.json', ...sources()].flatMap((name) => [name, readFileSync(path.join(ROOT, name), 'utf8')]));

/** Compiles to dist/ and bundles the workflows, if a source changed since the last time. */
export const build = async () => {
  const stamp = buildStamp();
  if (read(BUILD_STAMP) === stamp) return;
  rmSync(BUILD_STAMP, { force: true });
  const fix = 'npx tsc --noEmit -p . shows all of it';
  const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  await run('setup', process.execPath, [tsc, '-p', ROOT, '--incremental', '--tsBuildInfoFile', path.join(DIST, '.tsbuildinfo')], { fix });
  removeStale(sources());
  await run('setup', process.execPath, [path.join(DIST, 'scripts', 'bundle.js')], {
    fix: 'read the message: workflow code may not use Node',
  });
  writeFileSync(BUILD_STAMP, stamp);
};

const alive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};

/** Two set-ups in one checkout would undo each other: the second waits for the first. */
const locked = async (work) => {
  const file = path.join(ROOT, '.retune', 'setup.lock');
  mkdirSync(path.dirname(file), { recursive: true });
  let told = false;
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = Number(read(file) ?? 0);
    if (holder > 0 && !alive(holder)) rmSync(file, { force: true });
    else if (!told) console.log(`  waiting for another set-up (process ${holder})`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
};

/**
 * Makes the checkout ready to run.
 * @param {{compile?: boolean}} [options] compile: false leaves dist/ to the caller
 * @throws {StepFailed}
 */
export const setUp = async ({ compile = true } = {}) => {
  checkNode();
  mkdirSync(path.join(HOME, 'logs'), { recursive: true });
  await locked(async () => {
    if (!nodePackagesCurrent())
      await step('Node packages', installNodePackages, { announce: 'Node packages from package-lock.json: about 0.4 GB on disk' });
    await setUpPython();
    if (compile && read(BUILD_STAMP) !== buildStamp()) await step('Build', build);
  });
};

if (process.argv[1] === import.meta.filename) await setUp().catch(explain);
