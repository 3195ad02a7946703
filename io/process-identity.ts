// Which process this is, so that another one can prove later that it is gone.
import { execFile } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { bareEnvironment } from './config';

export interface ProcessIdentity {
  /** For people. */
  host: string;
  /** Where `pid` means something: on Linux this boot and this pid namespace (containers may share a host name). */
  place: string;
  pid: number;
  /** When the process began, as the system says it: pids are used again. */
  started: string;
}

/** State letter and start of a process; null when there is none. */
const lookUp = async (pid: number): Promise<{ state: string; started: string } | null> => {
  if (process.platform === 'linux') {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
    if (stat === null) return null;
    // The second field is the name in parentheses and may hold anything; state is field 3, start in ticks field 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', started: fields[19] ?? '' };
  }
  const ps = await promisify(execFile)('ps', ['-o', 'state=,lstart=', '-p', String(pid)], {
    env: { ...bareEnvironment(), LC_ALL: 'C' },
  }).catch(() => null);
  const [state, ...started] = ps?.stdout.trim().split(/\s+/) ?? [];
  return state === undefined || state === '' ? null : { state: state.charAt(0), started: started.join(' ') };
};

const identify = async (): Promise<ProcessIdentity> => {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => hostname());
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '');
  return {
    host: hostname(),
    place: `${boot.trim()} ${namespace}`.trim(),
    pid: process.pid,
    started: (await lookUp(process.pid))?.started ?? '',
  };
};

let own: Promise<ProcessIdentity> | undefined;

/** The identity of this process. */
export const thisProcess = (): Promise<ProcessIdentity> => (own ??= identify());

/** True only when it is certain: same place, and the pid is free, a zombie, or belongs to a later process. */
export const isProvablyGone = async (other: ProcessIdentity): Promise<boolean> => {
  if (other.place !== (await thisProcess()).place || other.started === '') return false;
  try {
    process.kill(other.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
  }
  const found = await lookUp(other.pid);
  // Not found although it answered: it has just ended, or /proc hides it; the next look will tell.
  return found !== null && (found.started !== other.started || found.state === 'Z');
};
