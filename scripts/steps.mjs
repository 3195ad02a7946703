// Steps of set-up and checks: one tidy line each with its time, the full output in a log file.
// Plain JavaScript on Node alone: it runs before node_modules exists.
import { spawn } from 'node:child_process';
import { appendFileSync, createWriteStream, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** State folder; a relative RETUNE_HOME counts from where the command was typed. */
export const HOME = process.env.RETUNE_HOME ? path.resolve(process.env.RETUNE_HOME) : path.join(ROOT, '.retune');

/** What stopped a step: a message for a person, and what mends it. */
export class StepFailed extends Error {
  /**
   * @param {string} message what went wrong
   * @param {string} fix what the person does next
   * @param {string} [output] all that the program printed
   */
  constructor(message, fix, output = '') {
    super(message);
    this.fix = fix;
    this.output = output;
  }
}

const interactive = process.stdout.isTTY === true && !process.env.CI;
const seconds = (ms) =>
  ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
const line = (mark, name, ms, note = '') => `${mark} ${name.padEnd(34)} ${seconds(ms).padStart(10)}${note ? `  ${note}` : ''}`;

/**
 * Runs one step and prints its line; on a terminal the time runs while it works.
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @param {{announce?: string}} [options] `announce` is said first where the step takes long
 * @returns {Promise<T>}
 */
export const step = async (name, work, { announce } = {}) => {
  const started = Date.now();
  if (announce) console.log(`  ${announce}`);
  const tick = interactive ? setInterval(() => process.stdout.write(`\r${line('…', name, Date.now() - started)}`), 500) : undefined;
  const finish = (mark) => {
    clearInterval(tick);
    console.log(`${interactive ? '\r' : ''}${line(mark, name, Date.now() - started)}`);
  };
  try {
    const value = await work();
    finish('✔');
    return value;
  } catch (error) {
    finish('✘');
    throw error;
  }
};

/**
 * Runs a program to its end without a shell; its output goes to the log only.
 * @param {string} log name of the log under HOME/logs
 * @param {string} command
 * @param {string[]} args
 * @param {{env?: NodeJS.ProcessEnv, cwd?: string, fix?: string}} [options]
 * @returns {Promise<string>} all output
 * @throws {StepFailed} with the last lines of the output
 */
export const run = async (log, command, args, { env = process.env, cwd = ROOT, fix = '' } = {}) => {
  const file = path.join(HOME, 'logs', `${log}.log`);
  mkdirSync(path.dirname(file), { recursive: true });
  appendFileSync(file, `\n$ ${[command, ...args].join(' ')}\n`);
  const sink = createWriteStream(file, { flags: 'a' });
  let output = '';
  const child = spawn(command, args, { cwd, env: { ...env, NO_COLOR: '1', FORCE_COLOR: '0' }, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
      sink.write(text);
    });
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).catch((error) => {
    throw new StepFailed(`${command} could not be started: ${error.message}`, fix);
  });
  await new Promise((resolve) => sink.end(resolve));
  if (code !== 0) {
    const tail = output.trimEnd().split('\n').slice(-20).join('\n');
    throw new StepFailed(`${path.basename(command)} ${args[0] ?? ''} failed (exit ${code})\n${tail}\nfull log: ${file}`, fix, output);
  }
  return output;
};

/** Prints a failure the way a person reads it, and sets the exit code. */
export const explain = (error) => {
  process.exitCode = 1;
  if (!(error instanceof StepFailed)) {
    console.error(error);
    return;
  }
  console.error(`\n${error.message}`);
  if (error.fix) console.error(`\nTo mend it: ${error.fix}`);
};
