// Documents to token file at scale: npx tsc -p . && node dist/bench/prepare-scale.js [sections ...]   (default 1000 to 1000000)
// Generated pages as shards of a clean stage in a store on disk, then the product's own activities: signing and merging of
// dedup, pair, format for GPT-OSS. Each runs in a process of its own, so that each has its own peak of memory; making the
// pages is not counted.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createDedup } from '../activities/dedup';
import { createDedupParts } from '../activities/dedup-parts';
import { createFormat } from '../activities/format';
import type { FormatDeps } from '../activities/formatting';
import { createPair } from '../activities/pair';
import { keyOf, refOf } from '../activities/stage';
import type { DedupPart, KeyedTask, StageTask } from '../contracts/activities';
import type { BaseModel, StageRef, Verb } from '../contracts/artifacts';
import { SHARD } from '../contracts/policies';
import { PipelineInput } from '../contracts/input';
import { systemClock } from '../io/clock';
import { readConfig } from '../io/config';
import { readManifest, stageFolder, writeManifest } from '../io/manifest';
import { openStore, type Store } from '../io/store';
import { digest } from '../lib/hash';
import { toLine } from '../lib/jsonl';
import { sealManifest } from '../lib/manifest';
import { pageOf, SECTIONS_A_PAGE } from './repetitive-text';

const shardsOf = (sections: number): number => Math.ceil(sections / SECTIONS_A_PAGE / SHARD.maxUrls);
const cleanKey = (shard: number): string => digest({ shard });

const generate = async (store: Store, sections: number): Promise<void> => {
  const shards = shardsOf(sections);
  const pages = Math.ceil(sections / SECTIONS_A_PAGE);
  for (let shard = 0; shard < shards; shard++) {
    const lines = function* (): Generator<string> {
      for (let page = shard; page < pages; page += shards) yield toLine(pageOf(page));
    };
    const name = 'documents.jsonl';
    const path = `${stageFolder('clean', cleanKey(shard), 1)}/${name}`;
    const written = await store.putFile(
      path,
      (async function* () {
        for (const line of lines()) yield await Promise.resolve(line);
      })(),
    );
    const facts = { inputs: {}, config: {}, counts: {}, reasons: {}, metrics: {}, startedAt: '', finishedAt: '', host: '', versions: {} };
    const content = { schema: 1 as const, stage: 'clean' as const, version: 1, outputs: [{ name, rows: null, ...written }] };
    await writeManifest(store, sealManifest({ content, facts: { key: cleanKey(shard), fence: 1, sidecars: [], ...facts } }));
  }
};

const taskOf = (store: Store, verb: Verb, inputs: Record<string, StageRef>): KeyedTask => {
  const run = { runId: 'bench', executionId: 'bench' };
  const task: StageTask = { verb, run, storeId: store.storeId, config: PipelineInput.parse({}), inputs, digests: {} };
  return { ...task, key: keyOf(task), heartbeatSeconds: 60 };
};

const dedupTask = (store: Store, sections: number): KeyedTask => {
  const inputs: Record<string, StageRef> = {};
  for (let shard = 0; shard < shardsOf(sections); shard++)
    inputs[`s${shard}`] = { verb: 'clean', key: cleanKey(shard), outputDigest: cleanKey(shard), counts: {}, reasons: {} };
  return taskOf(store, 'dedup', inputs);
};

/** The task after a finished one. */
const after = async (store: Store, { verb, key }: KeyedTask, next: Verb, input: string): Promise<KeyedTask> =>
  taskOf(store, next, { [input]: refOf((await readManifest(store, verb, key))!) });

const within = async <A, R>(act: (argument: A) => Promise<R>, argument: A): Promise<R> =>
  new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') }).run<[A], R, (argument: A) => Promise<R>>(act, argument);

const sign = async (deps: FormatDeps, task: KeyedTask): Promise<void> => {
  const parts = createDedupParts(deps);
  const { storeId, key } = task;
  const each = Object.entries(task.inputs).map(([name, documents]): DedupPart => ({ storeId, key, name, documents }));
  for (const part of each) await within(parts.surveyShard, part);
  const leastPages = (task.config.dedup as PipelineInput['dedup']).boilerplatePages;
  await within(parts.findBoilerplate, { storeId, key, names: Object.keys(task.inputs), leastPages });
  for (const part of each) await within(parts.signShard, part);
};

