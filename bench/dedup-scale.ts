// Dedup at scale: npx tsc -p . && node dist/bench/dedup-scale.js [sections ...]      (default 1000 10000 100000 1000000)
// Generated pages as shards of a clean stage in a store on disk, then the product's own activities. Signing and merging run
// in a process each, so that each has its own peak of memory; making the pages is not counted.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createDedup } from '../activities/dedup';
import { createDedupParts } from '../activities/dedup-parts';
import { keyOf, type StageDeps } from '../activities/stage';
import type { DedupPart, KeyedTask, StageTask } from '../contracts/activities';
import type { StageRef } from '../contracts/artifacts';
import { SHARD } from '../contracts/policies';
import { PipelineInput } from '../contracts/input';
import { systemClock } from '../io/clock';
import { stageFolder, writeManifest } from '../io/manifest';
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

const taskOf = (store: Store, sections: number): KeyedTask => {
  const inputs: Record<string, StageRef> = {};
  for (let shard = 0; shard < shardsOf(sections); shard++)
    inputs[`s${shard}`] = { verb: 'clean', key: cleanKey(shard), outputDigest: cleanKey(shard), counts: {}, reasons: {} };
  const config = { dedup: PipelineInput.parse({}).dedup };
  const run = { runId: 'bench', executionId: 'bench' };
  const task: StageTask = { verb: 'dedup', run, storeId: store.storeId, config, inputs, digests: {} };
  return { ...task, key: keyOf(task), heartbeatSeconds: 60 };
};

const within = async <A, R>(act: (argument: A) => Promise<R>, argument: A): Promise<R> =>
  new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') }).run<[A], R, (argument: A) => Promise<R>>(act, argument);

const sign = async (deps: StageDeps, task: KeyedTask): Promise<void> => {
  const parts = createDedupParts(deps);
  const { storeId, key } = task;
  const each = Object.entries(task.inputs).map(([name, documents]): DedupPart => ({ storeId, key, name, documents }));
  for (const part of each) await within(parts.surveyShard, part);
  const leastPages = (task.config.dedup as PipelineInput['dedup']).boilerplatePages;
  await within(parts.findBoilerplate, { storeId, key, names: Object.keys(task.inputs), leastPages });
  for (const part of each) await within(parts.signShard, part);
};

interface Phase {
  cpuSeconds: number;
  seconds: number;
  peakMB: number;
  counts?: Record<string, number>;
}

/** In a child process: one phase, its figures as a line of JSON. */
const phase = async (name: string, folder: string, sections: number): Promise<void> => {
  const store = await openStore(folder);
  const deps = { store, clock: systemClock, host: 'bench', versions: {} };
  const start = process.hrtime.bigint();
  const before = process.cpuUsage();
  let counts = {};
  if (name === 'generate') await generate(store, sections);
  else if (name === 'sign') await sign(deps, taskOf(store, sections));
  else {
    const ref = await within(createDedup(deps).dedup, taskOf(store, sections));
    counts = { ...ref.counts, ...ref.reasons };
  }
  const { user, system } = process.cpuUsage(before);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const figures: Phase = { cpuSeconds: (user + system) / 1e6, seconds, peakMB: process.resourceUsage().maxRSS / 1024, counts };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
};

const runPhase = (name: string, folder: string, sections: number): Phase => {
  const child = spawnSync(process.execPath, [__filename, '--phase', name, folder, String(sections)], { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`${name} of ${sections} sections: ${child.stderr}`);
  return JSON.parse(child.stdout.trim().split('\n').at(-1)!) as Phase;
};

const main = (sizes: readonly number[]): void => {
  const head = [
    'sections',
    'shards',
    'sign CPU s',
    'merge CPU s',
    'µs a section',
    'sign peak MB',
    'merge peak MB',
    'wall s',
    'kept',
    'near',
    'exact',
  ];
  process.stdout.write(`| ${head.join(' | ')} |\n|${' --- |'.repeat(head.length)}\n`);
  for (const sections of sizes) {
    const folder = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'dedup-scale-'));
    try {
      runPhase('generate', folder, sections);
      const signed = runPhase('sign', folder, sections);
      const merged = runPhase('merge', folder, sections);
      const each = (1e6 * (signed.cpuSeconds + merged.cpuSeconds)) / sections;
      const cells = [sections, shardsOf(sections), signed.cpuSeconds.toFixed(1), merged.cpuSeconds.toFixed(1), each.toFixed(0)];
      const memory = [signed.peakMB.toFixed(0), merged.peakMB.toFixed(0), (signed.seconds + merged.seconds).toFixed(0)];
      const { sections: kept, near_duplicate: near, exact_duplicate: exact } = merged.counts ?? {};
      process.stdout.write(`| ${[...cells, ...memory, kept, near, exact].join(' | ')} |\n`);
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
