// Which fields of the input decide a stage's result: what enters its key, and nothing else.
import type { Verb } from '../contracts/artifacts';
import type { PipelineInput } from '../contracts/input';
import { inputPaths } from '../contracts/input-paths';
import { STAGES } from '../contracts/stages';
import { canonical, hashable } from './hash';

const below = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}.`);

const valueAt = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((part, name) => (part as Record<string, unknown> | null | undefined)?.[name], value);

const FIELDS = inputPaths().map(({ path, keyed, schema }) => ({
  path,
  keyed,
  unset: canonical(hashable(schema.safeParse(undefined).data ?? null)),
}));

/**
 * Dotted paths and values of a stage's fields, as stageKey() takes them. Left out: what is marked key: false, and
 * every field at its default, so that a new field invalidates nothing (changing a default raises the version).
 * @param config the input or those parts of it that the stage uses
 */
export const keyedConfig = (verb: Verb, config: Partial<PipelineInput>): Record<string, unknown> =>
  Object.fromEntries(
    FIELDS.filter(({ path, keyed }) => keyed && STAGES[verb].config.some((prefix) => below(path, prefix)))
      .map(({ path, unset }) => ({ path, unset, value: valueAt(config, path) }))
      .filter(({ value, unset }) => value !== undefined && canonical(hashable(value)) !== unset)
      .map(({ path, value }) => [path, value]),
  );
