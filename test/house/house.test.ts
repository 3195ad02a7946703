// Rules of the house that no linter knows.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VERBS } from '../../contracts/artifacts';
import { FAILURES } from '../../contracts/errors';
import { inputPaths } from '../../contracts/input-paths';
import { STAGES } from '../../contracts/stages';
import { ENVIRONMENT } from '../../io/config';
import { completeInput } from '../../lib/presets';

const root = join(__dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const tracked = (folder: string, ending: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file));

it.each(VERBS)('%s has its row, its activity and its heading in the documents', (verb) => {
  expect(STAGES[verb].summary).not.toBe('');
  expect(existsSync(join(root, 'activities', `${verb}.ts`))).toBe(true);
  expect(read('docs/architecture.md')).toMatch(new RegExp(`\\b${verb}\\b`));
});

it('explains every failure under an anchor of its own', () => {
  const text = read('docs/failures.md');
  for (const type of Object.keys(FAILURES)) expect(text).toMatch(new RegExp(`^#+ ${type}$`, 'm'));
});

it('ships presets that complete to a valid input', () => {
  for (const file of readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.json')))
    expect(completeInput({}, { name: file, content: JSON.parse(read(join('examples', file))) as unknown })).toHaveProperty('input');
});

it('shows JSON in the README that is a valid input', () => {
  for (const [, block] of read('README.md').matchAll(/```json\n([\s\S]*?)```/g)) {
    const raw = JSON.parse(block ?? '') as { preset?: string };
    const content: unknown = raw.preset === undefined ? {} : JSON.parse(read(`examples/${raw.preset}.json`));
    expect(completeInput(raw, { name: raw.preset ?? '', content })).toHaveProperty('input');
  }
});

it('describes every input field in docs/input.md', () => {
  const text = read('docs/input.md');
  for (const { path } of inputPaths()) expect(text).toContain(`\`${path}\``);
});

it('lists every environment variable that the product reads', () => {
  const text = read('.env.example');
  for (const { name } of ENVIRONMENT) expect(text).toContain(name);
});

it('reads process.env in io/config.ts and the test of it only', () => {
  const rooms = ['contracts', 'lib', 'workflows', 'activities', 'workers', 'cli', 'io'];
  const readers = rooms.flatMap((room) => tracked(room, '.ts')).filter((file) => /process\.env/.test(read(file)));
  expect(readers).toEqual(['io/config.ts']);
});

it('keeps registry hosts out of the locks', () => {
  for (const lock of ['package-lock.json', 'native/requirements.lock', 'native/requirements-models.lock'])
    expect(read(lock)).not.toMatch(/https?:\/\/(registry|pypi|files)/);
});
