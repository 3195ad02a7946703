// Data of a small finished run for the tests of cards and report.
import { PipelineInput } from '../../contracts/input';
import type { BaseModel } from '../../contracts/artifacts';
import { SPLITS } from '../../contracts/records';
import type { DatasetCardData } from '../../lib/dataset-card';
import { format } from '../../lib/format';
import type { GateInput } from '../../lib/gate';
import { judge } from '../../lib/gate';
import type { ModelCardData } from '../../lib/model-card';
import { readLosses } from '../../lib/chart';
import type { ReportData } from '../../lib/report';
import { atOnce } from '../../lib/contamination';
import { StatisticsCounter } from '../../lib/statistics';
import type { Comparison } from '../../lib/stats';
import { supervised } from '../../lib/token-file';
import { pair } from './example-builder';

export const input = PipelineInput.parse({});
const pairs = Array.from({ length: 240 }, (_, index) =>
  pair({
    page: `https://docs.example.org/page-${index % 80}.html`,
    section: `part-${index}`,
    instruction: `What is part ${index}?`,
    response: `Part ${index} is ${'one of many things '.repeat(1 + (index % 9))}(${index}).`,
  }),
);
export const dataset = format(pairs, input.format, 'gpt-oss');
const counter = new StatisticsCounter();
for (const split of SPLITS) {
  const { examples, rows } = dataset.parts[split];
  const counted = examples.map((example, at) => ({ example, tokens: rows[at]!.ids.length, supervised: supervised(rows[at]!.roles) }));
  atOnce(counter.addSplit(split, counted));
}
export const datasetStatistics = counter.result(dataset.splitBy, dataset.contamination);

export const comparison: Comparison = {
  examples: 48,
  groups: 9,
  nll: { reference: 3.2641, tuned: 2.7543 },
  difference: -0.5098,
  interval: { low: -0.6212, high: -0.4021 },
  winRate: 0.958,
  tokenWeighted: { reference: 3.1, tuned: 2.7 },
  perByte: { reference: 0.81, tuned: 0.68 },
  format: { reference: 2.2, tuned: 0.01 },
  byKind: { code: { examples: 20, difference: -0.6 }, heading: { examples: 28, difference: -0.44 } },
};
export const gateInput: GateInput = {
  config: input.gate,
  base: comparison,
  last: 'nothing was published before',
  general: { base: 3.9, tuned: 3.95 },
  health: null,
};
export const verdict = judge(gateInput);

export const base: BaseModel = {
  id: 'openai/gpt-oss-20b',
  publicId: 'openai/gpt-oss-20b',
  family: 'gpt-oss',
  revision: 'abc123',
  weightsDigest: '1'.repeat(64),
  tokenizerDigest: '2'.repeat(64),
  templateDigest: '3'.repeat(64),
  origin: 'the Hub',
};

export const datasetCardData = (): DatasetCardData => ({
  title: 'example-docs',
  repository: 'someone/example-docs',
  statistics: datasetStatistics,
  pages: [...new Set(pairs.map(({ url }) => url))],
  reasons: { too_long: 3, crosses_split: 12 },
  family: 'gpt-oss',
  config: input.format,
  digest: '4'.repeat(64),
  version: '0.1.0',
});

export const modelCardData = (): ModelCardData => ({
  title: 'example-docs',
  repository: 'someone/example-model',
  dataset: 'someone/example-docs',
  base,
  license: 'apache-2.0',
  layout: { merged: '', adapter: 'adapter' },
  train: input.train,
  format: input.format,
  trained: { steps: 60, tokens: 61_234, supervisedTokens: 40_123, finalLoss: 2.345 },
  statistics: datasetStatistics,
  evaluation: { base: comparison, verdict },
  proofs: [
    { format: 'adapter', result: 'proven' },
    { format: 'merged', result: 'proven' },
  ],
  provenance: [
    { name: 'format', digest: '5'.repeat(64) },
    { name: 'train', digest: '6'.repeat(64) },
  ],
  versions: { transformers: '5.17.0', peft: '0.21.2' },
  version: '0.1.0',
});

/** metrics.jsonl of a training of 60 steps, validation every 20, one batch skipped. */
export const metricsJsonl = Array.from({ length: 60 }, (_, index) => {
  const step = index + 1;
  const loss = 1.9 + 1.4 * Math.exp(-step / 14) + 0.18 * Math.sin(step * 7.3);
  const row = step === 31 ? { step, loss: null, skipped: true } : { step, loss, lr: 0.0002 };
  return [row, ...(step % 20 === 0 ? [{ step, validationNll: 2.1 + 0.9 * Math.exp(-step / 16) }] : [])]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
}).join('');

const answer = (text: string): string => text.trim();

