// The input's fields one by one, for what must look at every one of them: keys, docs and tests.
import { z } from 'zod';
import { PipelineInput } from './input';

/** Dotted paths of all fields with whether they may enter a key; what the house test and docs/input.md walk. */
export const inputPaths = (
  schema: z.ZodType = PipelineInput,
  prefix = '',
  keyed = true,
): { path: string; keyed: boolean; schema: z.ZodType }[] => {
  const inner = schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault ? (schema.def.innerType as z.ZodType) : schema;
  const here = keyed && schema.meta()?.['key'] !== false && inner.meta()?.['key'] !== false;
  if (!(inner instanceof z.ZodObject)) return [{ path: prefix, keyed: here, schema }];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([name, field]) =>
    inputPaths(field, prefix === '' ? name : `${prefix}.${name}`, here),
  );
};
