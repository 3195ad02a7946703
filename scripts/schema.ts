// Writes native/schema/<command>.json and event.json from contracts/trainer.ts, so that the trainer reads the same
// contract as Node. `node dist/scripts/schema.js` writes; with --check it only says what is out of date (exit 1).
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { TRAINER_CONFIGS, TrainerEvent } from '../contracts/trainer';

/** File name to content. Input form: what may be written; readers apply the defaults. */
export function trainerSchemas(): Map<string, string> {
  const schemas = new Map<string, string>();
  const add = (name: string, schema: z.ZodType): void => {
    const json = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' });
    schemas.set(`${name}.json`, `${JSON.stringify(json, null, 2)}\n`);
  };
  for (const [command, schema] of Object.entries(TRAINER_CONFIGS)) add(command, schema);
  add('event', TrainerEvent);
  return schemas;
}

function main(): void {
  // dist/scripts/schema.js -> the repository's root
  const folder = resolve(__dirname, '..', '..', 'native', 'schema');
  const schemas = trainerSchemas();
  const present = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
  const surplus = present.filter((name) => !schemas.has(name));
  const stale = [...schemas].filter(([name, text]) => {
    const path = join(folder, name);
    return !existsSync(path) || readFileSync(path, 'utf8') !== text;
  });
  if (process.argv.includes('--check')) {
    const wrong = [...stale.map(([name]) => name), ...surplus].sort();
    if (wrong.length === 0) return;
    process.stderr.write(`native/schema is out of date: ${wrong.join(', ')}. Run: npx tsc && node dist/scripts/schema.js\n`);
    process.exitCode = 1;
    return;
  }
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of stale) writeFileSync(join(folder, name), text);
  for (const name of surplus) rmSync(join(folder, name));
  process.stdout.write(`native/schema: ${stale.length} written, ${surplus.length} removed, ${schemas.size - stale.length} unchanged\n`);
}

if (require.main === module) main();
