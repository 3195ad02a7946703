// The contract between Node and the Python trainer: generated schemas, and fixtures that both sides parse.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { TRAINER_CONFIGS, TrainerEvent } from '../../contracts/trainer';
import { encodeTokenFile, type TokenRow } from '../../lib/token-file';
import { trainerSchemas } from '../../scripts/schema';

const native = join(__dirname, '..', '..', 'native');
const fixture = (name: string): string => readFileSync(join(native, 'tests', 'fixtures', name), 'utf8');

describe('the trainer contract', () => {
  it('has a schema file for every command and for events, as generated (npx tsc && node dist/scripts/schema.js)', () => {
    const written = readdirSync(join(native, 'schema')).map((name) => [name, readFileSync(join(native, 'schema', name), 'utf8')]);
    expect(Object.fromEntries(written)).toEqual(Object.fromEntries(trainerSchemas()));
  });

  it('reads the train config that the trainer reads, with the same defaults', () => {
    const config = TRAINER_CONFIGS.train.parse(JSON.parse(fixture('train.json')));
    expect(config).toMatchObject({ device: 'auto', dtype: 'auto', simulatedLimitTokens: null, epochs: 1.5 });
  });

  it('refuses a config field that it does not know', () => {
    const config = JSON.parse(fixture('train.json')) as Record<string, unknown>;
    expect(TRAINER_CONFIGS.train.safeParse({ ...config, learningRate: 1 }).success).toBe(false);
  });

  it('writes the token file that the trainer writes of the same rows', () => {
    const row = (first: number, ids: number[], roles: number[]): TokenRow => ({
      example: Buffer.from(Array.from({ length: 32 }, (_, at) => first + at)).toString('hex'),
      ids,
      roles,
    });
    const rows = [row(0, [5, 6, 7], [0, 1, 2]), row(32, [8, 9], [0, 2]), row(64, [10, 11, 12], [0, 0, 1])];
    const meta = { tokenizerSha256: 'a'.repeat(64), templateSha256: 'b'.repeat(64), vocabSize: 100, maxTokens: 16, endTokenId: 2 };
    const theirs = readFileSync(join(native, 'tests', 'fixtures', 'tokens.safetensors'));
    expect(Buffer.from(encodeTokenFile(rows, meta)).equals(theirs)).toBe(true);
  });

  it('reads every event line that the trainer calls valid', () => {
    const events = fixture('events.jsonl')
      .trim()
      .split('\n')
      .map((line) => TrainerEvent.parse(JSON.parse(line)));
    expect(events.map((event) => event.seq)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(TrainerEvent.safeParse({ ...events[0], v: 2 }).success).toBe(false);
  });
});
