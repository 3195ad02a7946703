// Speed and quality of clean beside other cleaners, on the same pages and truth in one run:
//   npx tsc -p . && node dist/bench/clean.js [--pages=N] [--commonmark=FOLDER] [--python=INTERPRETER] kind=folder ...
// Kinds are those of page-truth.ts. FOLDER: where `npm i commonmark` ran; INTERPRETER: of a venv where `pip install resiliparse
// trafilatura` ran. Rows of what is not there are skipped, and say so.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Document } from '../contracts/records';
import { blockText, renderBlocks } from '../lib/blocks';
import { cleanText } from '../lib/clean';
import { loadPages, type SourcePage } from './pages';
import { comparable, KINDS, nameText, truthOf, type Kind, type Truth } from './page-truth';
import { held, percent } from './shares';

interface CommonMarkNode {
  type: string;
  literal: string | null;
}
interface CommonMark {
  Parser: new () => {
    parse: (text: string) => { walker: () => { next: () => { entering: boolean; node: CommonMarkNode } | null } };
  };
}

/** The code blocks of Markdown as the reference implementation of CommonMark reads them. */
const codeOfMarkdown = (commonmark: CommonMark, markdown: string): string[] => {
  const walker = new commonmark.Parser().parse(markdown).walker();
  const found: string[] = [];
  for (let event = walker.next(); event !== null; event = walker.next())
    if (event.entering && event.node.type === 'code_block') found.push((event.node.literal ?? '').replace(/\n$/, ''));
  return found;
};

const codeOf = (blocks: Document['blocks']): string[] =>
  blocks.flatMap((block) =>
    block.type === 'code' ? [block.text] : block.type === 'definition' ? block.code.map((code) => code.text) : [],
  );

interface Cleaner {
  name: string;
  seconds: number;
  /** Of each page: its text, and its code blocks where the tool says which they are. */
  pages: { text: string; code: readonly string[] | null }[];
}

const ours = (sources: readonly SourcePage[], commonmark: CommonMark | null): Cleaner => {
  const all = (): Document['blocks'][] =>
    sources.map(({ page, text }) => {
      const result = cleanText(page, text, { minWords: 1 });
      return result.keep ? result.document.blocks : [];
    });
  all(); // once for the compiler of Node
  const before = process.cpuUsage();
  const documents = all();
  const { user, system } = process.cpuUsage(before);
  return {
    name: 'retune',
    seconds: (user + system) / 1e6,
    pages: documents.map((blocks) => ({
      text: blocks.map(blockText).join(' '),
      code: commonmark === null ? codeOf(blocks) : codeOfMarkdown(commonmark, renderBlocks(blocks)),
    })),
  };
};

/** @returns null where the interpreter or the tool is not there */
const python = (interpreter: string, tool: string, sources: readonly SourcePage[]): Cleaner | null => {
  const { status, stdout } = spawnSync(interpreter, [join(__dirname, '../../bench/clean-peers.py'), tool], {
    input: sources.map(({ text }) => JSON.stringify({ html: text })).join('\n'),
    maxBuffer: 2 ** 31,
    encoding: 'utf8',
  });
  if (status !== 0) return null;
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { text: string; seconds: number });
  const { seconds } = lines.pop()!;
  return { name: tool, seconds, pages: lines.map(({ text }) => ({ text, code: null })) };
};

const row = (kind: Kind, megabytes: number, truths: readonly (Truth | null)[], cleaner: Cleaner): (string | number)[] => {
  const sums = { code: 0, exact: 0, prose: 0, kept: 0, poor: 0, names: 0, whole: 0, chrome: 0, left: 0, signs: 0 };
  truths.forEach((truth, index) => {
    if (truth === null) return;
    const { text, code } = cleaner.pages[index]!;
    const output = comparable(text);
    sums.code += truth.code.length;
    sums.exact += code === null ? truth.code.filter((each) => text.includes(each)).length : held(truth.code, code);
    const kept = truth.prose.filter((run) => output.includes(run)).length;
    sums.prose += truth.prose.length;
    sums.kept += kept;
    if (kept < 0.8 * truth.prose.length) sums.poor += 1;
    const unspaced = nameText(text);
    sums.names += truth.names.length;
    sums.whole += truth.names.filter((name) => unspaced.includes(name)).length;
    sums.chrome += truth.chrome.length;
    sums.left += truth.chrome.filter((each) => output.includes(each)).length;
    sums.signs += (output.match(/¶/g) ?? []).length;
  });
  return [
    kind.name,
    cleaner.name,
    (megabytes / cleaner.seconds).toFixed(1),
    percent(sums.exact, sums.code),
    percent(sums.kept, sums.prose),
    sums.poor,
    percent(sums.whole, sums.names),
    percent(sums.left, sums.chrome),
    sums.signs,
  ];
};

const main = (): void => {
  const flags = new Map<string, string>();
  const folders: [string, string][] = [];
  for (const argument of process.argv.slice(2)) {
    const [name = '', value = ''] = argument.split('=', 2);
    if (name.startsWith('--')) flags.set(name.slice(2), value);
    else folders.push([name, value]);
  }
  const peers = flags.get('commonmark');
  const commonmark = peers === undefined ? null : (createRequire(__filename)(join(peers, 'node_modules/commonmark')) as CommonMark);
  process.stdout.write(`Code of retune: ${commonmark === null ? 'its own blocks (no --commonmark)' : 'after a CommonMark parse'}.\n\n`);
  const heads = [
    'kind',
    'tool',
    'MB per CPU s',
    'code exact',
    'prose kept',
    'pages under 80 %',
    'headings and terms whole',
    'chrome left',
    '¶',
  ];
  process.stdout.write(`| ${heads.join(' | ')} |\n|${' --- |'.repeat(heads.length)}\n`);
  for (const [name, folder] of folders) {
    const kind = KINDS.find((each) => each.name === name);
    if (kind === undefined) throw new Error(`no selectors for ${name}; known: ${KINDS.map((each) => each.name).join(', ')}`);
    const sources = loadPages('docs', folder, Number(flags.get('pages') ?? 1e9));
    const megabytes = sources.reduce((sum, source) => sum + source.text.length, 0) / 1e6;
    const truths = sources.map(({ text }) => truthOf(text, kind));
    const print = (cleaner: Cleaner): void => {
      process.stdout.write(`| ${row(kind, megabytes, truths, cleaner).join(' | ')} |\n`);
    };
    print(ours(sources, commonmark));
    const interpreter = flags.get('python');
    for (const tool of ['resiliparse', 'trafilatura']) {
      const cleaner = interpreter === undefined ? null : python(interpreter, tool, sources);
      if (cleaner === null) process.stdout.write(`| ${name} | ${tool}: not there, skipped |\n`);
      else print(cleaner);
    }
    const count = truths.filter((truth) => truth !== null);
    process.stdout.write(
      `| ${name} | ${sources.length} pages, ${count.length} with truth, ${megabytes.toFixed(1)} MB, ` +
        `${count.reduce((sum, truth) => sum + truth.code.length, 0)} code blocks, ` +
        `${count.reduce((sum, truth) => sum + truth.chrome.length, 0)} chrome strings |\n`,
    );
  }
};

main();
