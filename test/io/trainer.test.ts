import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pino } from 'pino';
import type { TrainerEvent } from '../../contracts/trainer';
import { Secret } from '../../io/secret';
import type { TrainerProgram, TrainerTask } from '../../io/trainer';
import { createRunTrainer, runTrainer, TrainerMissing, TrainerStop } from '../../io/trainer';
import { startChild } from '../support/child';

const fake = resolve(__dirname, '../support/fake-trainer.mjs');
const program = (mode: string, more: Partial<TrainerProgram> = {}): TrainerProgram => ({
  argv: [process.execPath, fake, mode],
  cwd: tmpdir(),
  env: { PATH: process.env['PATH'] ?? '' },
  ...more,
});
const task = (more: Partial<TrainerTask> = {}): TrainerTask => ({
  command: 'doctor',
  config: { schema: 1, command: 'doctor', out: '/tmp' },
  signal: new AbortController().signal,
  ...more,
});
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
/** A killed process is gone once its (new) parent has reaped it. */
const gone = async (pid: number): Promise<void> => {
  while (isAlive(pid)) await new Promise((on) => setTimeout(on, 20));
};

test('a run gives its events in order, its result, and the last lines of its log', async () => {
  const events: TrainerEvent[] = [];
  const logged: string[] = [];
  const end = await runTrainer(task({ onEvent: (event) => events.push(event) }), program('ok', { onLog: (line) => logged.push(line) }));
  expect(end).toMatchObject({ outcome: 'done', exit: 0, failed: null, result: { metrics: { device: 'auto' } } });
  expect(events.map(({ type }) => type as string)).toEqual(['opened', 'from-the-future', 'result', 'closed']);
  expect(events.map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
  expect(end.tail).toHaveLength(40);
  expect(end.tail).toContain('step 100');
  expect(logged).toHaveLength(101);
  expect(logged).toContain('a library prints to stdout');
});

test('a failure that the trainer explains is a result, not an exception', async () => {
  const end = await runTrainer(task(), program('failed'));
  expect(end).toMatchObject({ outcome: 'failed', exit: 10, result: null, failed: { code: 'BadConfig', retry: false } });
  expect(new TrainerStop('doctor', end)).toMatchObject({ code: 'TRAINER_STOP', message: 'doctor: steps is wrong' });
});

test('a crash is told from its signal, with its last words and without a token', async () => {
  const end = await runTrainer(task(), program('crash', { env: { HF_TOKEN: 'hf_very_secret' }, secrets: ['hf_very_secret'] }));
  expect(end).toMatchObject({ outcome: 'crashed', exit: 'SIGSEGV', tail: ['token is [secret]', 'Segmentation fault'] });
});

test('an end with code 0 and no result is a crash', async () => {
  expect(await runTrainer(task(), program('silent'))).toMatchObject({ outcome: 'crashed', exit: 0 });
});

test.each([
  ['garbage', 'a line that is no event'],
  ['newer', 'speaks protocol 2, this release 1'],
  ['broken', 'broken "step" event: step'],
])('a line that breaks the protocol (%s) ends the trainer and is named', async (mode, message) => {
  const end = await runTrainer(task(), program(mode));
  expect(end.outcome).toBe('crashed');
  expect(end.tail.at(-1)).toContain(message);
});

/** Aborts when the trainer says that it waits. */
const aborting = (): TrainerTask & { pid(): number } => {
  const controller = new AbortController();
  let pid = 0;
  return {
    ...task({
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === 'opened') pid = event.pid;
        if (event.type === 'progress') controller.abort(new Error('enough'));
      },
    }),
    pid: () => pid,
  };
};

test('an abort lets the trainer end by itself', async () => {
  expect(await runTrainer(aborting(), program('slow'))).toMatchObject({ outcome: 'stopped', exit: 12 });
});

test('a trainer that does not listen is killed after stopMs', async () => {
  const stubborn = aborting();
  const end = await runTrainer(stubborn, program('stubborn', { stopMs: 200 }));
  expect(end).toMatchObject({ outcome: 'stopped', exit: 'SIGKILL', tail: ['not now'] });
  expect(isAlive(stubborn.pid())).toBe(false);
});

test('an abort before the start starts nothing', async () => {
  await expect(runTrainer(task({ signal: AbortSignal.abort(new Error('too late')) }), program('ok'))).rejects.toThrow('too late');
});

