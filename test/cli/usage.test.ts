// What a person reads who typed something wrong, and with which code the command ends.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { retune } from '../support/cli';

const home = mkdtempSync(join(tmpdir(), 'retune-usage-'));
const env = { RETUNE_HOME: home };
afterAll(() => rmSync(home, { recursive: true, force: true }));

test('help lists the commands that exist and none that do not', async () => {
  const { code, stdout } = await retune(['--help'], env);
  expect(code).toBe(0);
  for (const name of [
    'demo',
    'up',
    'run',
    'status',
    'watch',
    'list',
    'cancel',
    'resume',
    'approve',
    'reject',
    'schedule',
    'doctor',
    'worker',
    'preview',
    'ask',
    'report',
  ])
    expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
  expect(stdout).not.toMatch(/^ {2}(serve|rollback|gc) /m);
});

test.each([
  [['serve'], 'serve: not yet'],
  [['nope'], 'nope is no command'],
  [['run', '--bogus'], "Unknown option '--bogus'"],
  [['status'], 'something is missing'],
  [['watch', 'a', 'b'], 'too many words: b'],
  [['worker', 'tpu'], 'tpu is no kind of worker'],
  [['ask', 'a', 'b', '--effort', 'huge'], '--effort huge: choose among low, medium, high'],
  [['preview', 'a', '--examples', 'x'], '--examples x: give a whole number from 1'],
  [['schedule', 'frob'], 'schedule frob: choose among'],
])('%j ends with 2 and says what is wrong', async (args, text) => {
  const { code, stderr, stdout } = await retune(args, env);
  expect(stderr).toContain(text);
  expect(stdout).toBe('');
  expect(code).toBe(2);
});

test('every bad field of an input is named in one message, before anything is started', async () => {
  const file = join(home, 'bad.json');
  writeFileSync(file, JSON.stringify({ source: { urls: ['ftp://x'], robotz: 'obey' }, train: { lr: 'fast' } }));
  const { code, stderr } = await retune(['run', file, '--set', 'train.stepps=3'], env);
  expect(code).toBe(2);
  for (const field of ['source.urls.0', 'source.robotz', 'train.lr', 'train.stepps']) expect(stderr).toContain(field);
  expect(stderr).toContain('4 fields');
});

test.each([
  ['{"preset": ', 'standard input is not JSON'],
  ['[1]', 'standard input must hold one JSON object'],
  ['{"presett": "x"}', 'presett (in standard input): no such field'],
])('%s on standard input is refused', async (stdin, text) => {
  const { code, stderr } = await retune(['run', '-'], env, stdin);
  expect(stderr).toContain(text);
  expect(code).toBe(2);
});

test('with --json an error too is one object, and stdout holds nothing else', async () => {
  const typed = await retune(['run', '--json', '--set', 'epocs=3'], env);
  expect(typed.code).toBe(2);
  expect(typed.lines()).toEqual([expect.objectContaining({ type: 'error', message: expect.stringContaining('epocs') })]);
});

test.each([
  ['status', 'x'],
  ['watch', 'x'],
  ['list'],
  ['cancel', 'x'],
  ['resume', 'x'],
  ['approve', 'x'],
  ['schedule', 'show'],
  ['run', '--detach', '--preset', 'npm-manual'],
])('%s needs a server and says how to get one', async (...args) => {
  const { code, stderr } = await retune(args, env);
  expect(stderr).toContain('nothing is running');
  expect(stderr).toContain('npx retune up');
  expect(code).toBe(2);
});

test('a bad environment is named without its value', async () => {
  const { code, stderr } = await retune(['list'], { ...env, HF_TOKEN: 'hf secret with spaces' });
  expect(stderr).toContain('HF_TOKEN');
  expect(stderr).not.toContain('secret with spaces');
  expect(code).toBe(2);
});

test('doctor names what is there, what is missing with its fix, and shows no secret', async () => {
  const typed = await retune(['doctor', '--json'], {
    ...env,
    HF_TOKEN: 'hf_abcdefghijklmnop',
    RETUNE_PYTHON: '/nowhere/python',
    RETUNE_HOEM: 'x',
  });
  const checks = Object.fromEntries(typed.lines().map((line) => [line['name'], line]));
  expect(checks['python']).toMatchObject({ state: 'missing', fix: expect.stringContaining('npm start') });
  expect(checks['node']).toMatchObject({ state: 'ok' });
  expect(checks['HF_TOKEN']).toMatchObject({ state: 'ok', text: 'present' });
  expect(checks['RETUNE_HOEM']).toMatchObject({ state: 'warning' });
  expect(typed.lines().at(-1)).toEqual({ type: 'result', ok: false });
  expect(typed.code).toBe(2);
  expect(typed.stdout + typed.stderr).not.toContain('abcdefghijklmnop');
});

test('a run that the store does not know is refused with those that it has', async () => {
  const { code, stderr } = await retune(['report', 'nothing'], env);
  expect(stderr).toContain('knows no run nothing');
  expect(code).toBe(1);
});
