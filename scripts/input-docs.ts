// Writes docs/input.md from contracts/input.ts. node dist/scripts/input-docs.js [--check]
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { PipelineInput } from '../contracts/input';
import { inputPaths } from '../contracts/input-paths';
import { STAGES } from '../contracts/stages';

const root = path.resolve(__dirname, '..', '..');
const file = path.join(root, 'docs', 'input.md');

interface JsonSchema {
  type?: string | string[];
  enum?: unknown[];
  anyOf?: JsonSchema[];
  items?: JsonSchema;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  pattern?: string;
  format?: string;
  minLength?: number;
  maxLength?: number;
}

const rangeOf = (schema: JsonSchema): string => {
  const from = schema.minimum ?? schema.exclusiveMinimum;
  const to = schema.maximum === Number.MAX_SAFE_INTEGER ? undefined : schema.maximum;
  const known = from !== undefined && from !== Number.MIN_SAFE_INTEGER;
  if (known && to !== undefined) return ` ${schema.minimum === undefined ? 'above ' : ''}${from} to ${to}`;
  if (known) return schema.minimum === undefined ? ` above ${from}` : ` from ${from}`;
  return to === undefined ? '' : ` up to ${to}`;
};

/** A type as a person would say it. */
const typeOf = (schema: JsonSchema): string => {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.type === 'array') return `list of ${schema.items === undefined ? 'anything' : typeOf(schema.items)}`;
  if (schema.type === 'integer') return `whole number${rangeOf(schema)}`;
  if (schema.type === 'number') return `number${rangeOf(schema)}`;
  if (schema.type === 'string') return schema.format === 'uri' ? 'URL' : schema.format === 'date' ? 'date, YYYY-MM-DD' : 'text';
  return String(schema.type);
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const defaultOf = (at: string): string => {
  let value: unknown = PipelineInput.parse({});
  for (const name of at.split('.')) value = (value as Record<string, unknown>)[name];
  return `\`${JSON.stringify(value)}\``;
};

const stageOf = (at: string): string =>
  Object.entries(STAGES)
    .filter(([, { config }]) => config.some((prefix) => at === prefix || at.startsWith(`${prefix}.`)))
    .map(([verb]) => verb)
    .join(', ');

const render = (): string => {
  const lines = [
    '# Input',
    '',
    'All that a run can be told, as one JSON object. Every field has a default; a field that does not exist is an error that names it.',
    'This page is written from `contracts/input.ts` by `scripts/input-docs.ts`.',
    '',
    '- `preset` names a file of `RETUNE_PRESETS` (`examples/` ships some). Given fields override it: objects merge, lists and values replace,',
    '  `null` means back to the default. An empty input means the preset `default`.',
    '- "redoes" says from which stage on a change is computed again. A field without a stage cannot change a result.',
    '',
  ];
  let part = '';
  for (const { path: at, keyed, schema } of inputPaths()) {
    const [head = '', ...rest] = at.split('.');
    const heading = rest.length === 0 ? '' : head;
    if (heading !== part || lines.at(-1) === '') {
      part = heading;
      const about = heading === '' ? undefined : (PipelineInput.shape as Record<string, z.ZodType>)[heading]?.description;
      if (lines.at(-1) !== '') lines.push('');
      lines.push(`## ${heading === '' ? 'run' : heading}`, '', ...(about === undefined ? [] : [about, '']));
      lines.push('| field | type | default | meaning | redoes |', '| --- | --- | --- | --- | --- |');
    }
    const type = typeOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema);
    lines.push(`| \`${at}\` | ${cell(type)} | ${cell(defaultOf(at))} | ${cell(schema.description ?? '')} | ${keyed ? stageOf(at) : ''} |`);
  }
  return `${lines.join('\n')}\n`;
};

const text = render();
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  process.stderr.write('docs/input.md does not match contracts/input.ts; write it anew: node dist/scripts/input-docs.js\n');
  process.exitCode = 1;
}
