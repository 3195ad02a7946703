// `npm test`: set-up, then every check and test; closes with one line over all of them.
// By hand, some only: node scripts/test.mjs lint jest
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { setPriority } from 'node:os';
import path from 'node:path';
import { HOME, ROOT, StepFailed, explain, run, step } from './steps.mjs';
import { build, setUp } from './setup.mjs';

const REPORTS = path.join(HOME, 'reports');
const python = process.env.RETUNE_PYTHON ?? path.join(ROOT, 'native', '.venv', 'bin', 'python');
const tool = (...parts) => path.join(ROOT, 'node_modules', ...parts);
const node = (name, script, args, fix) => ({ name, fix, work: () => run(`test-${name}`, process.execPath, [script, ...args], { fix }) });

/** Torch spins idle threads on a small machine: seconds become minutes without this. */
const environment = { ...process.env, OMP_WAIT_POLICY: process.env.OMP_WAIT_POLICY ?? 'PASSIVE' };

/** Runs a test runner with its own progress on the terminal. */
const runner = (command, args, cwd, stdio = 'inherit') =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: environment, stdio: ['ignore', stdio, stdio] });
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
    // What runs behind the others must not make them late.
    if (stdio !== 'inherit' && child.pid !== undefined) setPriority(child.pid, 10);
  });

const jest = async () => {
  const report = path.join(REPORTS, 'jest.json');
  rmSync(report, { force: true });
  const code = await runner(process.execPath, [tool('jest', 'bin', 'jest.js'), '--runInBand', '--json', `--outputFile=${report}`], ROOT);
  if (!existsSync(report)) throw new StepFailed(`Jest ended without a report (exit ${code})`, 'npx jest --runInBand');
  const result = JSON.parse(readFileSync(report, 'utf8'));
  // A file that does not load holds no test that could fail.
  return {
    passed: result.numPassedTests,
    failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
    skipped: result.numPendingTests + result.numTodoTests,
    code,
  };
};

/** Writes to a file: it runs behind the checks and Jest, which leave half of a small machine idle. */
const pytest = async () => {
  const [report, log] = [path.join(REPORTS, 'pytest.xml'), path.join(REPORTS, 'pytest.log')];
  rmSync(report, { force: true });
  const file = openSync(log, 'w');
  const code = await runner(python, ['-m', 'pytest', `--junitxml=${report}`], path.join(ROOT, 'native'), file).finally(() =>
    closeSync(file),
  );
  if (!existsSync(report)) throw new StepFailed(`pytest ended without a report (exit ${code})`, 'cd native && .venv/bin/python -m pytest');
  const suite = readFileSync(report, 'utf8').match(/<testsuite [^>]*>/)?.[0] ?? '';
  const count = (name) => Number(suite.match(new RegExp(` ${name}="(\\d+)"`))?.[1] ?? 0);
  const failed = count('failures') + count('errors');
  return { passed: count('tests') - failed - count('skipped'), failed, skipped: count('skipped'), code, log };
};

const CHECKS = [
  node('format', tool('prettier', 'bin', 'prettier.cjs'), ['--check', '--log-level', 'warn', '.'], 'npx prettier --write .'),
  { name: 'types', fix: 'npx tsc --noEmit -p .', work: build },
  node('lint', tool('eslint', 'bin', 'eslint.js'), ['.'], 'npx eslint --fix .'),
  node(
    'doors',
    tool('dependency-cruiser', 'bin', 'dependency-cruise.mjs'),
    ['--config', '.dependency-cruiser.cjs', '.'],
    'npx depcruise --config .dependency-cruiser.cjs . names the import; house rules: docs/architecture.md',
  ),
  node('dead-code', tool('knip', 'bin', 'knip.js'), [], 'npx knip; remove what nothing uses'),
  node('schema', path.join(ROOT, 'dist', 'scripts', 'schema.js'), ['--check'], 'node dist/scripts/schema.js'),
  node('input-docs', path.join(ROOT, 'dist', 'scripts', 'input-docs.js'), ['--check'], 'node dist/scripts/input-docs.js'),
  {
    name: 'python-lint',
    fix: 'native/.venv/bin/ruff check --fix native && native/.venv/bin/ruff format native',
    async work() {
      for (const args of [
        ['check', '--no-cache'],
        ['format', '--check', '--no-cache'],
      ])
        await run('test-python-lint', python, ['-m', 'ruff', ...args, 'native'], { fix: this.fix });
    },
  },
];
const RUNNERS = [
  { name: 'jest', work: jest, fix: 'npx jest --runInBand <file>' },
  { name: 'pytest', work: pytest, fix: 'cd native && .venv/bin/python -m pytest <file>', behind: true },
];

const main = async (chosen) => {
  const unknown = chosen.filter((name) => ![...CHECKS, ...RUNNERS].some((one) => one.name === name));
  if (unknown.length > 0)
    throw new StepFailed(
      `no such check: ${unknown.join(', ')}`,
      `choose among ${[...CHECKS, ...RUNNERS].map((one) => one.name).join(', ')}`,
    );
  const wanted = ({ name }) => chosen.length === 0 || chosen.includes(name);
  // A chosen few still need what workers, CLI and threads run from; among all checks the build is one of its own.
  await setUp({ compile: chosen.length > 0 && !chosen.includes('types') });
  mkdirSync(REPORTS, { recursive: true });
  const total = { passed: 0, failed: 0, skipped: 0 };
  const table = [];
  const failures = [];

  const begin = async ({ work }) => {
    const started = Date.now();
    const counts = await work().catch((error) => ({ passed: 0, failed: 1, skipped: 0, code: 1, error }));
    return { ...counts, ms: Date.now() - started };
  };
  const behind = new Map(RUNNERS.filter((one) => one.behind && wanted(one)).map((one) => [one.name, begin(one)]));
  for (const check of CHECKS.filter(wanted)) {
    const started = Date.now();
    const error = await step(check.name, () => check.work()).then(
      () => null,
      (reason) => reason,
    );
    table.push({ name: check.name, ms: Date.now() - started, text: error ? 'failed' : 'passed' });
    total[error ? 'failed' : 'passed'] += 1;
    if (error) failures.push({ name: check.name, error, fix: check.fix });
  }
  for (const one of RUNNERS.filter(wanted)) {
    const { name, fix } = one;
    console.log(`\n${name}`);
    const counts = await (behind.get(name) ?? begin(one));
    if (counts.log !== undefined) process.stdout.write(readFileSync(counts.log));
    // An exit code without a failed test is a failure too: no tests found, or an error outside them.
    if (counts.code !== 0 && counts.failed === 0) counts.failed = 1;
    for (const kind of Object.keys(total)) total[kind] += counts[kind];
    table.push({ name, ms: counts.ms, text: `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped` });
    if (counts.failed > 0) failures.push({ name, error: counts.error ?? new StepFailed(`${counts.failed} failed`, fix), fix });
  }

  console.log();
  for (const { name, ms, text } of table) console.log(`${name.padEnd(14)}${`${(ms / 1000).toFixed(1)} s`.padStart(9)}  ${text}`);
  for (const { name, error, fix } of failures) console.log(`\n✘ ${name}: ${error.message}\n  To mend it: ${fix}`);
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed === 0 ? 0 : 1;
};

await main(process.argv.slice(2)).catch((error) => {
  explain(error);
  console.log('\n0 passed, 1 failed, 0 skipped');
});
