// What a run is asked to do, from a file, standard input, --preset and --set; checked before anything is sent.
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { checkRaw, problemText } from '../lib/presets';
import { whole } from './command';
import { UsageError } from './exit';

type Fields = Record<string, unknown>;

export interface RawInputOptions {
  /** A JSON file, '-' for standard input. */
  file: string | undefined;
  preset: string | undefined;
  /** path=value; the value is JSON, or else text. */
  set: readonly string[];
  /** What SOURCE_OPTIONS took. */
  source?: SourceValues;
}

/** The options that say what to collect; each is a field of `source`. */
export const SOURCE_OPTIONS = {
  url: { type: 'string', multiple: true },
  list: { type: 'string' },
  sitemap: { type: 'string', multiple: true },
  files: { type: 'string', multiple: true },
  depth: { type: 'string' },
} as const;

type SourceValues = {
  [K in keyof typeof SOURCE_OPTIONS]?: (typeof SOURCE_OPTIONS)[K] extends { multiple: true } ? string[] | undefined : string | undefined;
};

export const SOURCE_HELP = [
  '--url, --sitemap, --files   a page, a sitemap or a bare origin, a path below RETUNE_FILES_ROOT; each may be given several times',
  '--list path|address         a file of addresses, one a line',
  '--depth 2                   follows links so many pages away, inside the same site or source.include',
] as const;

const isObject = (value: unknown): value is Fields => value !== null && typeof value === 'object' && !Array.isArray(value);

const readJson = async (file: string): Promise<Fields> => {
  const name = file === '-' ? 'standard input' : file;
  const content = await (file === '-' ? text(process.stdin) : readFile(file, 'utf8')).catch((error: unknown) => {
    throw new UsageError(`${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw new UsageError(`${name} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isObject(value)) throw new UsageError(`${name} must hold one JSON object`, 'for example {"preset": "npm-manual"}');
  return value;
};

/** JSON where it is JSON, text otherwise: lr=0.001, name=docs, source.urls=["https://..."]. */
const parseValue = (value: string): unknown => {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
};

const assign = (fields: Fields, setting: string): void => {
  const at = setting.indexOf('=');
  const path = setting.slice(0, at).split('.');
  if (at < 1 || path.some((name) => name === '' || name === '__proto__'))
    throw new UsageError(`--set ${setting}: write path=value, for example --set train.steps=20`);
  let here = fields;
  for (const name of path.slice(0, -1)) {
    if (!Object.hasOwn(here, name)) here[name] = {};
    const next = here[name];
    if (!isObject(next)) throw new UsageError(`--set ${setting}: ${name} is no object`);
    here = next;
  }
  here[path.at(-1) ?? ''] = parseValue(setting.slice(at + 1));
};

/** The same as --set would say: what an option names replaces what the file says of that field. */
const sourceSettings = ({ url, list, sitemap, files, depth }: SourceValues): string[] => {
  const fields = { 'source.urls': url, 'source.list': list, 'source.sitemaps': sitemap, 'source.files': files };
  const settings = Object.entries(fields).flatMap(([path, value]) => (value === undefined ? [] : [`${path}=${JSON.stringify(value)}`]));
  const follow = whole('depth', depth, 0);
  return follow === undefined ? settings : [...settings, `source.links.depth=${follow}`];
};

/**
 * The raw input as it is sent: --set over the source's options over --preset over the file.
 * @throws UsageError that names every bad field at once
 */
export const readRawInput = async ({ file, preset, set, source = {} }: RawInputOptions): Promise<Fields> => {
  const raw = file === undefined ? {} : await readJson(file);
  if (preset !== undefined) raw['preset'] = preset;
  for (const setting of [...sourceSettings(source), ...set]) assign(raw, setting);
  const problems = checkRaw(raw, file === undefined ? 'the command' : file === '-' ? 'standard input' : file);
  if (problems.length > 0) throw new UsageError(problemText(problems), 'docs/input.md lists every field with its default');
  return raw;
};