/** Nothing of the base but its name and digests is read for GPT-OSS. */
const BASE = {
  ...{ id: 'base', publicId: 'base', family: 'gpt-oss', revision: null, origin: 'bench' },
  ...{ weightsDigest: '0'.repeat(64), tokenizerDigest: '0'.repeat(64), templateDigest: '0'.repeat(64) },
} as BaseModel;

const PHASES = ['sign', 'merge', 'pair', 'format'] as const;

interface Phase {
  cpuSeconds: number;
  seconds: number;
  peakMB: number;
  counts: Record<string, number>;
}

const work = async (name: string, deps: FormatDeps, sections: number): Promise<StageRef | null> => {
  const { store } = deps;
  const dedup = dedupTask(store, sections);
  if (name === 'generate') await generate(store, sections);
  if (name === 'sign') await sign(deps, dedup);
  if (name === 'merge') return within(createDedup(deps).dedup, dedup);
  const pair = name === 'pair' || name === 'format' ? await after(store, dedup, 'pair', 'sections') : null;
  if (name === 'pair') return within(createPair(deps).pair, pair!);
  if (name !== 'format') return null;
  const task = await after(store, pair!, 'format', 'pairs');
  return within(async () => createFormat(deps).format(task, BASE), null);
};

/** In a child process: one phase, its figures as a line of JSON. */
const phase = async (name: string, folder: string, sections: number): Promise<void> => {
  const store = await openStore(join(folder, 'store'));
  const config = { ...readConfig({}), home: folder };
  const runTrainer = (): Promise<never> => Promise.reject(new Error('GPT-OSS needs no trainer here'));
  const deps: FormatDeps = { store, clock: systemClock, host: 'bench', versions: {}, config, runTrainer };
  const start = process.hrtime.bigint();
  const before = process.cpuUsage();
  const ref = await work(name, deps, sections);
  const { user, system } = process.cpuUsage(before);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const counts = { ...ref?.counts, ...ref?.reasons };
  const figures: Phase = { cpuSeconds: (user + system) / 1e6, seconds, peakMB: process.resourceUsage().maxRSS / 1024, counts };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
};

const runPhase = (name: string, folder: string, sections: number): Phase => {
  const child = spawnSync(process.execPath, [__filename, '--phase', name, folder, String(sections)], { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`${name} of ${sections} sections: ${child.stderr}`);
  return JSON.parse(child.stdout.trim().split('\n').at(-1)!) as Phase;
};

const main = (sizes: readonly number[]): void => {
  const head = ['sections', 'kept', 'pairs', 'tokens', ...PHASES.flatMap((name) => [`${name} CPU s`, 'peak MB']), 'µs a section', 'wall s'];
  process.stdout.write(`| ${head.join(' | ')} |\n|${' --- |'.repeat(head.length)}\n`);
  for (const sections of sizes) {
    const folder = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'prepare-scale-'));
    try {
      runPhase('generate', folder, sections);
      const phases = PHASES.map((name) => runPhase(name, folder, sections));
      const sum = (of: (one: Phase) => number): number => phases.reduce((total, one) => total + of(one), 0);
      const [, merged, paired, formatted] = phases;
      const made = [merged!.counts['sections'], paired!.counts['pairs'], formatted!.counts['tokens']];
      const each = phases.flatMap(({ cpuSeconds, peakMB }) => [cpuSeconds.toFixed(1), peakMB.toFixed(0)]);
      const micros = ((1e6 * sum(({ cpuSeconds }) => cpuSeconds)) / sections).toFixed(0);
      process.stdout.write(`| ${[sections, ...made, ...each, micros, sum(({ seconds }) => seconds).toFixed(0)].join(' | ')} |\n`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
};

const [first, name, folder, sections] = process.argv.slice(2);
if (first === '--phase')
  phase(name!, folder!, Number(sections)).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exitCode = 1;
  });
else {
  const sizes = process.argv.slice(2).map(Number);
  main(sizes.length > 0 ? sizes : [1_000, 10_000, 100_000, 1_000_000]);
}
