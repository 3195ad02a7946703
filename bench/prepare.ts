// Speed of clean, dedup, pair and format, each and as a chain: npx tsc -p . && node dist/bench/prepare.js [name=folder ...]
// Always npm's own manual; other folders of HTML, e.g. sphinx=/usr/share/doc/python3.11/html. What clean keeps: bench/clean.
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import type { z } from 'zod';
import { PipelineInput } from '../contracts/input';
import { type Document, Document as DocumentRow, Pair, Section, SPLITS } from '../contracts/records';
import { cleanText } from '../lib/clean';
import { dedup } from '../lib/dedup';
import { type Dataset, format, harmonyMeta } from '../lib/format';
import { parseLines, toLine } from '../lib/jsonl';
import { pair } from '../lib/pair';
import { toParquet } from '../lib/parquet';
import { encodeTokenFile } from '../lib/token-file';
import { loadPages } from './pages';

/** CPU seconds of this process that a piece of work took. */
const cpu = async <T>(work: () => T | Promise<T>): Promise<{ value: T; seconds: number }> => {
  const before = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(before);
  return { value, seconds: (user + system) / 1e6 };
};

/** Rows as they go from stage to stage: written as JSON Lines, read back, checked. */
const throughFile = async <T extends object>(rows: readonly T[], schema: z.ZodType<T>): Promise<T[]> => {
  const read: T[] = [];
  const bytes = Readable.from([Buffer.from(rows.map(toLine).join(''))]);
  for await (const row of parseLines(bytes as AsyncIterable<Uint8Array>, schema)) read.push(row);
  return read;
};

/** The files of a dataset, as activities/format writes them for GPT-OSS. */
const writeDataset = ({ parts }: Dataset, maxTokens: number): number => {
  const digest = '0'.repeat(64);
  return SPLITS.reduce((bytes, split) => {
    const { examples, rows } = parts[split];
    if (examples.length === 0) return bytes;
    const tokens = encodeTokenFile(rows ?? [], harmonyMeta({ tokenizerDigest: digest, templateDigest: digest }, maxTokens));
    return bytes + tokens.length + examples.map(toLine).join('').length + toParquet(examples).length;
  }, 0);
};

const run = async (kind: string, folder: string): Promise<Record<string, string | number>> => {
  const sources = loadPages('docs', folder, Number(process.env['BENCH_PAGES'] ?? 1e9));
  const megabytes = sources.reduce((sum, source) => sum + source.text.length, 0) / 1e6;
  const clean = (): Document[] =>
    sources.flatMap(({ page, text }) => {
      const result = cleanText(page, text, { minWords: 10 });
      return result.keep ? [result.document] : [];
    });
  clean(); // once for the compiler of Node
  const cleaned = await cpu(clean);
  const deduped = await cpu(() => dedup(cleaned.value, { similarity: 0.8, boilerplatePages: 5 }));
  const defaults = PipelineInput.parse({});
  const paired = await cpu(() => pair(deduped.value.sections, defaults.pair));
  const { pairs, counts } = paired.value;
  const config = { ...defaults.format, maxTokens: 4096 };
  writeDataset(format(pairs.slice(0, 500), config, 'gpt-oss'), config.maxTokens);
  const formatted = await cpu(() => writeDataset(format(pairs, config, 'gpt-oss'), config.maxTokens));
  const files = await cpu(async () => {
    await throughFile(cleaned.value, DocumentRow);
    await throughFile(deduped.value.sections, Section);
    await throughFile(pairs, Pair);
  });
  const deeds = cleaned.seconds + deduped.seconds + paired.seconds + formatted.seconds;
  return {
    kind,
    pages: sources.length,
    MB: megabytes.toFixed(1),
    'clean MB per CPU s': (megabytes / cleaned.seconds).toFixed(1),
    'dedup MB per CPU s': (megabytes / deduped.seconds).toFixed(1),
    'pair MB per CPU s': (megabytes / paired.seconds).toFixed(1),
    'format MB per CPU s': (megabytes / formatted.seconds).toFixed(1),
    'files between, MB per CPU s': (megabytes / files.seconds).toFixed(1),
    'chain MB per CPU s': (megabytes / deeds).toFixed(1),
    'chain with files between': (megabytes / (deeds + files.seconds)).toFixed(1),
    sections: deduped.value.counts.sections,
    'sections kept': deduped.value.counts.kept,
    'pair candidates': counts['candidates'] ?? 0,
    pairs: pairs.length,
  };
};

const main = async (): Promise<void> => {
  const manual = join(dirname(require.resolve('npm/package.json')), 'docs/output');
  const folders = [['npm', manual] as const, ...process.argv.slice(2).map((argument) => argument.split('=', 2) as [string, string])];
  for (const [name, folder] of folders) {
    for (const [measure, value] of Object.entries(await run(name, folder))) process.stdout.write(`| ${measure} | ${value} |\n`);
    process.stdout.write('\n');
  }
};

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
