// Checkpoints of one training: local folders that the trainer writes, and their copies in the store.
// The disk is the truth: chosen by number and wholeness, never by what a heartbeat said.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Store } from './store';

const MARK = 'checkpoint.json';
const Mark = z.looseObject({
  step: z.int(),
  validationNll: z.number().nullish(),
  files: z.array(z.looseObject({ name: z.string(), bytes: z.int(), sha256: z.string() })),
});
const NAME = /^(\d+)-(\d+)$/;

export interface Checkpoint {
  step: number;
  /** A local folder. */
  folder: string;
}

const fileSha256 = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
};

const isWhole = async (folder: string): Promise<boolean> => {
  try {
    const mark = Mark.parse(JSON.parse(await readFile(join(folder, MARK), 'utf8')));
    for (const file of mark.files) if ((await fileSha256(join(folder, file.name))) !== file.sha256) return false;
    return true;
  } catch {
    return false;
  }
};

/** Names like 40-3 (step-fence), newest first: by step, then by fence, as numbers (as text, 500 comes after 1000). */
const newestFirst = (names: string[]): { name: string; step: number }[] =>
  names
    .map((name) => NAME.exec(name))
    .filter((match) => match !== null)
    .map((match) => ({ name: match[0], step: Number(match[1]), fence: Number(match[2]) }))
    .sort((a, b) => b.step - a.step || b.fence - a.fence);

export class CheckpointShelf {
  constructor(
    private readonly store: Store,
    /** Store folder of the stage, train/<key>. */
    private readonly stage: string,
    /** Where the trainer writes. */
    private readonly local: string,
    /** How many are kept: the newest, and those of the lowest validation losses. */
    private readonly keep: { newest: number; best: number } = { newest: 2, best: 0 },
  ) {}

  private async stored(): Promise<{ name: string; step: number }[]> {
    const files = await this.store.list(`${this.stage}/checkpoints`);
    const marks = files.filter((file) => file.endsWith(`/${MARK}`)).map((file) => file.split('/').at(-2) ?? '');
    return newestFirst(marks);
  }

  /** The newest whole checkpoint of this machine or the store, as a local folder; damaged ones are passed over. */
  async newest(): Promise<Checkpoint | null> {
    const here = newestFirst(await readdir(this.local).catch(() => []));
    const there = await this.stored();
    const all = [...here.map((one) => ({ ...one, at: 'here' })), ...there.map((one) => ({ ...one, at: 'store' }))].sort(
      (a, b) => b.step - a.step,
    );
    for (const one of all) {
      const folder = one.at === 'here' ? join(this.local, one.name) : await this.store.local(`${this.stage}/checkpoints/${one.name}`);
      if (await isWhole(folder)) return { step: one.step, folder };
    }
    return null;
  }

  /** Copies a finished checkpoint into the store, its mark last. */
  async save(folder: string, step: number, fence: number): Promise<void> {
    const target = `${this.stage}/checkpoints/${step}-${fence}`;
    const mark = Mark.parse(JSON.parse(await readFile(join(folder, MARK), 'utf8')));
    for (const file of mark.files) await this.store.putLocal(`${target}/${file.name}`, join(folder, file.name));
    await this.store.putLocal(`${target}/${MARK}`, join(folder, MARK));
    await this.keepOnly(this.keep.newest);
  }

  /** Removes all but the newest `newest` and the best by validation loss. */
  private async keepOnly(newest: number): Promise<void> {
    const stored = await this.stored();
    const judged: { name: string; nll: number }[] = [];
    for (const { name } of stored) {
      const mark = await this.store.read(`${this.stage}/checkpoints/${name}/${MARK}`);
      const nll = mark === null ? null : Mark.parse(JSON.parse(mark.toString('utf8'))).validationNll;
      if (nll != null) judged.push({ name, nll });
    }
    // Stable: of equal losses the newer one.
    const best = judged.sort((a, b) => a.nll - b.nll).slice(0, this.keep.best);
    const kept = new Set([...stored.slice(0, newest), ...best].map((one) => one.name));
    for (const { name } of stored) if (!kept.has(name)) await this.store.remove(`${this.stage}/checkpoints/${name}`);
  }

  private async crashNote(): Promise<{ step: number; count: number; last: string }> {
    const note = await this.store.read(`${this.stage}/crashes.json`);
    return note === null
      ? { step: -1, count: 0, last: '' }
      : (JSON.parse(note.toString('utf8')) as { step: number; count: number; last: string });
  }

  /** Crashes since the newest checkpoint was at `step`. */
  async crashes(step: number): Promise<number> {
    const note = await this.crashNote();
    return note.step === step ? note.count : 0;
  }

  async lastCrash(): Promise<string> {
    return (await this.crashNote()).last;
  }

  async countCrash(step: number, last: string): Promise<void> {
    const count = (await this.crashes(step)) + 1;
    await this.store.putFile(`${this.stage}/crashes.json`, JSON.stringify({ schema: 1, step, count, last }));
  }

  /** After the manifest's files are written only the newest and the best checkpoints are kept. */
  async finish(): Promise<void> {
    await this.keepOnly(1);
    await this.store.remove(`${this.stage}/crashes.json`);
  }
}
