// Pairs to be read by a person: npx tsc -p . && node dist/bench/pair-sample.js COUNT SITE=FOLDER [SEED]
// COUNT pairs of the product's defaults in the order of the hash of SEED and their id, then a tenth as many of the lowest score.
import { PipelineInput } from '../contracts/input';
import type { Pair } from '../contracts/records';
import { dedup } from '../lib/dedup';
import { sha256 } from '../lib/hash';
import { pair } from '../lib/pair';
import { cleanPages, loadPages } from './pages';

const shown = ({ kind, score, url, anchor, instruction, response }: Pair, index: number): string =>
  `## ${index + 1} · ${kind} · ${score} · ${url}${anchor === null ? '' : `#${anchor}`}\n${instruction}\n---\n${response}\n`;

const main = async (): Promise<void> => {
  const [count = '', source = '', seed = ''] = process.argv.slice(2);
  const [site = '', folder = ''] = source.split('=', 2);
  if (folder === '') throw new Error('usage: pair-sample.js COUNT SITE=FOLDER [SEED]');
  const input = PipelineInput.parse({ source: { urls: [`http://${site}.test/`] } });
  const { sections } = await dedup(cleanPages(loadPages(site, folder)), input.dedup);
  const { pairs, counts } = pair(sections, input.pair);
  const place = new Map(pairs.map(({ id }) => [id, sha256(`${seed} ${id}`)]));
  const drawn = [...pairs].sort((a, b) => (place.get(a.id)! < place.get(b.id)! ? -1 : 1)).slice(0, Number(count));
  const worst = [...pairs].sort((a, b) => a.score - b.score || (a.id < b.id ? -1 : 1)).slice(0, Math.ceil(Number(count) / 10));
  process.stdout.write([...drawn, ...worst].map(shown).join('\n'));
  process.stderr.write(`${JSON.stringify(counts)}\n`);
};

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