test('what onEvent throws ends the trainer and is thrown', async () => {
  let pid = 0;
  const onEvent = (event: TrainerEvent): void => {
    if (event.type === 'opened') pid = event.pid;
    if (event.type === 'progress') throw new Error('our own fault');
  };
  await expect(runTrainer(task({ onEvent }), program('stubborn'))).rejects.toThrow('our own fault');
  expect(isAlive(pid)).toBe(false);
});

test('a grandchild that outlives the trainer and holds its pipes is ended with it', async () => {
  let grandchild = 0;
  const end = await runTrainer(
    task({
      onEvent: (event) => {
        if (event.type === 'progress') grandchild = event.done;
      },
    }),
    program('grandchild'),
  );
  expect(end.outcome).toBe('done');
  expect(grandchild).toBeGreaterThan(0);
  await gone(grandchild);
});

test('a config that breaks the contract starts nothing, and a missing Python is named', async () => {
  await expect(runTrainer(task({ config: { schema: 1, command: 'doctor', out: '' } }), program('ok'))).rejects.toThrow('out');
  await expect(runTrainer(task(), { ...program('ok'), argv: ['/nowhere/python'] })).rejects.toThrow(TrainerMissing);
});

test('no config file stays behind', async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'retune-tmp-'));
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = scratch;
  try {
    await runTrainer(task(), program('failed'));
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
  expect(await readdir(scratch)).toEqual([]);
  await rm(scratch, { recursive: true });
});

test('a trainer sees its device and no account, but for a download from the Hub', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'retune-python-'));
  const python = join(folder, 'python');
  await writeFile(python, `#!/bin/sh\nshift 2\nexec '${process.execPath}' '${fake}' failed "$@"\n`, { mode: 0o755 });
  const hub = { endpoint: 'http://127.0.0.1:9', token: new Secret('hf_x') };
  const before = { ...process.env };
  const environment = async (asked: Partial<TrainerTask> = {}): Promise<Record<string, string>> => {
    let seen: unknown;
    const onEvent = (event: TrainerEvent): void => {
      if (event.type === 'opened') seen = event['env'];
    };
    const setup = { python, native: folder, log: pino({ level: 'silent' }), environment: { CUDA_VISIBLE_DEVICES: '1' }, hub };
    const end = await createRunTrainer(setup)(task({ ...asked, onEvent }));
    expect(end.outcome).toBe('failed');
    return seen as Record<string, string>;
  };
  try {
    Object.assign(process.env, { HF_TOKEN: 'hf_y', BRIGHTDATA_API_TOKEN: 'bd' });
    delete process.env['CUDA_VISIBLE_DEVICES'];
    const plain = await environment();
    expect(Object.keys(plain)).not.toEqual(expect.arrayContaining([expect.stringMatching(/TOKEN|BRIGHTDATA/)]));
    expect(plain).toMatchObject({ CUDA_VISIBLE_DEVICES: '1', OMP_WAIT_POLICY: 'PASSIVE' });
    process.env['CUDA_VISIBLE_DEVICES'] = '6';
    expect((await environment())['CUDA_VISIBLE_DEVICES']).toBe('6');
    const source = { kind: 'hub' as const, id: 'a/b', revision: null };
    const download = await environment({ command: 'materialise', config: { schema: 1, command: 'materialise', out: folder, source } });
    expect(download).toMatchObject({ HF_TOKEN: 'hf_x', HF_ENDPOINT: 'http://127.0.0.1:9' });
    expect(download).not.toHaveProperty('BRIGHTDATA_API_TOKEN');
  } finally {
    process.env = before;
    await rm(folder, { recursive: true });
  }
});

test('a trainer whose parent is killed with SIGKILL does not live on', async () => {
  const parent = startChild(
    `await at('io/trainer').runTrainer({ command: 'doctor', config: { schema: 1, command: 'doctor', out: '/tmp' }, signal: new AbortController().signal,
       onEvent: (event) => { if (event.type === 'opened') globalThis.pid = event.pid; if (event.type === 'progress') console.log('pid ' + globalThis.pid); } },
       { argv: [process.execPath, args.fake, 'stubborn'], cwd: '/', env: {} });`,
    { fake },
  );
  const pid = Number((await parent.line(/^pid/)).slice(4));
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  await parent.exited;
  await gone(pid);
});
