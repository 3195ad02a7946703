#!/usr/bin/env node
// The command `retune`: finds the command, prints its failures the way a person reads them.
import { StoreError } from '../io/store';
import { ServerError } from '../io/server';
import { WorkerError } from '../io/worker-process';
import { AlreadyUp } from '../io/up-file';
import { ConfigError, readConfig } from '../io/config';
import { approve, reject } from './approve';
import { ask } from './ask';
import { cancel } from './cancel';
import type { Command } from './command';
import { demo } from './demo';
import { doctor } from './doctor';
import { CommandFailed, EXIT, UsageError } from './exit';
import { list } from './list';
import { createOutput, type Output } from './output';
import { preview } from './preview';
import { report } from './report';
import { resume } from './resume';
import { run } from './run';
import { schedule } from './schedule';
import { status } from './status';
import { up } from './up';
import { watch } from './watch';
import { worker } from './worker';

const COMMANDS: Record<string, Command> = {
  demo,
  up,
  run,
  status,
  watch,
  list,
  cancel,
  resume,
  approve,
  reject,
  schedule,
  preview,
  ask,
  report,
  worker,
  doctor,
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

const commandHelp = (name: string, { usage, summary, help }: Command): string =>
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
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const message = NOT_YET.includes(name) ? `${name}: not yet` : `${name} is no command`;
    return explain(output, '', new UsageError(message, 'npx retune --help lists the commands'));
  }
  const before = rest.indexOf('--');
  if ((before === -1 ? rest : rest.slice(0, before)).some((word) => word === '--help' || word === '-h')) {
    createOutput(false).line(commandHelp(name, command));
    return EXIT.ok;
  }
  try {
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
