// Near-duplicates of documentation beside other libraries, against exact Jaccard over all pairs:
//   npx tsc -p . && node dist/bench/near-duplicates.js <folder of HTML> [python with rensa, datasketch, datatrove]
// e.g. the html folder of Debian's python3.11-doc, and a venv with `pip install rensa datasketch "datatrove[processing]"`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { normalised, words } from '../lib/blocks';
import { cleanText } from '../lib/clean';
import { joinSimilar, UnionFind } from '../lib/cluster';
import { sha256 } from '../lib/hash';
import { asSet, BANDS, bandKeys, signature, wordGrams } from '../lib/minhash';
import { splitSections } from '../lib/sections';
import { loadPages } from './pages';
import { exactPairs, qualityOf, type Truth, withEdits } from './near-duplicate-truth';

const LEAST = 0.8;
/** Rounds before the one that counts: Node's compiler needs them, a run of the product does not notice them. */
const WARM_UP = 2;

/** Texts to clusters, with the functions that lib/sign and lib/dedup use; exact copies are found first, as there. */
const cluster = (texts: readonly string[]): Int32Array => {
  const clusters = new UnionFind(texts.length);
  const first = new Map<string, number>();
  const unique: number[] = [];
  texts.forEach((text, index) => {
    const hash = sha256(text);
    const same = first.get(hash);
    if (same !== undefined) return clusters.union(same, index);
    first.set(hash, index);
    unique.push(index);
  });
  const grams = texts.map(wordGrams);
  const bands = Array.from({ length: BANDS }, () => new Uint32Array(texts.length));
  grams.forEach((each, index) => {
    const keys = bandKeys(signature(each));
    for (let band = 0; band < BANDS; band++) bands[band]![index] = keys[band]!;
  });
  const sets = new Map<number, Uint32Array>();
  const setOf = (index: number): Uint32Array => {
    const known = sets.get(index) ?? asSet(grams[index]!);
    sets.set(index, known);
    return known;
  };
  const signed = { size: texts.length, band: (band: number) => bands[band]!, grams: setOf };
  Array.from(joinSimilar(signed, Uint32Array.from(unique), LEAST, clusters));
  return Int32Array.from(texts, (_, index) => clusters.find(index));
};

interface Row {
  tool: string;
  seconds: number;
  clusters: ArrayLike<number>;
}

const report = (texts: readonly string[], bytes: number, truth: Truth, rows: readonly Row[]): void => {
  const percent = (share: number): string => (100 * share).toFixed(2);
  for (const { tool, seconds, clusters } of rows) {
    const { recall, precision, removedRight, removed, kept } = qualityOf(clusters, truth, LEAST);
    const cells = [
      tool,
      (texts.length / seconds).toFixed(0),
      (bytes / 1e6 / seconds).toFixed(1),
      percent(recall),
      percent(precision),
      percent(removedRight),
      removed,
      kept,
    ];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  }
};

const measure = (name: string, texts: readonly string[], python: string | undefined, folder: string): void => {
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const truth = exactPairs(texts, LEAST);
  process.stdout.write(`\n${name}: ${texts.length} texts, ${(bytes / 1e6).toFixed(1)} MB, ${truth.pairs.length} pairs >= ${LEAST}\n\n`);
  process.stdout.write('| tool | sections/s | MB per CPU s | recall % | pair precision % | removed rightly % | removed | kept |\n');
  process.stdout.write('| --- | --- | --- | --- | --- | --- | --- | --- |\n');
  for (let round = 0; round < WARM_UP; round++) cluster(texts);
  const before = process.cpuUsage();
  const clusters = cluster(texts);
  const { user, system } = process.cpuUsage(before);
  const rows: Row[] = [{ tool: 'retune', seconds: (user + system) / 1e6, clusters }];
  if (python !== undefined) {
    const file = join(folder, 'texts.json');
    writeFileSync(file, JSON.stringify(texts));
    const script = join(__dirname, '..', '..', 'native', 'bench', 'near_duplicates.py');
    const peers = spawnSync(python, [script, file, String(LEAST)], { encoding: 'utf8', maxBuffer: 1 << 28 });
    for (const line of peers.stdout.split('\n').filter((each) => each !== '')) {
      const row = JSON.parse(line) as Row & { skipped?: string };
      if (row.skipped === undefined) rows.push(row);
      else process.stdout.write(`| ${row.tool} | skipped: ${row.skipped} |\n`);
    }
    if (peers.status !== 0) process.stderr.write(peers.stderr);
  }
  report(texts, bytes, truth, rows);
};

const main = (folder: string | undefined, python: string | undefined): void => {
  if (folder === undefined) throw new Error('give a folder of HTML');
  const documents = loadPages('docs', folder).flatMap(({ page, text }) => {
    const result = cleanText(page, text, { minWords: 10 });
    return result.keep ? [result.document] : [];
  });
  const texts = documents.flatMap(splitSections).map((section) => Buffer.from(section.blocks.map(normalised).join('\n')).toString());
  const scratch = mkdtempSync(join(tmpdir(), 'near-duplicates-'));
  try {
    measure(
      'As they are',
      texts.filter((text) => words(text).length >= 3),
      python,
      scratch,
    );
    measure(
      'With planted edits',
      withEdits(
        texts.filter((text) => words(text).length >= 20),
        1,
      ),
      python,
      scratch,
    );
  } finally {
    rmSync(scratch, { recursive: true });
  }
};

main(process.argv[2], process.argv[3]);
