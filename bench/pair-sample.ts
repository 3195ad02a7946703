// Pairs to be read by a person: npx tsc -p . && node dist/bench/pair-sample.js COUNT SITE=FOLDER
// COUNT pairs of the product's defaults in the order of their ids, which are hashes, then a tenth as many of the lowest score.
import { PipelineInput } from '../contracts/input';
import type { Pair } from '../contracts/records';
import { dedup } from '../lib/dedup';
import { pair } from '../lib/pair';
import { cleanPages, loadPages } from './pages';

const shown = ({ kind, score, url, anchor, instruction, response }: Pair, index: number): string =>
  `## ${index + 1} · ${kind} · ${score} · ${url}${anchor === null ? '' : `#${anchor}`}\n${instruction}\n---\n${response}\n`;

const main = async (): Promise<void> => {
  const [count = '', source = ''] = process.argv.slice(2);
  const [site = '', folder = ''] = source.split('=', 2);
  if (folder === '') throw new Error('usage: pair-sample.js COUNT SITE=FOLDER');
  const input = PipelineInput.parse({ source: { urls: [`http://${site}.test/`] } });
  const { sections } = await dedup(cleanPages(loadPages(site, folder)), input.dedup);
  const { pairs, counts } = pair(sections, input.pair);
  const worst = [...pairs].sort((a, b) => a.score - b.score || (a.id < b.id ? -1 : 1)).slice(0, Math.ceil(Number(count) / 10));
  process.stdout.write([...pairs.slice(0, Number(count)), ...worst].map(shown).join('\n'));
  process.stderr.write(`${JSON.stringify(counts)}\n`);
};

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
