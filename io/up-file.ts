// RETUNE_HOME/up.json: which supervisor runs here, and where its server answers. One at a time.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const UpFile = z.object({
  pid: z.int(),
  /** When the process began, as the system counts it: a pid is used again, this is not. */
  processStart: z.string(),
  startedAt: z.string(),
  /** null while the server is starting. */
  address: z.string().nullable(),
  namespace: z.string(),
  uiUrl: z.string().nullable(),
  storeId: z.string(),
});
export type UpFile = z.infer<typeof UpFile>;

export class AlreadyUp extends Error {
  override name = 'AlreadyUp';
  readonly code = 'ALREADY_UP';
  constructor(readonly up: UpFile) {
    super(`retune is up already: process ${up.pid}${up.uiUrl === null ? '' : `, ${up.uiUrl}`}`);
  }
}

const pathOf = (home: string): string => join(home, 'up.json');

/** A mark of the process that no later process with the same pid has; '' when it is gone. */
const processStart = (pid: number): string => {
  try {
    // Linux: field 22 of stat; the name in parentheses may hold spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[0] === 'Z' ? '' : (fields[19] ?? '');
  } catch {
    try {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { ...process.env, LC_ALL: 'C' },
      }).trim();
    } catch {
      return '';
    }
  }
};

const read = async (file: string): Promise<UpFile | null> => {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return UpFile.parse(JSON.parse(text));
  } catch {
    return { pid: 0, processStart: '-', startedAt: '', address: null, namespace: '', uiUrl: null, storeId: '' }; // damaged: nobody's
  }
};

const isLive = (up: UpFile): boolean => up.pid > 0 && processStart(up.pid) === up.processStart;

/** The supervisor that runs for this RETUNE_HOME, or null. */
export const readUp = async (home: string): Promise<UpFile | null> => {
  const up = await read(pathOf(home));
  return up !== null && isLive(up) ? up : null;
};

export interface Claim {
  /** Says where the server answers. */
  announce(server: { address: string; namespace: string; uiUrl: string | null }): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the place of the one supervisor of this RETUNE_HOME.
 * @param startedAt ISO 8601
 * @throws AlreadyUp when a live process has it
 */
export const claimUp = async (home: string, storeId: string, startedAt: string): Promise<Claim> => {
  await mkdir(home, { recursive: true });
  const file = pathOf(home);
  const mine: UpFile = {
    pid: process.pid,
    processStart: processStart(process.pid),
    startedAt,
    address: null,
    namespace: '',
    uiUrl: null,
    storeId,
  };
  const draft = `${file}.${randomUUID()}`;
  const write = async (up: UpFile): Promise<void> => writeFile(draft, `${JSON.stringify(up)}\n`);
  await write(mine);
  for (;;) {
    // link(2) fails where the name exists: of two starts at once one wins.
    const won = await link(draft, file).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false;
        throw error;
      },
    );
    if (won) break;
    const other = await read(file);
    if (other !== null && isLive(other)) {
      await rm(draft, { force: true });
      throw new AlreadyUp(other);
    }
    // Move the dead one aside and look again at what was moved: it may have become a live one meanwhile.
    const aside = `${draft}.dead`;
    const moved = await rename(file, aside).then(
      () => true,
      () => false,
    );
    if (!moved) continue;
    const taken = await read(aside);
    if (taken !== null && isLive(taken)) await link(aside, file).catch(() => undefined);
    await rm(aside, { force: true });
  }
  await rm(draft, { force: true });
  return {
    async announce(server) {
      await write({ ...mine, ...server });
      await rename(draft, file);
    },
    async release() {
      const now = await read(file);
      if (now?.pid === process.pid) await rm(file, { force: true });
    },
  };
};
