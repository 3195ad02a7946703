import { PipelineInput } from '../../contracts/input';
import { SPLITS } from '../../contracts/records';
import { atOnce } from '../../lib/contamination';
import { format, harmonyMeta, messagesOf } from '../../lib/format';
import { missingMarks } from '../../lib/harmony';
import { digest, sha256 } from '../../lib/hash';
import { toParquet } from '../../lib/parquet';
import { StatisticsCounter } from '../../lib/statistics';
import { decodeTokenFile, encodeTokenFile, supervised } from '../../lib/token-file';
import { GeneralRows } from '../../lib/mix';
import { MemorySpill } from '../../lib/spill';
import { decodeIds, encodeText } from '../../lib/tokens';
import { pair } from '../support/example-builder';

const config = PipelineInput.parse({}).format;
const sentence = (index: number): string =>
  `Answer ${index}: ${Array.from({ length: 12 }, (_, word) => `word${index}x${word}`).join(' ')}.`;
const pairs = Array.from({ length: 300 }, (_, index) =>
  pair({
    page: `https://example.org/${index % 100}.html`,
    section: `s${index}`,
    instruction: `Question ${index}?`,
    response: sentence(index),
  }),
);
const reasons = (rows: { reason: string }[]): string[] => rows.map(({ reason }) => reason);
const kept = (dataset: ReturnType<typeof format>): number => SPLITS.reduce((sum, split) => sum + dataset.parts[split].examples.length, 0);

test('every pair is in one part or dropped with a reason, whatever the order it came in', () => {
  const spoiled = [
    ...pairs,
    pair({ instruction: 'Empty?', response: ' \n' }),
    pair({ instruction: 'Broken \ud800?' }),
    pair({ page: 'https://example.org/7.html', section: 'again', instruction: 'Question 0?', response: sentence(0) }),
    pair({ instruction: 'Long?', response: 'long '.repeat(3000) }),
  ];
  const dataset = format(spoiled, config, 'gpt-oss');
  expect(kept(dataset) + dataset.dropped.length).toBe(spoiled.length);
  expect(reasons(dataset.dropped).sort()).toEqual(['malformed_text', 'nothing_supervised', 'same_turn', 'too_long']);
  const shuffled = [...spoiled].reverse();
  expect(digest(format(shuffled, config, 'gpt-oss').parts.train.examples)).toBe(digest(dataset.parts.train.examples));
});

test('rows are harmony with all four marks, in the order of their examples', () => {
  const { train } = format(pairs, { ...config, instructions: 'Be brief.' }, 'gpt-oss').parts;
  expect(train.rows).toHaveLength(train.examples.length);
  train.rows.forEach((row, index) => {
    const { id, messages } = train.examples[index]!;
    expect(row.example).toBe(id);
    expect(missingMarks(Array.from(row.ids))).toEqual([]);
    expect(decodeIds(Array.from(row.ids).filter((_, at) => row.roles[at] === 2))).toBe(messages.at(-1)!.content);
  });
  expect(train.examples.map(({ id }) => id)).toEqual(train.examples.map(({ id }) => id).sort());
  const base = { tokenizerDigest: 'a'.repeat(64), templateDigest: 'b'.repeat(64) };
  expect(decodeTokenFile(encodeTokenFile(train.rows, harmonyMeta(base, config.maxTokens))).rows).toHaveLength(train.rows.length);
});

test('instructions are a developer message in GPT-OSS and a system message elsewhere, none when empty', () => {
  expect(messagesOf('q', 'a', 'i', 'gpt-oss').map(({ role }) => role)).toEqual(['developer', 'user', 'assistant']);
  expect(messagesOf('q', null, 'i', 'chat').map(({ role }) => role)).toEqual(['system', 'user']);
  expect(messagesOf('q', 'a', '', 'chat').map(({ role }) => role)).toEqual(['user', 'assistant']);
});

test('a held-out answer that shares 50 tokens with training is dropped, and nothing shared remains', () => {
  const copied = Array.from({ length: 60 }, (_, word) => `copied${word}`).join(' ');
  const everywhere = pairs.map((row, index) =>
    index < 100 ? pair({ ...row, page: row.url, response: `${sentence(index)} ${copied}` }) : row,
  );
  const dataset = format(everywhere, config, 'gpt-oss');
  expect(dataset.splitBy).toBe('page');
  expect(dataset.contamination.dropped).toBeGreaterThan(5);
  expect(dataset.contamination.remaining).toBe(0);
  expect(reasons(dataset.dropped)).toEqual(new Array(dataset.contamination.dropped).fill('contaminated'));
  const held = [...dataset.parts.test.examples, ...dataset.parts.validation.examples];
  expect(held.length).toBe(dataset.contamination.held);
  expect(held.some(({ messages }) => messages.at(-1)!.content.includes('copied5'))).toBe(false);
});

/** Words of one token each, so that a run of them has as many tokens as words. */
const WORDS = `time year people way day man thing woman life child world school state family student group country problem hand part place
case week company system program question work government number night point home water room mother area money story fact month lot right
study book eye job word business issue side kind head house service friend father power hour game line end member law car city`
  .split(/\s+/)
  .filter((word) => encodeText(` ${word}`).length === 1);

