// What a person may send: any part of the input, as the Temporal UI, the CLI and a schedule give it.
import { z } from 'zod';
import { PipelineInput } from './input';

/** The same fields without defaults, each optional; null in a place that does not take null = back to the default. */
const partial = (schema: z.ZodType): z.ZodType => {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return partial(schema.def.innerType as z.ZodType);
  if (schema instanceof z.ZodObject) {
    const shape = Object.fromEntries(
      Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, field]) => [name, partial(field).nullable().optional()]),
    );
    return z.strictObject(shape);
  }
  return schema;
};

/** What a person may send: any part of the input, and the name of a preset that the worker keeps. */
export const RawInput = z.strictObject({
  preset: z
    .string()
    .regex(/^[\w-]+$/, 'the name of a file in RETUNE_PRESETS, without .json')
    .optional()
    .describe('fields given beside it override it; an empty input means the preset "default"'),
  ...(partial(PipelineInput) as z.ZodObject).shape,
});
export type RawInput = { preset?: string } & { [K in keyof PipelineInput]?: unknown };
