// What every command is: its words for --help, and a function from arguments to an exit code.
import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { Config } from '../io/config';
import { UsageError } from './exit';
import type { Output } from './output';

export interface Context {
  /** The environment, read when a command asks for it first. */
  config: () => Config;
  output: Output;
}

export interface Command {
  /** After the name: '<run> "question" [--base]'. */
  usage: string;
  /** More lines for `<command> --help`. */
  help: readonly string[];
  /** @returns the exit code */
  run(args: readonly string[], context: Context): Promise<number>;
}

type Options = NonNullable<ParseArgsConfig['options']>;
type Parsed<O extends Options> = ReturnType<typeof parseArgs<{ options: O; allowPositionals: true; strict: true }>>;

/**
 * Options and positionals of a command.
 * @throws UsageError for an unknown option, a missing value, or too many or too few positionals
 */
export const parse = <O extends Options>(args: readonly string[], options: O, positionals: { min: number; max: number }): Parsed<O> => {
  let parsed: Parsed<O>;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const count = parsed.positionals.length;
  if (count < positionals.min) throw new UsageError('something is missing');
  if (count > positionals.max) throw new UsageError(`too many words: ${parsed.positionals.slice(positionals.max).join(' ')}`);
  return parsed;
};

/** A whole number of an option. */
export const whole = (name: string, text: string | undefined, least: number): number | undefined => {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) throw new UsageError(`--${name} ${text}: give a whole number from ${least}`);
  return value;
};

/** Options of every command that follows or reports a run. */
export const JSON_OPTION = { json: { type: 'boolean', default: false } } as const;
