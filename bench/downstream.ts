// Does it train a better model? SmolLM2-135M tuned on the tutorial's processing and on ours of the same pages, judged by the answers
// that people wrote to their own questions (the FAQ pages, kept out of both):
//   npx tsc -p . && node dist/bench/downstream.js OUT sqlite=FOLDER git=FOLDER
// FOLDER: HTML of Debian's sqlite3-doc and git-doc. Every finished training under OUT is kept: the same command goes on.
// BENCH_BASE names the base's folder (default .retune/models/smollm2-135m-instruct), BENCH_STEPS the steps of a training, BENCH_SEEDS the
// seeds (each draws its own examples and starts its own adapter; a model's loss is the mean over them), BENCH_ARMS further arms
// (without:KIND, only:KIND), BENCH_STOP=prepared ends after the files are written.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { EvaluateConfig, TrainConfig, TrainerConfig } from '../contracts/trainer';
import { PAIR_KINDS } from '../contracts/records';
import { sha256 } from '../lib/hash';
import { decodeTokenFile, encodeTokenFile, supervised, type TokenFile } from '../lib/token-file';
import { answersTable, lossTable, pairTable, type Answer, type Loss, type Trained } from './downstream-tables';
import { HUMAN_PAGES, type HumanQuestion } from './human-questions';
import { loadPages } from './pages';
import { makePools, type Row } from './processings';

const BATCH = 8;
const ANSWERS = 10;
const root = resolve(__dirname, '../..');
const steps = Number(process.env['BENCH_STEPS'] ?? 60);
const seeds = (process.env['BENCH_SEEDS'] ?? '3407,3408,3409').split(',').map(Number);

const writeJson = (path: string, value: unknown): void => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
const messages = (question: string, answer?: string): { role: 'user' | 'assistant'; content: string }[] => [
  { role: 'user', content: question },
  ...(answer === undefined ? [] : [{ role: 'assistant' as const, content: answer }]),
];

/** Runs the trainer in OUT, whose configs name files relative to it. */
const trainer = (out: string, command: string, config: string): void => {
  const python = process.env['RETUNE_PYTHON'] ?? join(root, 'native/.venv/bin/python');
  const env = { ...process.env, PYTHONPATH: join(root, 'native'), OMP_WAIT_POLICY: 'PASSIVE' };
  const done = spawnSync(python, ['-m', 'trainer', command, config, '--events', `file:${config}.events`], {
    cwd: out,
    env,
    stdio: ['inherit', 'inherit', 'inherit'],
  });
  if (done.status !== 0) throw new Error(`trainer ${command} ${config} ended with ${done.status ?? done.signal ?? ''}`);
};

/** The first `count` examples of a pool in the order of their hashes with the seed, or as many as hold `tokens` supervised tokens. */
const choose = (
  seed: number,
  pool: TokenFile,
  rows: ReadonlyMap<string, Row>,
  keep: (row: Row) => boolean,
  limit: { count?: number; tokens?: number },
): TokenFile => {
  const chosen: TokenFile['rows'] = [];
  let tokens = 0;
  const order = new Map(pool.rows.map(({ example }) => [example, sha256(`${seed}:${example}`)]));
  for (const row of [...pool.rows].sort((a, b) => (order.get(a.example)! < order.get(b.example)! ? -1 : 1))) {
    if (chosen.length >= (limit.count ?? Infinity) || tokens >= (limit.tokens ?? Infinity)) break;
    if (!keep(rows.get(row.example)!)) continue;
    chosen.push(row);
    tokens += supervised(row.roles);
  }
  return { meta: pool.meta, rows: chosen };
};

