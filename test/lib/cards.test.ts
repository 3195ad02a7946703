import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { datasetCard } from '../../lib/dataset-card';
import { cell, type FrontMatter, frontMatter, table } from '../../lib/front-matter';
import { grouped } from '../../lib/wording';
import { modelCard } from '../../lib/model-card';
import { base, datasetCardData, modelCardData } from '../support/card-data';

const python = join(__dirname, '../../native/.venv/bin/python');
/** What a YAML library of another language reads; PyYAML comes with the trainer's environment. */
const yaml = (cards: string[]): unknown[] =>
  JSON.parse(
    execFileSync(
      python,
      ['-c', 'import json,sys,yaml; print(json.dumps([yaml.safe_load(c.split("---\\n")[1]) for c in json.load(sys.stdin)]))'],
      { input: JSON.stringify(cards), encoding: 'utf8' },
    ),
  ) as unknown[];

const strange = [
  'no',
  'null',
  '1.0',
  '2024-06-01',
  'a: b',
  '- x',
  '#x',
  "it's",
  '"q"',
  'a\nb',
  '',
  ' lead',
  '@x',
  '{x}',
  'é語\u2028\u0085\ufeff🚀',
  '*x',
  '!x',
  'a #b',
  '~',
];

(existsSync(python) ? test : test.skip)('a YAML reader gets back what was written, whatever the strings', () => {
  const fields: { [key: string]: FrontMatter } = {
    list: strange,
    nested: [{ name: 'x', data: [{ split: 'train', path: 'data/train.parquet' }] }],
    deep: { a: { b: 'off' } },
    number: 3,
    yes: true,
  };
  const [read, dataset, model, local] = yaml([
    frontMatter(fields),
    datasetCard(datasetCardData()),
    modelCard(modelCardData()),
    modelCard({ ...modelCardData(), base: { ...base, id: 'tiny-gpt-oss', publicId: 'base' }, dataset: null }),
  ]);
  expect(read).toEqual({ ...fields, deep: { a: { b: 'off' } } });
  expect(dataset).toMatchObject({
    pretty_name: 'example-docs',
    license: 'other',
    language: ['en'],
    size_categories: ['n<1K'],
    configs: [
      { config_name: 'default', data_files: [{ split: 'train', path: 'data/train.parquet' }, { split: 'validation' }, { split: 'test' }] },
    ],
  });
  expect(model).toMatchObject({
    base_model: ['openai/gpt-oss-20b'],
    base_model_relation: 'finetune',
    library_name: 'transformers',
    datasets: ['someone/example-docs'],
    license: 'apache-2.0',
  });
  expect(local).not.toHaveProperty('base_model');
  expect(local).not.toHaveProperty('datasets');
});

test('the dataset card names sources, splits, contamination and the pinned date', () => {
  const card = datasetCard(datasetCardData());
  expect(card).toContain('load_dataset("someone/example-docs")');
  expect(card).toContain('| docs.example.org | 240 |');
  expect(card).toContain("writes **today's date** there");
  expect(card).toContain('crosses split 12, too long 3');
  const { pages } = datasetCardData();
  expect(datasetCard({ ...datasetCardData(), pages: pages.slice(0, 3) })).toContain('<https://docs.example.org/page-0.html>');
  expect(datasetCard({ ...datasetCardData(), family: 'chat' })).not.toContain('harmony');
});

test('the dataset card does not vouch for general data, which a model may have written', () => {
  const data = datasetCardData();
  expect(datasetCard(data)).toContain('No model wrote any of it.');
  const mixed = { ...data.statistics, kinds: { ...data.statistics.kinds, general: 20 } };
  const card = datasetCard({ ...data, statistics: mixed, mix: { source: 'general.jsonl', share: 0.1, license: null } });
  expect(card).not.toContain('any of it.');
  expect(card).toContain('20 training examples of kind `general` come from `file:///general.jsonl`, whose licence was not stated');
  const licensed = datasetCard({ ...data, statistics: mixed, mix: { source: 'general.jsonl', share: 0.1, license: 'cc0-1.0' } });
  expect(licensed).toContain('under the licence cc0-1.0');
});

test('the model card says whether it is better, how it was made and how to load it', () => {
  const card = modelCard(modelCardData());
  expect(card).toContain('| 3.264 | **2.754** |');
  expect(card).toContain('[-0.621, -0.402] (bootstrap over 9 pages, 48 examples)');
  expect(card).toContain('The gate passed it.');
  expect(card).toContain('attention and every expert');
  expect(card).toContain('PeftModel.from_pretrained(base, "someone/example-model", subfolder="adapter")');
  expect(card).toContain('Mxfp4Config(dequantize=True)');
  expect(card).toContain('leave the date line out');
});

test('a base without a public equal points to the merged model, and random weights are called that', () => {
  const card = modelCard({
    ...modelCardData(),
    base: { ...base, id: 'tiny-gpt-oss', publicId: 'base', revision: null, origin: 'random weights, seed 1' },
  });
  expect(card).toContain('**The base has random weights.**');
  expect(card).toContain('names it `base`; use the merged model above');
  expect(modelCard({ ...modelCardData(), layout: { merged: null, adapter: '' } })).toContain(
    'PeftModel.from_pretrained(base, "someone/example-model")',
  );
});

test('the card states the languages of the pages, without those of a few only, and none where none can be told', () => {
  const languages = (told: Record<string, number>): string => {
    const data = datasetCardData();
    return datasetCard({ ...data, statistics: { ...data.statistics, languages: told } }).split('size_categories')[0]!;
  };
  expect(languages({ de: 60, en: 39, fr: 1 })).toMatch(/language:\n\s*- "?de"?\n\s*- "?en"?\n$/);
  expect(languages({})).not.toContain('language');
});

test('cards have no clock, and the same data gives the same bytes', () => {
  expect(datasetCard(datasetCardData())).toBe(datasetCard(datasetCardData()));
  for (const card of [datasetCard(datasetCardData()), modelCard(modelCardData())])
    expect(card).not.toMatch(/undefined|NaN|\[object|\/tmp\/|\d\d:\d\d:\d\d/);
});

test('text of a page cannot break out of a table or plant markup', () => {
  expect(cell('a | b\n<img src=x> [x](y) `z`')).toBe('a \\| b \\<img src=x\\> \\[x\\](y) \\`z\\`');
  expect(table(['a'], [['b']])).toBe('| a |\n| --- |\n| b |');
  expect([0, 999, 1000, 1234567].map(grouped)).toEqual(['0', '999', '1,000', '1,234,567']);
});
