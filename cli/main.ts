#!/usr/bin/env node
// The command `retune`: finds the command, prints its failures the way a person reads them.
import { StoreError } from '../io/store';
import { ServerError } from '../io/server';
import { WorkerError } from '../io/worker-process';
import { AlreadyUp } from '../io/up-file';
import { ConfigError, readConfig } from '../io/config';
import type { Command } from './command';
import { CommandFailed, EXIT, UsageError } from './exit';
import { createOutput, type Output } from './output';

interface Entry {
  summary: string;
  /** Only what was typed is loaded: some commands bring a vocabulary along. import() resolves as ESM and needs the extension. */
  load: () => Promise<Command>;
}

const COMMANDS: Record<string, Entry> = {
  demo: {
    summary: "the whole pipeline on npm's own manual, SmolLM2-135M on the CPU: a few minutes",
    load: async () => (await import('./demo.js')).demo,
  },
  up: { summary: 'Temporal, its UI and the workers, until Ctrl-C', load: async () => (await import('./up.js')).up },
  run: { summary: 'one run from pages to a model, followed to its end', load: async () => (await import('./run.js')).run },
  status: { summary: 'where a run stands', load: async () => (await import('./status.js')).status },
  watch: { summary: 'follows a run to its end; Ctrl-C only stops watching', load: async () => (await import('./watch.js')).watch },
  list: { summary: 'the newest runs', load: async () => (await import('./list.js')).list },
  cancel: { summary: 'ends a run; a training writes a checkpoint first', load: async () => (await import('./cancel.js')).cancel },
  resume: { summary: 'goes on with a run that failed, was cancelled or was lost', load: async () => (await import('./resume.js')).resume },
  approve: { summary: 'publishes the prepared model of a run that waits', load: async () => (await import('./approve.js')).approve },
  reject: { summary: 'does not publish it; the run ends as held', load: async () => (await import('./approve.js')).reject },
  schedule: { summary: 'a run that starts by itself, every night for example', load: async () => (await import('./schedule.js')).schedule },
  preview: {
    summary: 'training examples as the model sees them, the loss mask in colours',
    load: async () => (await import('./preview.js')).preview,
  },
  ask: { summary: 'an answer of the tuned model, or of its base', load: async () => (await import('./ask.js')).ask },
  report: {
    summary: "where the run's HTML page is; --open shows it in the browser",
    load: async () => (await import('./report.js')).report,
  },
  worker: {
    summary: 'one worker in the foreground, for a Temporal server that is there',
    load: async () => (await import('./worker.js')).worker,
  },
  doctor: { summary: 'what is here, what is missing, and the fix for each', load: async () => (await import('./doctor.js')).doctor },
};
const NOT_YET = ['serve', 'rollback', 'gc'];

const helpText = (): string =>
  [
    'retune: web pages in, a fine-tuned and evaluated GPT-OSS out, in one durable run.',
    '',
    'npx retune <command> [--json] [--help]',
    '',
    ...Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`),
    '',
    'Exit codes: 0 published, prepared or unchanged; 1 failed; 2 bad input or configuration; 3 held; 130 cancelled.',
  ].join('\n');

const commandHelp = (name: string, summary: string, { usage, help }: Command): string =>
  [`npx retune ${name} ${usage}`.trimEnd(), '', summary, ...(help.length === 0 ? [] : ['', ...help])].join('\n');

const explain = (output: Output, name: string, error: unknown): number => {
  const said = (code: number, message: string, fix: string | null): number => {
    output.note(output.style('red', `retune ${name}: `) + message);
    if (fix !== null) output.note(`  → ${fix}`);
    output.event({ type: 'error', message, fix });
    return code;
  };
  if (error instanceof UsageError) return said(EXIT.usage, error.message, error.fix ?? `npx retune ${name} --help`);
  if (error instanceof ConfigError) return said(EXIT.usage, error.message, 'correct the environment; npx retune doctor shows it');
  if (error instanceof AlreadyUp)
    return said(EXIT.usage, error.message, 'npx retune run, status and the others use it; Ctrl-C there ends it');
  if (error instanceof StoreError) return said(EXIT.usage, error.message, 'RETUNE_STORE names the store; npx retune doctor checks it');
  if (error instanceof ServerError || error instanceof WorkerError) return said(EXIT.failed, error.message, 'npx retune doctor');
  if (error instanceof CommandFailed) return said(EXIT.failed, error.message, null);
  return said(EXIT.failed, error instanceof Error ? (error.stack ?? error.message) : String(error), null);
};

/**
 * Runs one command.
 * @param args as typed after `retune`
 * @returns the exit code
 */
export const main = async (args: readonly string[]): Promise<number> => {
  const [name, ...rest] = args;
  const output = createOutput(rest.includes('--json'));
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    output.line(helpText());
    return EXIT.ok;
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) {
    const message = NOT_YET.includes(name) ? `${name}: not yet` : `${name} is no command`;
    return explain(output, '', new UsageError(message, 'npx retune --help lists the commands'));
  }
  const before = rest.indexOf('--');
  if ((before === -1 ? rest : rest.slice(0, before)).some((word) => word === '--help' || word === '-h')) {
    createOutput(false).line(commandHelp(name, entry.summary, await entry.load()));
    return EXIT.ok;
  }
  try {
    const command = await entry.load();
    return await command.run(rest, { config: () => readConfig(), output });
  } catch (error) {
    return explain(output, name, error);
  }
};

if (require.main === module)
  void main(process.argv.slice(2)).then((code) => {
    // Connections that still retry in the background must not hold the process.
    process.exitCode = code;
    process.stdout.write('', () => process.exit(code));
  });
