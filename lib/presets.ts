// Raw input and preset to the full input: objects merge, arrays and scalars replace, null means back to the default.
import type { z } from 'zod';
import { PipelineInput } from '../contracts/input';
import { RawInput } from '../contracts/raw-input';

/** One field that cannot be accepted: where it stands and why. */
export interface Problem {
  field: string;
  origin: string;
  text: string;
}

const problems = (issues: z.core.$ZodIssue[], origin: string): Problem[] =>
  issues.flatMap((issue) => {
    const at = issue.path.map(String).join('.');
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ field: at === '' ? key : `${at}.${key}`, origin, text: 'no such field' }));
    return [{ field: at === '' ? 'input' : at, origin, text: issue.message }];
  });

/** Checks what a person or a preset gave, without filling defaults in. */
export const checkRaw = (raw: unknown, origin: string): Problem[] => {
  const result = RawInput.safeParse(raw);
  return result.success ? [] : problems(result.error.issues, origin);
};

const isObject = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === 'object' && !Array.isArray(value);

/** Deep merge of `over` onto `under`; a null in `over` removes the field. */
export const merge = (under: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> => {
  const merged: Record<string, unknown> = { ...under };
  for (const [name, value] of Object.entries(over)) {
    if (value === null) delete merged[name];
    else if (isObject(value)) merged[name] = merge(isObject(merged[name]) ? merged[name] : {}, value);
    else if (value !== undefined) merged[name] = value;
  }
  return merged;
};

/**
 * The full input.
 * @param presets raw contents of the preset, by name; called with the name the input gives, or 'default' for an empty input
 */
export const completeInput = (
  raw: unknown,
  preset: { name: string; content: unknown } | null,
): { input: PipelineInput } | { problems: Problem[] } => {
  const found = [...checkRaw(raw, 'the input'), ...(preset === null ? [] : checkRaw(preset.content, `preset ${preset.name}`))];
  if (found.length > 0) return { problems: found };
  const { preset: _name, ...given } = raw as Record<string, unknown>;
  const { preset: _base, ...base } = (preset?.content ?? {}) as Record<string, unknown>;
  const result = PipelineInput.safeParse(merge(merge({}, base), given));
  if (!result.success) return { problems: problems(result.error.issues, 'the input with its preset') };
  return { input: result.data };
};

/** Whether the input says nothing: then the preset "default" is meant. */
export const isEmptyInput = (raw: unknown): boolean =>
  raw === null || raw === undefined || (isObject(raw) && Object.keys(raw).length === 0);

/** One message for all problems: each names its field and where it came from. */
export const problemText = (found: Problem[]): string =>
  [
    `${found.length === 1 ? 'One field' : `${found.length} fields`} of the input cannot be used:`,
    ...found.map(({ field, origin, text }) => `  ${field} (in ${origin}): ${text}`),
  ].join('\n');