const prepare = async (out: string, sites: readonly [string, string][]): Promise<void> => {
  const base = resolve(process.env['BENCH_BASE'] ?? join(root, '.retune/models/smollm2-135m-instruct'));
  mkdirSync(out, { recursive: true });
  if (!existsSync(join(out, 'base'))) symlinkSync(base, join(out, 'base'));
  const { weightsDigest } = JSON.parse(readFileSync(join(base, 'base.json'), 'utf8')) as { weightsDigest: string };
  const baseModel = { folder: 'base', family: 'chat' as const, id: 'base', revision: null, weightsDigest };

  const pages = sites.flatMap(([site, at]) => loadPages(site, at).map((page) => ({ site, ...page })));
  const isHuman = ({ site, name }: { site: string; name: string }): boolean => HUMAN_PAGES[site]?.page === name;
  const questions: HumanQuestion[] = pages.filter(isHuman).flatMap(({ site, text }) => HUMAN_PAGES[site]!.read(text));
  const pools = await makePools(
    pages.filter((page) => !isHuman(page)),
    questions,
  );
  writeJson(join(out, 'questions.json'), questions);
  writeFileSync(join(out, 'pairs.md'), pairTable(pools));

  const splits = {
    ...pools.rows,
    questions: questions.map(({ id, question, answer }) => ({ id: sha256(id), instruction: question, response: answer, kind: 'faq' })),
  };
  for (const [name, rows] of Object.entries(splits))
    writeFileSync(
      join(out, `${name}.jsonl`),
      rows.map((row) => `${JSON.stringify({ id: row.id, messages: messages(row.instruction, row.response) })}\n`).join(''),
    );
  const tokenize: Extract<TrainerConfig, { command: 'tokenize' }> = {
    schema: 1,
    command: 'tokenize',
    out: 'tokens',
    base: baseModel,
    splits: Object.fromEntries(Object.keys(splits).map((name) => [name, `${name}.jsonl`])),
    maxTokens: 1024,
  };
  mkdirSync(join(out, 'tokens'), { recursive: true });
  writeJson(join(out, 'tokenize.json'), tokenize);
  trainer(out, 'tokenize', 'tokenize.json');

  const read = (name: string): TokenFile => decodeTokenFile(readFileSync(join(out, 'tokens', `${name}.safetensors`)));
  const [ours, tutorial] = [read('ours'), read('tutorial')];
  const rowsOf = (name: 'ours' | 'tutorial'): Map<string, Row> => new Map(pools.rows[name].map((row) => [row.id, row]));
  const [ourRows, tutorialRows] = [rowsOf('ours'), rowsOf('tutorial')];
  const all = (): boolean => true;
  const count = steps * BATCH;
  const further = (process.env['BENCH_ARMS'] ?? '').split(',').filter((each) => each !== '');
  const runs = seeds.flatMap((seed): Run[] => {
    const own = choose(seed, ours, ourRows, all, { count });
    const tokens = own.rows.reduce((sum, row) => sum + supervised(row.roles), 0);
    return [
      { arm: 'tutorial', seed, file: choose(seed, tutorial, tutorialRows, all, { count }) },
      { arm: 'ours', seed, file: own },
      { arm: 'tutorial, equal tokens', seed, file: choose(seed, tutorial, tutorialRows, all, { tokens }) },
      ...further.map((arm) => {
        const [way, kind = ''] = arm.split(':');
        if (!(PAIR_KINDS as readonly string[]).includes(kind)) throw new Error(`BENCH_ARMS: no kind of pair is called ${kind}`);
        return { arm, seed, file: choose(seed, ours, ourRows, (row) => (way === 'only') === (row.kind === kind), { count }) };
      }),
    ];
  });
  for (const run of runs) {
    const { seed, file } = run;
    const folder = folderOf(run);
    const at = join(out, folder);
    mkdirSync(at, { recursive: true });
    const bytes = encodeTokenFile(file.rows, file.meta);
    writeFileSync(join(at, 'train.safetensors'), bytes);
    const train: TrainConfig = {
      schema: 1,
      command: 'train',
      out: `${folder}/adapter`,
      base: baseModel,
      tokens: { train: `${folder}/train.safetensors`, validation: null },
      datasetDigest: sha256(bytes),
      seed,
      lora: { r: 8, alpha: 16, dropout: 0, rslora: false, targets: 'both' },
      optimizer: { lr: 2e-4, schedule: 'linear', warmupSteps: 5, weightDecay: 0.01, clip: 1 },
      steps: null,
      epochs: 1,
      batch: { examples: BATCH, tokens: null },
      microTokens: null,
      evalEvery: null,
      checkpoint: {
        folder: `${folder}/checkpoints`,
        everySteps: 20,
        everySeconds: 600,
        keep: 1,
        resume: null,
        fence: 1,
      },
    };
    writeJson(join(at, 'train.json'), train);
  }
  const evaluate: EvaluateConfig = {
    schema: 1,
    command: 'evaluate',
    out: 'evaluation',
    base: baseModel,
    adapters: runs.map((run) => ({ name: modelOf(run), folder: `${folderOf(run)}/adapter` })),
    probes: [{ name: 'questions', tokens: 'tokens/questions.safetensors', maxExamples: null }],
    prompts: [],
    maxNewTokens: 1,
  };
  const answer: EvaluateConfig = {
    ...evaluate,
    out: 'answers',
    adapters: ['tutorial', 'ours'].map((arm) => ({ name: arm, folder: `${folderOf({ arm, seed: seeds[0]! })}/adapter` })),
    probes: [],
    prompts: spread(questions, ANSWERS).map(({ id, question }) => ({ id, messages: messages(question), ids: null, stopIds: null })),
    maxNewTokens: 120,
  };
  writeJson(join(out, 'evaluate.json'), evaluate);
  writeJson(join(out, 'answers.json'), answer);
  writeJson(
    join(out, 'runs.json'),
    runs.map(({ arm, seed, file: { rows } }) => ({
      arm,
      model: modelOf({ arm, seed }),
      folder: folderOf({ arm, seed }),
      examples: rows.length,
      tokens: rows.reduce((sum, row) => sum + supervised(row.roles), 0),
    })),
  );
};

