// The format stage for a chat model, through the real trainer: rows that its tokens make too long are cut between blocks.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BaseModel } from '../../contracts/artifacts';
import type { Dropped, Example, Pair } from '../../contracts/records';
import { createRunTrainer } from '../../io/trainer';
import { partsOf } from '../../lib/shorten';
import { decodeTokenFile } from '../../lib/token-file';
import { readVocabulary } from '../../lib/vocabulary';
import { openPreparing, type Preparing } from '../support/preparing';

const native = join(__dirname, '../../native');
const python = join(native, '.venv/bin/python');
const MAX_TOKENS = 256;
const SPLIT_FILES = ['train', 'validation', 'test'];

/** Pages whose sections have one to nine paragraphs, and one whose only paragraph is too long for any cut. */
const pages = Object.fromEntries(
  Array.from({ length: 30 }, (_, page) => {
    const section = (number: number): string => {
      const paragraph = (at: number): string =>
        `<p>Paragraph ${at} of topic ${number} on page ${page} says that widget${page}x${number}x${at} turns the handle${at} around.</p>`;
      const body =
        number === 3 && page % 5 === 0
          ? `<p>The widget turns ${Array.from({ length: 120 }, (_w, at) => `part${page}n${at * 7}`).join(' ')} around.</p>`
          : '';
      return `<h2 id="t${number}">Topic ${number} of page ${page}</h2>${body === '' ? Array.from({ length: 1 + 4 * number }, (_p, at) => paragraph(at)).join('') : body}`;
    };
    return [
      `https://docs.test/p${page}.html`,
      `<html lang="en"><title>Page ${page}</title><main><h1>Widget manual ${page}</h1>${[0, 1, 2, 3].map(section).join('')}</main></html>`,
    ];
  }),
);

let folder: string;
let base: BaseModel;
let on: Preparing;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retune-chat-'));
  const model = join(folder, 'model');
  mkdirSync(model);
  const make = 'import sys; from pathlib import Path; from chat_base import save_tokenizer; print(save_tokenizer(Path(sys.argv[1])))';
  const vocabulary = Number(execFileSync(python, ['-c', make, model], { cwd: join(native, 'tests') }).toString());
  writeFileSync(join(model, 'config.json'), JSON.stringify({ vocab_size: vocabulary }));
  const log = { debug: () => undefined } as never;
  const trainer = createRunTrainer({ python, native, log, hub: { endpoint: 'http://127.0.0.1:9', token: null }, environment: {} });
  const digest = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(join(model, name)))
      .digest('hex');
  base = {
    id: 'org/chat-model',
    publicId: 'org/chat-model',
    family: 'chat',
    revision: 'd'.repeat(40),
    weightsDigest: 'c'.repeat(64),
    tokenizerDigest: digest('tokenizer.json'),
    templateDigest: digest('chat_template.jinja'),
    origin: 'made by the test',
  };
  on = await openPreparing(pages, { format: { maxTokens: MAX_TOKENS }, pair: { minScore: 0 } }, {}, { base, runTrainer: trainer, model });
}, 60_000);

afterAll(async () => {
  await on.close();
  rmSync(folder, { recursive: true });
});

test('a row that the model has no room for is cut between blocks, dropped where that cannot be, and nothing is lost', async () => {
  const ref = await on.format();
  const paired = await on.rows<Pair>(await on.pair(), 'pairs.jsonl');
  const dropped = await on.rows<Dropped>(ref, 'dropped.jsonl');
  const pairs = new Map(paired.map((pair) => [pair.id, pair]));
  const bytesOf = readVocabulary(JSON.parse(readFileSync(join(folder, 'model', 'tokenizer.json'), 'utf8')));
  let [cut, seen] = [0, 0];
  for (const split of SPLIT_FILES) {
    const examples = await on.rows<Example>(ref, `data/${split}.jsonl`);
    const tokens = decodeTokenFile(await on.bytes(ref, `tokens/${split}.safetensors`)).rows;
    expect(tokens.map(({ example }) => example)).toEqual(examples.map(({ id }) => id));
    examples.forEach(({ pairId, messages }, at) => {
      const { ids, roles } = tokens[at]!;
      const answer = messages.at(-1)!.content;
      const learnt = Buffer.concat(Array.from(ids, (id, place) => (roles[place] === 2 ? Buffer.from(bytesOf(id)) : Buffer.alloc(0))));
      expect(learnt.toString()).toBe(answer);
      expect(ids.length).toBeLessThanOrEqual(MAX_TOKENS);
      const whole = pairs.get(pairId)!.response;
      if (answer !== whole) {
        cut += 1;
        const blocks = partsOf(answer);
        expect(partsOf(whole).slice(0, blocks.length)).toEqual(blocks);
      }
      seen += 1;
    });
  }
  expect(cut).toBeGreaterThan(10);
  expect(ref.counts).toMatchObject({ shortened: cut, dropped: dropped.length, pairs: paired.length });
  expect(seen + dropped.length).toBe(paired.length);
  const tooLong = dropped.filter(({ reason }) => reason === 'too_long');
  expect(tooLong.length).toBeGreaterThan(0);
  for (const { id, detail } of tooLong) {
    expect(detail).toMatch(/^\d+ tokens$/);
    expect(partsOf(pairs.get(id)!.response)[0]!.length).toBeGreaterThan(MAX_TOKENS);
  }
}, 120_000);