test.each([
  ['test', 'train', 50, true],
  ['test', 'train', 49, false],
  ['validation', 'train', 50, true],
  ['validation', 'test', 50, true],
  ['validation', 'test', 49, false],
] as const)('an answer of %s that shares with one of %s a run of %d tokens is dropped: %s', (held, other, size, expected) => {
  const { parts } = format(pairs, config, 'gpt-oss');
  const run = WORDS.slice(0, size).join(' ');
  const [one, two] = [parts[held].examples[0]!.pairId, parts[other].examples[0]!.pairId];
  const changed = pairs.map((row) =>
    row.id === one ? { ...row, response: `Red ${run} is.` } : row.id === two ? { ...row, response: `Blue ${run} was.` } : row,
  );
  const { dropped, contamination } = format(changed, config, 'gpt-oss');
  expect(dropped.map(({ id, reason }) => [id, reason])).toEqual(expected ? [[one, 'contaminated']] : []);
  expect(contamination).toMatchObject({ dropped: expected ? 1 : 0, remaining: 0 });
});

test('general data that holds a held-out answer is not trained on', () => {
  const answer = format(pairs, config, 'gpt-oss').parts.test.examples[0]!.messages.at(-1)!.content;
  const rows = new GeneralRows(new MemorySpill());
  for (const completion of [answer, 'Hello.']) rows.add(JSON.stringify({ prompt: 'Hi?', completion }));
  const { parts, dropped } = format(pairs, config, 'gpt-oss', { rows, share: 0.2, url: 'file:///general.jsonl', sha256: sha256('g') });
  expect(dropped.map(({ of, reason }) => [of, reason])).toEqual([['example', 'contaminated']]);
  expect(parts.train.examples.filter(({ kind }) => kind === 'general')).toHaveLength(1);
});

test('a too long answer is cut between its blocks, and dropped where not even its first fits', () => {
  const block = (index: number): string => `Block ${index}: ${Array.from({ length: 40 }, (_, word) => `b${index}w${word}`).join(' ')}.`;
  const long = pair({ section: 'long', instruction: 'Long?', response: [1, 2, 3, 4].map(block).join('\n\n') });
  const huge = pair({ section: 'huge', instruction: 'Huge?', response: 'word '.repeat(2000).trim() });
  const { parts, shortened, dropped } = format([...pairs, long, huge], { ...config, maxTokens: 512 }, 'gpt-oss');
  const cut = SPLITS.flatMap((split) => parts[split].examples).find(({ pairId }) => pairId === long.id)!;
  expect(long.response.startsWith(`${cut.messages.at(-1)!.content}\n\n`)).toBe(true);
  expect(shortened).toBe(1);
  expect(dropped.map(({ id, reason, detail }) => [id, reason, detail])).toEqual([
    [huge.id, 'too_long', expect.stringMatching(/^\d+ tokens$/) as unknown],
  ]);
});

test('statistics count what is there', () => {
  const { parts, splitBy, contamination } = format(pairs, config, 'gpt-oss');
  const counter = new StatisticsCounter();
  expect(() => counter.result(splitBy, contamination)).toThrow('a split was not counted');
  const rows = SPLITS.flatMap((split) => parts[split].rows);
  for (const split of SPLITS) {
    const counted = parts[split].examples.map((example, at) => {
      const { ids, roles } = parts[split].rows[at]!;
      return { example, tokens: ids.length, supervised: supervised(roles) };
    });
    atOnce(counter.addSplit(split, counted));
  }
  const stats = counter.result(splitBy, contamination);
  expect(stats.examples).toBe(300);
  expect(stats.pages).toBe(100);
  expect(SPLITS.reduce((sum, split) => sum + stats.splits[split].tokens, 0)).toBe(rows.reduce((sum, { ids }) => sum + ids.length, 0));
  const lengths = parts.train.rows.map(({ ids }) => ids.length).sort((a, b) => a - b);
  expect(stats.splits.train).toMatchObject({ maxTokens: lengths.at(-1), medianTokens: lengths[Math.ceil(lengths.length / 2) - 1] });
  expect(stats.histograms.tokens.reduce((sum, { count }) => sum + count, 0)).toBe(300);
  expect(stats.kinds).toEqual({ heading: 300 });
  expect(stats.hosts).toEqual({ 'example.org': 300 });
});

test('the same pairs give these bytes on any machine', () => {
  const { train } = format(pairs, config, 'gpt-oss').parts;
  const tokens = encodeTokenFile(
    train.rows,
    harmonyMeta({ tokenizerDigest: 'a'.repeat(64), templateDigest: 'b'.repeat(64) }, config.maxTokens),
  );
  expect({ examples: digest(train.examples), tokens: sha256(tokens), parquet: sha256(toParquet(train.examples)) }).toEqual({
    examples: '0bcf6c1a1b3259b23ff759a6190d38a532a6229995710caf6915401ee6baeb30',
    tokens: '426bf9719592ecdfc8a2c602d93a0c5ed5fd5e1a560b24b6f82a096477085e9b',
    parquet: 'dbbb3fa117c22abb19bdeb978551b7229cd26c33f50f9ebccff48e60dbec7e58',
  });
});