/** A training: which examples, and the seed of their draw and of the adapter. */
interface Run {
  arm: string;
  seed: number;
  file: TokenFile;
}

const modelOf = ({ arm, seed }: Pick<Run, 'arm' | 'seed'>): string => `${arm} #${seed}`;
const folderOf = (run: Pick<Run, 'arm' | 'seed'>): string => modelOf(run).replaceAll(/[^\w]+/g, '-');

/** `count` rows spread over the whole list. */
const spread = <T>(rows: readonly T[], count: number): T[] =>
  Array.from(
    { length: Math.min(count, rows.length) },
    (_, index) => rows[Math.floor((index * rows.length) / Math.min(count, rows.length))]!,
  );

const train = (out: string): void => {
  for (const { folder } of readJson<Trained[]>(join(out, 'runs.json'))) {
    if (!existsSync(join(out, folder, 'adapter/adapter_config.json'))) trainer(out, 'train', `${folder}/train.json`);
  }
  if (!existsSync(join(out, 'evaluation/nll.jsonl'))) trainer(out, 'evaluate', 'evaluate.json');
  if (!existsSync(join(out, 'answers/answers.jsonl'))) trainer(out, 'evaluate', 'answers.json');
};

const readJson = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T;
const readLines = <T>(path: string): T[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);

const report = (out: string): void => {
  const questions = readJson<HumanQuestion[]>(join(out, 'questions.json'));
  process.stdout.write(readFileSync(join(out, 'pairs.md'), 'utf8'));
  process.stdout.write(`\n${lossTable(readLines<Loss>(join(out, 'evaluation/nll.jsonl')), readJson(join(out, 'runs.json')), questions)}\n`);
  process.stdout.write(answersTable(readLines<Answer>(join(out, 'answers/answers.jsonl')), questions));
};

const main = async (): Promise<void> => {
  const [at = '', ...folders] = process.argv.slice(2);
  if (at === '' || folders.length === 0) throw new Error('usage: downstream.js OUT sqlite=FOLDER git=FOLDER');
  const out = resolve(at);
  const sites = folders.map((folder) => folder.split('=', 2) as [string, string]);
  if (!existsSync(join(out, 'runs.json'))) await prepare(out, sites);
  if (process.env['BENCH_STOP'] === 'prepared') return;
  train(out);
  report(out);
};

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
