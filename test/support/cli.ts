// The command as a person starts it: a process of its own, from dist/.
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export interface Typed {
  code: number;
  stdout: string;
  stderr: string;
  /** stdout as JSON lines; throws where a line is none. */
  lines: () => Record<string, unknown>[];
}

const MAIN = join(__dirname, '../../dist/cli/main.js');

/** Runs `retune <args>` to its end; variables that name servers or accounts are not inherited. */
export const retune = async (args: readonly string[], env: NodeJS.ProcessEnv, stdin = ''): Promise<Typed> => {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TEMPORAL|RETUNE|HF|BRIGHTDATA)_/.test(name)));
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...inherited, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number>((resolve) => child.once('close', (exit) => resolve(exit ?? -1)));
  return {
    code,
    stdout,
    stderr,
    lines: () =>
      stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
};
