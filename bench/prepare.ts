// Speed and quality of clean, dedup, pair and format, each and as a chain: npx tsc -p . && node dist/bench/prepare.js [kind=folder ...]
// Always npm's own manual; other folders of HTML by kind, e.g. sphinx=/usr/share/doc/python3.11/html.
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import type { z } from 'zod';
import { PipelineInput } from '../contracts/input';
import { type Document, Document as DocumentRow, Pair, Section, SPLITS } from '../contracts/records';
import { blockText, renderBlocks } from '../lib/blocks';
import { cleanText } from '../lib/clean';
import { dedup } from '../lib/dedup';
import { parseMarkdown } from '../lib/markdown';
import { type Dataset, format, harmonyMeta } from '../lib/format';
import { parseLines, toLine } from '../lib/jsonl';
import { pair } from '../lib/pair';
import { toParquet } from '../lib/parquet';
import { encodeTokenFile } from '../lib/token-file';
import { loadPages, type SourcePage } from './pages';
import { comparable, KINDS, truthOf, type Kind } from './page-truth';
import { held, percent } from './shares';

/** CPU seconds of this process that a piece of work took. */
const cpu = async <T>(work: () => T | Promise<T>): Promise<{ value: T; seconds: number }> => {
  const before = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(before);
  return { value, seconds: (user + system) / 1e6 };
};

const codeOf = (document: Pick<Document, 'blocks'>): string[] =>
  document.blocks.flatMap((block) =>
    block.type === 'code' ? [block.text] : block.type === 'definition' ? block.code.map((code) => code.text) : [],
  );

const quality = (
  sources: readonly SourcePage[],
  documents: ReadonlyMap<string, Document>,
  sections: ReadonlyMap<string, string>,
  kind: Kind,
): Record<string, string | number> => {
  const sums = {
    pages: 0,
    code: 0,
    exact: 0,
    parsed: 0,
    prose: 0,
    kept: 0,
    chrome: 0,
    left: 0,
    remaining: 0,
    poor: 0,
    signs: 0,
    dropped: 0,
  };
  const worst: { url: string; share: number }[] = [];
  const chromeLeft = new Map<string, number>();
  for (const { page, text } of sources) {
    const truth = truthOf(text, kind);
    if (truth === null) continue;
    sums.pages += 1;
    const document = documents.get(page.id);
    if (document === undefined) sums.dropped += 1;
    const blocks = document?.blocks ?? [];
    const output = comparable(blocks.map(blockText).join(' '));
    sums.code += truth.code.length;
    sums.exact += held(truth.code, codeOf({ blocks }));
    sums.parsed += held(truth.code, codeOf({ blocks: parseMarkdown(renderBlocks(blocks)) }));
    const kept = truth.prose.filter((run) => output.includes(run)).length;
    sums.prose += truth.prose.length;
    sums.kept += kept;
    if (truth.prose.length > 0 && kept < 0.8 * truth.prose.length) {
      sums.poor += 1;
      worst.push({ url: page.url, share: kept / truth.prose.length });
    }
    sums.chrome += truth.chrome.length;
    const keptText = sections.get(page.id) ?? '';
    sums.remaining += truth.chrome.filter((each) => keptText.includes(each)).length;
    for (const string of truth.chrome.filter((each) => output.includes(each))) {
      sums.left += 1;
      chromeLeft.set(string, (chromeLeft.get(string) ?? 0) + 1);
    }
    sums.signs += (output.match(/¶/g) ?? []).length;
  }
  if (process.env['BENCH_DETAIL'] !== undefined) {
    process.stderr.write(`${JSON.stringify(worst.sort((a, b) => a.share - b.share).slice(0, 15))}\n`);
    process.stderr.write(`${JSON.stringify([...chromeLeft].sort((a, b) => b[1] - a[1]).slice(0, 25))}\n`);
  }
  return {
    'pages with truth': sums.pages,
    'of them dropped': sums.dropped,
    'code blocks': sums.code,
    'code exact in blocks': percent(sums.exact, sums.code),
    'code exact after Markdown': percent(sums.parsed, sums.code),
    'prose kept': percent(sums.kept, sums.prose),
    'pages under 80 % of prose': sums.poor,
    'chrome strings': sums.chrome,
    'chrome left by clean': percent(sums.left, sums.chrome),
    'chrome left by dedup': percent(sums.remaining, sums.chrome),
    'permalink signs': sums.signs,
  };
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

const run = async (kind: Kind, folder: string): Promise<Record<string, string | number>> => {
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
  const paired = await cpu(() =>
    pair(deduped.value.sections, {
      kinds: ['heading', 'code', 'definition', 'signature', 'option', 'faq'],
      minChars: 50,
      maxChars: 2400,
      minScore: 0.5,
      maxPerPage: 60,
      maxKindShare: 1,
      otherLanguages: 'drop',
      questions: 'page',
    }),
  );
  const { pairs, counts } = paired.value;
  const config = { ...PipelineInput.parse({}).format, maxTokens: 4096 };
  writeDataset(format(pairs.slice(0, 500), config, 'gpt-oss'), config.maxTokens);
  const formatted = await cpu(() => writeDataset(format(pairs, config, 'gpt-oss'), config.maxTokens));
  const files = await cpu(async () => {
    await throughFile(cleaned.value, DocumentRow);
    await throughFile(deduped.value.sections, Section);
    await throughFile(pairs, Pair);
  });
  const deeds = cleaned.seconds + deduped.seconds + paired.seconds + formatted.seconds;
  const keptSections = new Map<string, string>();
  for (const section of deduped.value.sections)
    keptSections.set(
      section.pageId,
      `${keptSections.get(section.pageId) ?? ''} ${comparable([...section.path, ...section.blocks.map(blockText)].join(' '))}`,
    );
  return {
    kind: kind.name,
    pages: sources.length,
    MB: megabytes.toFixed(1),
    'clean MB per CPU s': (megabytes / cleaned.seconds).toFixed(1),
    'dedup MB per CPU s': (megabytes / deduped.seconds).toFixed(1),
    'pair MB per CPU s': (megabytes / paired.seconds).toFixed(1),
    'format MB per CPU s': (megabytes / formatted.seconds).toFixed(1),
    'files between, MB per CPU s': (megabytes / files.seconds).toFixed(1),
    'chain MB per CPU s': (megabytes / deeds).toFixed(1),
    'chain with files between': (megabytes / (deeds + files.seconds)).toFixed(1),
    ...quality(sources, new Map(cleaned.value.map((document) => [document.id, document])), keptSections, kind),
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
    const kind = KINDS.find((each) => each.name === name);
    if (kind === undefined) throw new Error(`no selectors for ${name}; known: ${KINDS.map((each) => each.name).join(', ')}`);
    for (const [measure, value] of Object.entries(await run(kind, folder))) process.stdout.write(`| ${measure} | ${value} |\n`);
    process.stdout.write('\n');
  }
};

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