export const reportData = (): ReportData => ({
  title: 'npm-manual',
  runId: 'npm-manual-1a2b3c4d',
  status: 'prepared',
  reason: 'No HF_TOKEN on the worker: everything is ready locally, nothing was pushed.',
  date: '2026-01-31T02:30:00Z',
  base: { name: 'smollm2-135m-instruct', random: false },
  stages: [
    { verb: 'collect', state: 'done', counts: { pages: 91, bytes: 1_893_223 }, reasons: { http_404: 1, robots_denied: 1 } },
    { verb: 'clean', state: 'done', counts: { documents: 90 }, reasons: { too_short: 1 } },
    { verb: 'dedup', state: 'done', counts: { sections: 612 }, reasons: { near_duplicate: 148, exact_duplicate: 61 } },
    { verb: 'pair', state: 'reused', counts: { pairs: 843 }, reasons: { too_short: 97, low_score: 71, dangling_reference: 12 } },
    {
      verb: 'format',
      state: 'reused',
      counts: { train: 198, validation: 15, test: 27, tokens: 22_284 },
      reasons: { too_long: 3, crosses_split: 12 },
    },
    { verb: 'train', state: 'done', counts: { steps: 60, tokens: 61_234 }, reasons: {} },
    { verb: 'evaluate', state: 'done', counts: { test_examples: 48, answers: 30 }, reasons: {} },
    { verb: 'convert', state: 'done', counts: { adapter: 1, merged: 1 }, reasons: {} },
    { verb: 'publish', state: 'done', counts: { model_files: 9, dataset_files: 8 }, reasons: {} },
  ],
  collection: {
    schema: 1,
    previous: { runId: 'npm-manual-1a2b3c4d', executionId: 'execution-1', date: '2026-01-30T02:30:00Z' },
    drift: {
      new: { count: 1, examples: [{ url: 'https://docs.example.org/new.html', reason: null }] },
      changed: { count: 30, examples: [{ url: 'https://docs.example.org/changed.html', reason: null }] },
      gone: { count: 1, examples: [{ url: 'https://docs.example.org/gone.html', reason: 'no longer in the source' }] },
      unchanged: 59,
    },
    pairs: { added: 12, removed: 3 },
    goneOnce: { count: 1, examples: [{ url: 'https://docs.example.org/missing.html', reason: 'since 2026-01-31T02:30:00Z' }] },
    tombstones: { count: 0, examples: [] },
    stale: { count: 0, examples: [] },
    spending: { requests: 93, billed: 91, possiblyBilled: 1, estimatedCostUsd: 0.1365 },
    failures: [{ reason: 'http_404', count: 1, examples: ['https://docs.example.org/<dead>.html'] }],
  },
  fates: [
    {
      stage: 'collect',
      of: 'url',
      reason: 'not_found',
      count: 1,
      examples: [{ id: '1'.repeat(64), detail: 'https://docs.npmjs.com/gone' }],
    },
    { stage: 'dedup', of: 'section', reason: 'near_duplicate', count: 148, examples: [{ id: '2'.repeat(64), detail: null }] },
    { stage: 'pair', of: 'pair', reason: 'too_short', count: 97, examples: [{ id: '3'.repeat(64), detail: 'What does `npm ping` do?' }] },
  ],
  evaluation: {
    base: comparison,
    verdict,
    answers: [
      {
        question: 'How do I install exactly what the lock file says?',
        base: answer(
          'To install exactly what the lock file says, you can use the following steps:\n\n1. Open the file manager.\n2. Open the file manager.\n3. Open the file manager.\n4. Open the file manager.',
        ),
        tuned: answer(
          'Use `npm ci`. It deletes `node_modules` and installs from the lock file:\n\n```bash\nnpm ci\n```\n\nIf the lock file and `package.json` do not agree, it exits with an error instead of changing the lock file.',
        ),
      },
      { question: 'What does --save-dev do?', base: '', tuned: 'Packages will appear in your `devDependencies`.' },
    ],
  },
  losses: readLosses(metricsJsonl),
  training: [{ name: 'engine', text: 'transformers, fp32' }],
  statistics: datasetStatistics,
  samples: pairs
    .slice(0, 3)
    .map(({ instruction, response, kind, url, anchor, path }) => ({ instruction, response, kind, url, anchor, path })),
  masks: { rows: dataset.parts.train.rows.slice(0, 2) },
  sources: [...new Set(pairs.map(({ url }) => url))].map((url) => ({ url, fetchedAt: '2026-01-31', examples: 3 })),
  places: [
    { name: 'adapter', at: 'convert/9f8e/1/adapter' },
    { name: 'dataset', at: 'format/7c6d/1/data' },
  ],
  provenance: [
    { name: 'format', digest: '5'.repeat(64) },
    { name: 'train', digest: '6'.repeat(64) },
  ],
  next: [
    { command: 'npx retune ask npm-manual-1a2b3c4d "How do I publish a package?"', does: 'asks the tuned model' },
    { command: 'npx retune run --preset default', does: "the tutorial's pages with gpt-oss-20b, on a GPU" },
  ],
});
