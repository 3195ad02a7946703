// The Python trainer as a child: a config file in, event lines on file descriptor 3 out, logs on stderr.
// It leads its own process group and holds a pipe from us: when we are gone it reads the end and leaves at once.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { SHUTDOWN } from '../contracts/policies';
import { TRAINER_CONFIGS, TRAINER_EXIT, TRAINER_PROTOCOL, TrainerEvent } from '../contracts/trainer';
import type { TrainerCommand, TrainerConfig, TrainerEventOf } from '../contracts/trainer';
import { childEnvironment, type Config } from './config';
import type { Log } from './log';
import type { Secret } from './secret';

const TAIL_LINES = 40;
const LINE_CHARACTERS = 2_000;
/** After the trainer's exit its pipes are read to their end; a process that escaped the group may not hold them open. */
const DRAIN_MS = 2_000;

export interface TrainerTask {
  command: TrainerCommand;
  config: TrainerConfig;
  /** Aborted: SIGTERM to the trainer, SIGKILL to its group after stopMs. */
  signal: AbortSignal;
  /** Every event in order, also of types that this release does not know. What it throws ends the run. */
  onEvent?: (event: TrainerEvent) => void;
}

/** How a trainer ended. Nothing of this is an error here: what it means, the activity says. */
export interface TrainerResult {
  /**
   * done: exit 0 with a result. stopped: after a checkpoint, or because we ended it. failed: it said why.
   * crashed: any other end, also a line that breaks the protocol.
   */
  outcome: 'done' | 'stopped' | 'failed' | 'crashed';
  /** Exit code or signal. */
  exit: number | NodeJS.Signals;
  result: TrainerEventOf<'result'> | null;
  failed: TrainerEventOf<'failed'> | null;
  /** Last lines of its log, oldest first. */
  tail: string[];
}

export type RunTrainer = (task: TrainerTask) => Promise<TrainerResult>;

/** For callers that can only go on with a finished trainer. */
export class TrainerStop extends Error {
  override readonly name = 'TrainerStop';
  readonly code = 'TRAINER_STOP';
  constructor(
    readonly command: TrainerCommand,
    readonly result: TrainerResult,
  ) {
    super(`${command}: ${result.failed?.message ?? `the trainer ended with ${result.exit}`}`);
  }
}

/** No trainer was started. */
export class TrainerMissing extends Error {
  override readonly name = 'TrainerMissing';
  readonly code = 'TRAINER_MISSING';
}

export interface TrainerProgram {
  /** Program and arguments before the command: python -m trainer. */
  argv: readonly [string, ...string[]];
  cwd: string;
  env: Record<string, string>;
  /** Every line of its log. */
  onLog?: (line: string) => void;
  /** Cut out of its log. */
  secrets?: readonly string[];
  /** Between SIGTERM and SIGKILL. */
  stopMs?: number;
}

export interface TrainerSetup {
  python: string;
  /** The folder that holds the package `trainer`. */
  native: string;
  log: Log;
  /** Added to the environment where that says nothing itself. */
  environment?: Record<string, string>;
  /** The Hub's account, shown only to a download from the Hub. */
  hub?: { endpoint: string; token: Secret | null };
}

/**
 * @returns starts one trainer; rejects only when it could not be started, when the signal was aborted before,
 *   or with what onEvent threw
 */
export const createRunTrainer =
  (setup: TrainerSetup): RunTrainer =>
  (task) => {
    const download = task.config.command === 'materialise' && task.config.source.kind === 'hub';
    const token = download ? setup.hub?.token?.reveal() : undefined;
    return runTrainer(task, {
      argv: [setup.python, '-m', 'trainer'],
      cwd: setup.native,
      env: {
        ...setup.environment,
        ...childEnvironment(),
        ...(download && setup.hub !== undefined ? { HF_ENDPOINT: setup.hub.endpoint } : {}),
        ...(token === undefined ? {} : { HF_TOKEN: token }),
      },
      onLog: (line) => setup.log.debug({ command: task.command }, line),
      secrets: token === undefined ? [] : [token],
    });
  };

