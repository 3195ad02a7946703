// RETUNE_HOME/up.json: which supervisor runs here, and where its server answers. One at a time.
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isProvablyGone, thisProcess } from './process-identity';

const UpFile = z.object({
  pid: z.int(),
  /** The rest of the process's identity: a pid is used again. */
  host: z.string(),
  place: z.string(),
  started: z.string(),
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
    super(`retune is up already: process ${up.pid} on ${up.host}${up.uiUrl === null ? '' : `, ${up.uiUrl}`}`);
  }
}

const pathOf = (home: string): string => join(home, 'up.json');

const read = async (file: string): Promise<UpFile | null> => {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return UpFile.parse(JSON.parse(text));
  } catch {
    return null; // damaged: nobody's
  }
};

/** The machine started again since: whatever ran before is gone. */
const beforeBoot = async (up: UpFile): Promise<boolean> => {
  const { host, place } = await thisProcess();
  return up.host === host && up.place.split(' ')[0] !== place.split(' ')[0];
};

const isLive = async (up: UpFile): Promise<boolean> => !(await isProvablyGone(up)) && !(await beforeBoot(up));

/** The supervisor that runs for this RETUNE_HOME, or null. */
export const readUp = async (home: string): Promise<UpFile | null> => {
  const up = await read(pathOf(home));
  return up !== null && (await isLive(up)) ? up : null;
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
  const mine: UpFile = { ...(await thisProcess()), startedAt, address: null, namespace: '', uiUrl: null, storeId };
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
    if (other !== null && (await isLive(other))) {
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
    if (taken !== null && (await isLive(taken))) await link(aside, file).catch(() => undefined);
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
