// Questions to the operating system about child processes.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Temporal's CLI of this checkout. */
export const temporalCli = (): string => {
  const own = process.env['TEMPORAL_CLI_PATH'];
  const candidates = [
    own,
    process.env['RETUNE_PYTHON'] && join(process.env['RETUNE_PYTHON'], '..', 'temporal'),
    join(__dirname, '../../native/.venv/bin/temporal'),
  ];
  const found = candidates.find((path) => path !== undefined && path !== '' && existsSync(path));
  if (found === undefined) throw new Error('no Temporal CLI: run node scripts/setup.mjs');
  return found;
};

interface Process {
  pid: number;
  group: number;
  command: string;
}

/** Every live process; zombies are dead. */
const processes = (): Process[] =>
  execFileSync('ps', ['-eo', 'pid=,pgid=,stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line))
    .flatMap((match) =>
      match === null || match[3]?.startsWith('Z') === true
        ? []
        : [{ pid: Number(match[1]), group: Number(match[2]), command: match[4] ?? '' }],
    );

/** Commands alive in a process group. */
export const aliveInGroup = (group: number): string[] =>
  processes()
    .filter((one) => one.group === group)
    .map((one) => one.command);

/** Commands alive whose command line holds `text` (a folder that only this test uses). */
export const aliveWith = (text: string): string[] =>
  processes()
    .filter((one) => one.command.includes(text) && one.pid !== process.pid)
    .map((one) => one.command);

/** Waits for a condition; gives up in silence, so that the caller's expectation says what is wrong. */
export const waitUntil = async (condition: () => boolean, withinMs: number): Promise<void> => {
  for (const deadline = Date.now() + withinMs; !condition() && Date.now() < deadline;) await sleep(50);
};
