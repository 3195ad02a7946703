// Data of a small finished run for the tests of cards and report.
import { PipelineInput } from '../../contracts/input';
import type { BaseModel } from '../../contracts/artifacts';
import type { DatasetCardData } from '../../lib/dataset-card';
import { format } from '../../lib/format';
import type { GateInput } from '../../lib/gate';
import { judge } from '../../lib/gate';
import type { ModelCardData } from '../../lib/model-card';
import { statistics } from '../../lib/statistics';
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
const rows = Object.values(dataset.parts).flatMap((part) => part.rows ?? []);
export const datasetStatistics = statistics(
  dataset,
  new Map(rows.map(({ example, ids, roles }) => [example, { tokens: ids.length, supervised: supervised(roles) }])),
);

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
  language: 'en',
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
