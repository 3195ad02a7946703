// README.md of the dataset repository: what is in it, from where, how it was made, how to load it.
import type { Counts } from '../contracts/artifacts';
import { SPLITS } from '../contracts/records';
import type { Family } from '../contracts/trainer';
import type { FormatConfig } from './format';
import { cell, frontMatter, table } from './front-matter';
import { grouped } from './wording';
import { mixUrl } from './mix';
import { safeHref } from './markup';
import type { Statistics } from './statistics';

export interface DatasetCardData {
  title: string;
  /** namespace/name; null: prepared locally. */
  repository: string | null;
  statistics: Statistics;
  /** Canonical URL of every page that has an example. */
  pages: readonly string[];
  /** General data beside the pages'; null: none. */
  mix?: { source: string | null; share: number; license: string | null } | null;
  /** Dropped pairs by reason. */
  reasons: Counts;
  family: Family;
  config: FormatConfig;
  /** Result digest of the format stage. */
  digest: string;
  /** Version of retune. */
  version: string;
}

const SIZES: [number, string][] = [
  [1e3, 'n<1K'],
  [1e4, '1K<n<10K'],
  [1e5, '10K<n<100K'],
  [1e6, '100K<n<1M'],
  [1e7, '1M<n<10M'],
];
const sizeCategory = (examples: number): string => SIZES.find(([below]) => examples < below)?.[1] ?? '10M<n<100M';

/** More pages than this are counted by host; provenance.jsonl lists them all. */
const LISTED_PAGES = 50;

/** Languages of fewer pages than this share are a stray page or a mistake of ours. */
const LEAST_LANGUAGE = 0.05;

const languagesOf = ({ languages }: Statistics): string[] | null => {
  const told = Object.values(languages).reduce((sum, count) => sum + count, 0);
  const found = Object.keys(languages).filter((language) => languages[language]! >= LEAST_LANGUAGE * told);
  return found.length === 0 ? null : found;
};

const head = ({ title, statistics }: DatasetCardData): string =>
  frontMatter({
    pretty_name: title,
    license: 'other',
    license_name: 'as-the-source-pages',
    language: languagesOf(statistics),
    size_categories: [sizeCategory(statistics.examples)],
    task_categories: ['text-generation'],
    annotations_creators: ['machine-generated'],
    source_datasets: ['original'],
    tags: ['retune', 'instruction-tuning', 'documentation'],
    configs: [
      {
        config_name: 'default',
        data_files: SPLITS.filter((split) => statistics.splits[split].examples > 0).map((split) => ({
          split,
          path: `data/${split}.parquet`,
        })),
      },
    ],
  });

const sources = ({ pages, statistics }: DatasetCardData): string => {
  if (pages.length > LISTED_PAGES)
    return `${table(
      ['host', 'examples'],
      Object.entries(statistics.hosts).map(([host, count]) => [cell(host), grouped(count)]),
    )}\n\nEvery page is in \`provenance.jsonl\`.`;
  return [...pages]
    .sort()
    .map((page) => `- ${safeHref(page) === null ? cell(page) : `<${page}>`}`)
    .join('\n');
};

/** The general data that `mix` put beside the pages. */
const general = ({ mix, statistics }: DatasetCardData): string => {
  const count = statistics.kinds['general'] ?? 0;
  if (count === 0 || mix === null || mix === undefined || mix.source === null) return '';
  return `\n\n${grouped(count)} training examples of kind \`general\` come from \`${cell(mixUrl(mix.source))}\`, ${
    mix.license === null ? 'whose licence was not stated' : `under the licence ${cell(mix.license)}`
  }. They are in no other split.`;
};

const splitRule = ({ statistics, config }: DatasetCardData): string =>
  statistics.splitBy === 'page'
    ? `Whole pages are held out (\`hash(salt, URL)\`, salt \`${cell(config.salt)}\`), so no page is on both sides and none ever moves.`
    : 'There are too few pages to hold whole ones out, so **sections inside pages** are held out, near-duplicates together.';

/** The whole card; the same data gives the same bytes. */
export const datasetCard = (data: DatasetCardData): string => {
  const { statistics, reasons, config, family } = data;
  const { contamination } = statistics;
  const name = data.repository ?? 'path/to/this/folder';
  const dropped = Object.entries(reasons).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  return `${head(data)}
# ${cell(data.title)}

${grouped(statistics.examples)} instruction and response pairs made from ${grouped(statistics.pages)} web pages by retune. Every response made by rule is text of its page, and every row names the page, the anchor and the heading path that it comes from. ${
    (statistics.kinds['llm'] ?? 0) === 0
      ? `No model wrote any of ${(statistics.kinds['general'] ?? 0) === 0 ? 'it' : 'that; where the general examples come from stands below'}.`
      : `**A language model wrote those of kind \`llm\`** from the text of one section each; another call judged them, and words, numbers and code in them were looked up in the section.`
  }

## Splits

${table(
  ['split', 'examples', 'pages', 'tokens', 'supervised tokens', 'median', '95 %', 'longest'],
  SPLITS.map((split) => {
    const one = statistics.splits[split];
    return [
      split,
      ...[one.examples, one.pages, one.tokens, one.supervisedTokens, one.medianTokens, one.p95Tokens, one.maxTokens].map(grouped),
    ];
  }),
)}

${splitRule(data)} Held-out answers that shared a run of 50 tokens with a training answer were dropped (${grouped(contamination.dropped)}); ${grouped(contamination.remaining)} such overlaps remain, and ${grouped(contamination.shared13)} of ${grouped(contamination.held)} held-out answers share a run of 13 tokens.

## Load it

\`\`\`python
from datasets import load_dataset

dataset = load_dataset("${name}")
print(dataset["train"][0]["messages"])
\`\`\`

Columns: \`schema\` (the version of these columns), \`id\`, \`messages\` (a list of {role, content}), \`prompt\` and \`completion\` (the same messages before the answer, and the answer, as trainers that mask the prompt want them), \`split\`, \`kind\`, \`url\`, \`anchor\`, \`path\`, \`pageId\`, \`pairId\`, \`documentSha256\`. The JSONL files hold the same rows as the Parquet files, in the same order.

## What is in it

${table(
  ['kind', 'examples'],
  Object.entries(statistics.kinds).map(([kind, count]) => [cell(kind), grouped(count)]),
)}

${grouped(statistics.withCode)} answers contain a code block. ${
    dropped.length === 0
      ? 'No finished pair was dropped.'
      : `Finished pairs that were dropped: ${dropped.map(([reason, count]) => `${cell(reason.replaceAll('_', ' '))} ${grouped(count)}`).join(', ')}.`
  }

Tokens are those of ${family === 'gpt-oss' ? 'the harmony format of GPT-OSS (o200k)' : "the model's own chat template"}, at most ${grouped(config.maxTokens)} an example.${
    family === 'gpt-oss'
      ? ` They were rendered with ${config.date === null ? 'no date' : `the date ${config.date}`} and reasoning \`${config.reasoning}\` in the system message. The published chat template of GPT-OSS writes **today's date** there: to get the ids that were trained on, render with these values.`
      : ''
  }

## Sources and licences

The text belongs to the authors of the pages. **Each page keeps its own licence**: check it before you use or share this dataset.

${sources(data)}${general(data)}

## Made by

retune ${cell(data.version)}, dataset digest \`${data.digest}\`. The same pages and settings give the same bytes.
`;
};