/** Starts the program, reads it to its end, and leaves no process of its group behind. */
export const runTrainer = async (task: TrainerTask, program: TrainerProgram): Promise<TrainerResult> => {
  task.signal.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), 'retune-trainer-'));
  try {
    const file = join(folder, 'config.json');
    await writeFile(file, JSON.stringify(TRAINER_CONFIGS[task.command].parse(task.config)));
    return await follow(task, program, file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const follow = async (task: TrainerTask, program: TrainerProgram, configFile: string): Promise<TrainerResult> => {
  const [command, ...args] = program.argv;
  const child = spawn(command, [...args, task.command, configFile, '--events', 'fd:3'], {
    cwd: program.cwd,
    env: program.env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  await once(child, 'spawn').catch((error: unknown) => {
    throw new TrainerMissing(
      `${command} could not be started (${(error as NodeJS.ErrnoException).code ?? 'unknown'}): npm start installs it, RETUNE_PYTHON names another`,
      {
        cause: error,
      },
    );
  });
  child.on('error', () => undefined); // a signal that could not be sent: it has ended
  child.stdin?.on('error', () => undefined);

  const tail: string[] = [];
  const log = (text: string): void => {
    const line = (program.secrets ?? []).reduce((cut, secret) => cut.replaceAll(secret, '[secret]'), text).slice(0, LINE_CHARACTERS);
    if (line.trim() === '') return;
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    program.onLog?.(line);
  };

  let stopping = false;
  let killer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    stopping = true;
    // To the trainer alone: a helper process of its own must not die under a checkpoint.
    child.kill('SIGTERM');
    killer = setTimeout(() => signalGroup(child, 'SIGKILL'), program.stopMs ?? SHUTDOWN.saveMs);
  };
  let broken = false;
  let thrown: { error: unknown } | undefined;
  let result: TrainerEventOf<'result'> | null = null;
  let failed: TrainerEventOf<'failed'> | null = null;
  const receive = (line: string): void => {
    if (broken || thrown !== undefined) return;
    const event = parseEvent(line);
    if (typeof event === 'string') {
      broken = true;
      log(event);
      signalGroup(child, 'SIGKILL');
      return;
    }
    if (event.type === 'result') result = event;
    if (event.type === 'failed') failed = event;
    try {
      task.onEvent?.(event);
    } catch (error) {
      thrown = { error };
      signalGroup(child, 'SIGKILL');
    }
  };

  const streams = [child.stdio[3], child.stdout, child.stderr] as Readable[];
  const ends = streams.map((stream, index) => readLines(stream, index === 0 ? receive : log));
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  task.signal.addEventListener('abort', stop, { once: true });
  if (task.signal.aborted) stop();
  const [code, signal] = await exited;
  task.signal.removeEventListener('abort', stop);
  clearTimeout(killer);
  // Its own children go with it, whatever they think of SIGTERM.
  signalGroup(child, 'SIGKILL');
  child.stdin?.destroy();
  const drain = setTimeout(() => streams.forEach((stream) => stream.destroy()), DRAIN_MS);
  await Promise.all(ends);
  clearTimeout(drain);

  if (thrown !== undefined) throw thrown.error;
  const exit = code ?? signal ?? 'SIGKILL';
  return { outcome: outcomeOf(exit, { broken, stopping, result, failed }), exit, result, failed, tail };
};

const outcomeOf = (
  exit: number | NodeJS.Signals,
  seen: { broken: boolean; stopping: boolean; result: object | null; failed: object | null },
): TrainerResult['outcome'] => {
  if (seen.broken) return 'crashed';
  if (exit === TRAINER_EXIT.done && seen.result !== null) return 'done';
  if (exit === TRAINER_EXIT.stopped) return 'stopped';
  const said = exit === TRAINER_EXIT.badConfig || exit === TRAINER_EXIT.doNotRetry || exit === TRAINER_EXIT.mayRetry;
  if (said && seen.failed !== null) return 'failed';
  return seen.stopping ? 'stopped' : 'crashed';
};

/** The group lives as long as one of its processes; ESRCH: none is left. */
const signalGroup = (child: ChildProcess, signal: NodeJS.Signals): void => {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // EPERM: macOS says so of a group of zombies.
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
};

/** Calls for each line; ends with the stream, also when that is destroyed. */
const readLines = async (stream: Readable, each: (line: string) => void): Promise<void> => {
  stream.on('error', () => undefined);
  const reader = createInterface({ input: stream, crlfDelay: Infinity });
  reader.on('line', each);
  const closed = once(reader, 'close');
  stream.once('close', () => reader.close());
  await closed;
};

/** The event, or what is wrong with the line. */
const parseEvent = (line: string): TrainerEvent | string => {
  let value: { v?: unknown; type?: unknown } | null;
  try {
    value = JSON.parse(line) as typeof value;
  } catch {
    return `the trainer wrote a line that is no event: ${line.slice(0, 200)}`;
  }
  if (value?.v !== TRAINER_PROTOCOL)
    return `the trainer speaks protocol ${JSON.stringify(value?.v)}, this release ${TRAINER_PROTOCOL}: update both`;
  const parsed = TrainerEvent.safeParse(value);
  if (parsed.success) return parsed.data;
  // A type of a later release is kept: its fields are its own.
  if (typeof value.type === 'string' && !TYPES.has(value.type)) return value as TrainerEvent;
  const issue = parsed.error.issues[0];
  return `the trainer wrote a broken ${JSON.stringify(value.type)} event: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
};

const TYPES = new Set<string>(TrainerEvent.options.map((option) => option.shape.type.value));

/**
 * The trainer as this installation is configured.
 * @param gpu number of the only device that it sees; null: it sees what the environment says
 */
export const trainerOf = (config: Config, log: Log, gpu: number | null): RunTrainer =>
  createRunTrainer({
    python: config.python,
    native: join(config.root, 'native'),
    log,
    hub: config.hub,
    ...(gpu === null ? {} : { environment: { CUDA_VISIBLE_DEVICES: String(gpu) } }),
  });
