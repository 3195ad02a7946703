// What a run is asked to do, from a file, standard input, --preset and --set; checked before anything is sent.
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { checkRaw, problemText } from '../lib/presets';
import { UsageError } from './exit';

type Fields = Record<string, unknown>;

export interface RawInputOptions {
  /** A JSON file, '-' for standard input. */
  file: string | undefined;
  preset: string | undefined;
  /** path=value; the value is JSON, or else text. */
  set: readonly string[];
}

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

/**
 * The raw input as it is sent: --set over --preset over the file.
 * @throws UsageError that names every bad field at once
 */
export const readRawInput = async ({ file, preset, set }: RawInputOptions): Promise<Fields> => {
  const raw = file === undefined ? {} : await readJson(file);
  if (preset !== undefined) raw['preset'] = preset;
  for (const setting of set) assign(raw, setting);
  const problems = checkRaw(raw, file === undefined ? 'the command' : file === '-' ? 'standard input' : file);
  if (problems.length > 0) throw new UsageError(problemText(problems), 'docs/input.md lists every field with its default');
  return raw;
};
