// The Python trainer as a child process: one config file in, event lines out on file descriptor 3.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { TRAINER_PROTOCOL, type TrainerCommand, type TrainerConfig, TrainerEvent, type TrainerEventOf, TRAINER_EXIT } from '../contracts/trainer';
import { childEnvironment } from './config';
import type { Log } from './log';

/** Lines of its log that a failure may quote. */
const TAIL = 40;

export interface TrainerRun {
  command: TrainerCommand;
  config: Extract<TrainerConfig, { command: TrainerCommand }>;
  signal: AbortSignal;
  onEvent?: (event: TrainerEvent) => void;
  /** After SIGTERM the trainer has this long for a checkpoint, milliseconds. */
  stopMs?: number;
}

export interface TrainerResult {
  /** done: exit 0; stopped: a checkpoint was written and it left; failed: it said why; crashed: anything else. */
  outcome: 'done' | 'stopped' | 'failed' | 'crashed';
  /** For people: "exit 1", "SIGKILL". */
  exit: string;
  result: TrainerEventOf<'result'> | null;
  failed: TrainerEventOf<'failed'> | null;
  /** The last lines of its log. */
  tail: string[];
}

export type RunTrainer = (run: TrainerRun) => Promise<TrainerResult>;

/** A trainer that did not finish, where the caller has no use for the result itself. */
export class TrainerStop extends Error {
  override readonly name = 'TrainerStop';
  readonly code = 'TRAINER_STOP';
  constructor(
    readonly command: string,
    readonly result: TrainerResult,
  ) {
    super(`${command}: ${result.failed?.message ?? result.exit}`);
  }
}

export interface TrainerSetup {
  python: string;
  /** The folder that holds the package `trainer`. */
  native: string;
  log: Log;
  /** Added to the environment where it says nothing itself. */
  environment?: Record<string, string>;
}

const STOP_MS = 120_000;

async function* lines(stream: Readable): AsyncGenerator<string> {
  let rest = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    const parts = (rest + String(chunk)).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  if (rest !== '') yield rest;
}

/** An event line; null for a type of a newer trainer. */
const parseEvent = (line: string): TrainerEvent | null => {
  const value = JSON.parse(line) as { v?: unknown; type?: unknown };
  if (value.v !== TRAINER_PROTOCOL) throw new Error(`the trainer speaks version ${String(value.v)} of the protocol, this worker ${TRAINER_PROTOCOL}`);
  const event = TrainerEvent.safeParse(value);
  if (event.success) return event.data;
  const known = TrainerEvent.options.some((option) => option.shape.type.value === value.type);
  if (known) throw new Error(`the trainer sent a bad ${String(value.type)} line: ${line.slice(0, 200)}`);
  return null;
};

/**
 * Runs a command to its end; never rejects for the way it ended.
 * The child leads a process group of its own (Ctrl-C reaches only the supervisor) and its standard input is a pipe of
 * ours: should this process vanish, the trainer reads its end and stops.
 */
export const createRunTrainer =
  (setup: TrainerSetup): RunTrainer =>
  async ({ command, config, signal, onEvent, stopMs = STOP_MS }) => {
    signal.throwIfAborted();
    const folder = await mkdtemp(join(tmpdir(), 'retune-trainer-'));
    const file = join(folder, 'config.json');
    await writeFile(file, JSON.stringify(config));
    const child = spawn(setup.python, ['-m', 'trainer', command, file, '--events', 'fd:3'], {
      cwd: setup.native,
      detached: true,
      env: { ...setup.environment, ...childEnvironment() },
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null; error: Error | null }>((resolve) => {
      child.once('exit', (code, by) => resolve({ code, signal: by, error: null }));
      child.once('error', (error) => resolve({ code: null, signal: null, error }));
    });
    const killGroup = (by: NodeJS.Signals): void => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      try {
        process.kill(-child.pid, by);
      } catch {
        // It ended in between.
      }
    };
    let killer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      // To the trainer alone: a helper process of its own must not die under a checkpoint.
      if (child.exitCode === null) child.kill('SIGTERM');
      killer ??= setTimeout(() => killGroup('SIGKILL'), stopMs);
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });

    const tail: string[] = [];
    let result: TrainerEventOf<'result'> | null = null;
    let failed: TrainerEventOf<'failed'> | null = null;
    let broken: Error | null = null;
    child.stdin?.on('error', () => undefined);
    const readLog = async (): Promise<void> => {
      for await (const line of lines(child.stderr as Readable)) {
        tail.push(line);
        if (tail.length > TAIL) tail.shift();
        setup.log.debug({ command }, line);
      }
    };
    const readEvents = async (): Promise<void> => {
      for await (const line of lines(child.stdio[3] as Readable)) {
        try {
          const event = parseEvent(line);
          if (event === null) continue;
          if (event.type === 'result') result = event;
          if (event.type === 'failed') failed = event;
          if (event.type === 'warning') setup.log.warn({ command, code: event.code, remedy: event.remedy }, event.message);
          onEvent?.(event);
        } catch (error) {
          broken ??= error as Error;
          killGroup('SIGKILL');
        }
      }
    };
    try {
      const [end] = await Promise.all([ended, readLog(), readEvents()]);
      // Whatever it started goes with it.
      if (child.pid !== undefined)
        try {
          process.kill(-child.pid, 'SIGKILL');
        } catch {
          // The group is empty.
        }
      const said = (broken as Error | null) ?? end.error;
      if (said !== null) tail.push(said.message);
      const exit = said !== null ? said.message : end.signal !== null ? end.signal : `exit ${end.code}`;
      const clean = said === null && end.signal === null;
      const outcome =
        clean && end.code === TRAINER_EXIT.done && result !== null
          ? 'done'
          : clean && end.code === TRAINER_EXIT.stopped
            ? 'stopped'
            : clean && failed !== null
              ? 'failed'
              : 'crashed';
      return { outcome, exit, result, failed, tail };
    } finally {
      clearTimeout(killer);
      signal.removeEventListener('abort', stop);
      await rm(folder, { recursive: true, force: true });
    }
  };
