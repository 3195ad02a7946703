// From file and --set to the raw input that is sent.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRawInput } from '../../cli/raw-input';
import { runIdOf } from '../../cli/run';

const folder = mkdtempSync(join(tmpdir(), 'retune-raw-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('--set wins over --preset and the file, and takes JSON or text', async () => {
  const file = join(folder, 'input.json');
  writeFileSync(file, JSON.stringify({ preset: 'default', train: { steps: 3, lr: 0.1 } }));
  const raw = await readRawInput({
    file,
    preset: 'npm-manual',
    set: ['train.steps=20', 'name=docs', 'source.urls=["https://example.org/"]', 'train.lora.r=4'],
  });
  expect(raw).toEqual({
    preset: 'npm-manual',
    name: 'docs',
    train: { steps: 20, lr: 0.1, lora: { r: 4 } },
    source: { urls: ['https://example.org/'] },
  });
});

test('the source can be said in words; --set still wins, and a file keeps what no option names', async () => {
  const file = join(folder, 'source.json');
  writeFileSync(file, JSON.stringify({ source: { urls: ['https://example.org/old'], exclude: ['/x/**'] } }));
  const source = { url: ['https://example.org/'], sitemap: ['https://example.org/a.xml', 'https://example.org/b.xml'], depth: '2' };
  expect(await readRawInput({ file, preset: undefined, set: ['source.links.depth=1'], source })).toEqual({
    source: {
      urls: ['https://example.org/'],
      exclude: ['/x/**'],
      sitemaps: ['https://example.org/a.xml', 'https://example.org/b.xml'],
      links: { depth: 1 },
    },
  });
  expect(await readRawInput({ file: undefined, preset: undefined, set: [], source: { list: 'urls.txt', files: ['docs'] } })).toEqual({
    source: { list: 'urls.txt', files: ['docs'] },
  });
  await expect(readRawInput({ file: undefined, preset: undefined, set: [], source: { depth: 'deep' } })).rejects.toThrow('--depth deep');
  await expect(readRawInput({ file: undefined, preset: undefined, set: [], source: { sitemap: ['nonsense'] } })).rejects.toThrow(
    'source.sitemaps.0',
  );
});

test.each(['steps', '=3', 'a..b=1', '__proto__.x=1'])('--set %s is refused', async (setting) => {
  await expect(readRawInput({ file: undefined, preset: undefined, set: [setting] })).rejects.toThrow(`--set ${setting}`);
});

test('a value is not looked into as if it were an object', async () => {
  await expect(readRawInput({ file: undefined, preset: undefined, set: ['train.steps=3', 'train.steps.x=1'] })).rejects.toThrow(
    'steps is no object',
  );
});

test('the id of a run depends on what the input says, not on the order of its fields', () => {
  expect(runIdOf({ preset: 'npm-manual', train: { lr: 0.1, steps: 2 } })).toBe(
    runIdOf({ train: { steps: 2, lr: 0.1 }, preset: 'npm-manual' }),
  );
  expect(runIdOf({ preset: 'npm-manual' })).toMatch(/^npm-manual-[0-9a-f]{8}$/);
  expect(runIdOf({ name: 'docs' })).not.toBe(runIdOf({ name: 'docs', train: { steps: 2 } }));
});
