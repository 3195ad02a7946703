// node dist/scripts/harmony-fixture.js <folder>
// Writes what Node makes of 1,000 seeded conversations, for native/tests/test_harmony_parity.py to compare:
// conversations.jsonl {messages, date, reasoning, ids, roles, prompt}, tokens.safetensors, and the same conversations as
// dataset rows in examples.jsonl and examples.parquet. manual.jsonl has the same fields for every example that the
// stages make of npm's manual for GPT-OSS, with the default settings.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PipelineInput } from '../contracts/input';
import type { Document, Example, Message } from '../contracts/records';
import { clean } from '../lib/clean';
import { dedup } from '../lib/dedup';
import { format } from '../lib/format';
import { sha256 } from '../lib/hash';
import { type HarmonyOptions, renderExample, renderPrompt } from '../lib/harmony';
import { pair } from '../lib/pair';
import { toParquet } from '../lib/parquet';
import { createRandom } from '../lib/random';
import { encodeTokenFile, type TokenRow } from '../lib/token-file';
import { CONTROL, VOCABULARY_SIZE } from '../lib/tokens';

const PIECES = [
  '<|start|>',
  '<|end|>',
  '<|message|>',
  '<|channel|>',
  '<|return|>',
  '<|call|>',
  '<|constrain|>',
  '<|endoftext|>',
  '<|reserved_200013|>',
  '<|im_end|>',
  '<',
  '|>',
  '# Instructions\n\n',
  'assistant',
  'final',
  'the ',
  'npm install --save-dev ',
  'def f(x):\n    return x\n',
  '```python\nprint("hi")\n```',
  '\n',
  '\n\n',
  '\r\n',
  '\t',
  '  ',
  '\u00a0',
  '\u200d',
  '\ufeff',
  '\u0000',
  'é',
  'ß',
  'İ',
  'ﬁ',
  '語',
  '日本語のテキスト',
  'Привет ',
  'שלום ',
  'नमस्ते ',
  '🚀',
  '👩‍🚀',
  '🏳️‍🌈',
  '\u0301',
  '\u0085',
  '\u2028',
  "'ſ",
  "it's",
  "K'LL",
  'ǅ',
  'ʰ',
  'ª',
  '²',
  '½',
  '٣',
  '\u{1F3FF}',
  '-'.repeat(200),
  '='.repeat(7),
  'a'.repeat(300),
  '0',
  '12345',
  '3.14159',
  "don't ",
  "I'LL ",
  'CamelCaseName',
  'snake_case_name',
  'https://example.com/a?b=c#d',
  '------',
  '....',
  '=>',
  '&amp;',
  '"',
  "'",
  '\\',
  '/',
];

const random = createRandom(20240601);
const text = (least: number): string => {
  const length = least + random.below(24);
  return Array.from({ length }, () => PIECES[random.below(PIECES.length)]).join('');
};

const conversation = (index: number): { messages: Message[]; options: HarmonyOptions } => {
  const messages: Message[] = index % 3 === 0 ? [{ role: 'developer', content: text(1) }] : [];
  for (let turn = random.below(3); turn >= 0; turn--)
    messages.push({ role: 'user', content: text(0) }, { role: 'assistant', content: text(1) });
  const reasoning = (['low', 'medium', 'high'] as const)[random.below(3)] ?? 'low';
  return { messages, options: { date: index % 2 === 0 ? null : `2025-0${1 + random.below(9)}-1${random.below(9)}`, reasoning } };
};

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: node dist/scripts/harmony-fixture.js <folder>');
mkdirSync(folder, { recursive: true });
const lines: string[] = [];
const rows: TokenRow[] = [];
const examples: Example[] = [];
for (let index = 0; index < 1000; index++) {
  const { messages, options } = conversation(index);
  const { ids, roles } = renderExample(messages, options);
  const line = JSON.stringify({ messages, ...options, ids, roles, prompt: renderPrompt(messages.slice(0, -1), options) });
  lines.push(line);
  const id = sha256(line);
  rows.push({ example: id, ids, roles });
  const page = {
    url: `https://example.org/${index}`,
    anchor: index % 2 === 0 ? null : 'part',
    path: index % 5 === 0 ? [] : ['Page', 'Part'],
  };
  examples.push({
    schema: 1,
    id,
    split: 'train',
    messages,
    prompt: messages.slice(0, -1),
    completion: messages.slice(-1),
    kind: 'heading',
    ...page,
    pageId: id,
    pairId: id,
    documentSha256: id,
  });
}
writeFileSync(join(folder, 'conversations.jsonl'), `${lines.join('\n')}\n`);
writeFileSync(
  join(folder, 'tokens.safetensors'),
  encodeTokenFile(rows, {
    tokenizerSha256: sha256('tokenizer'),
    templateSha256: sha256('template'),
    vocabSize: VOCABULARY_SIZE,
    maxTokens: 4096,
    endTokenId: CONTROL.return,
  }),
);
writeFileSync(join(folder, 'examples.jsonl'), examples.map((example) => `${JSON.stringify(example)}\n`).join(''));
writeFileSync(join(folder, 'examples.parquet'), toParquet(examples));

/** Every example that clean, dedup, pair and format make of npm's manual. */
const manualLines = async (): Promise<string[]> => {
  const input = PipelineInput.parse({});
  const root = join(__dirname, '..', '..', 'node_modules', 'npm', 'docs', 'output');
  const documents: Document[] = [];
  for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'))) {
    const body = readFileSync(join(root, file));
    const url = `http://npm-manual.localhost/${file.split('\\').join('/')}`;
    const page = {
      schema: 1 as const,
      id: sha256(url),
      url,
      bodySha256: sha256(body),
      bodyBytes: body.length,
      format: 'html' as const,
      charset: null,
    };
    const cleaned = clean(page, body, input.clean);
    if (cleaned.keep) documents.push(cleaned.document);
  }
  const { sections } = await dedup(documents, input.dedup);
  const { parts } = format(pair(sections, input.pair).pairs, input.format, 'gpt-oss');
  const { date, reasoning } = input.format;
  return Object.values(parts).flatMap((part) =>
    part.examples.map(({ messages }, at) => {
      const row = part.rows?.[at];
      if (row === undefined) throw new Error('an example without tokens');
      return JSON.stringify({
        messages,
        date,
        reasoning,
        ids: Array.from(row.ids),
        roles: Array.from(row.roles),
        prompt: renderPrompt(messages.slice(0, -1), input.format),
      });
    }),
  );
};

void manualLines().then((manual) => writeFileSync(join(folder, 'manual.jsonl'), `${manual.join('\n')}\n`));
