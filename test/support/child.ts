// Starts real child processes that run TypeScript of this checkout, for tests that need several processes or a kill.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const LOADER = resolve(__dirname, 'load-typescript.cjs');

export interface TestChild {
  process: ChildProcess;
  /** Lines of stdout so far. */
  lines: string[];
  /** The next line that matches, seen already or to come. */
  line(pattern: RegExp): Promise<string>;
  /** Resolves when it has ended, to its exit code (null after a signal). */
  exited: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

/**
 * Runs `body` (CommonJS source; `require('io/...')` starts at the checkout) in a new Node process.
 * @param args what the body finds in `args`
 */
export const startChild = (body: string, args: unknown = {}): TestChild => {
  const root = resolve(__dirname, '../..');
  const program = `const at = (p) => require(require('node:path').join(${JSON.stringify(root)}, p)); const args = ${JSON.stringify(args)};
(async () => { ${body} })().catch((error) => { console.error(error); process.exit(1); });`;
  const child = spawn(process.execPath, ['--require', LOADER, '--eval', program], { stdio: ['pipe', 'pipe', 'inherit'], cwd: join(root) });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (text) => lines.push(text));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return {
    process: child,
    lines,
    async line(pattern) {
      for (;;) {
        const found = lines.find((text) => pattern.test(text));
        if (found !== undefined) return found;
        await Promise.race([
          once(reader, 'line'),
          exited.then(() => {
            if (!lines.some((text) => pattern.test(text)))
              throw new Error(`the child ended without ${String(pattern)}: ${lines.join(' | ')}`);
          }),
        ]);
      }
    },
    exited,
    kill: (signal) => void child.kill(signal),
  };
};
