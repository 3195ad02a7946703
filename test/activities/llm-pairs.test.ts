import { fileURLToPath } from 'node:url';
import type { Dropped, Pair } from '../../contracts/records';
import { startChild } from '../support/child';
import { type LlmStandIn, openLlm } from '../support/llm';
import { page } from '../support/little-docs';
import { openPreparing, type Preparing } from '../support/preparing';

const pages = Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`http://docs.test/p${index}.html`, page(index)]));
const KEY = 'sk-secretOfTheTests';

let llm: LlmStandIn;
let runs: Preparing[] = [];
beforeEach(async () => {
  llm = await openLlm();
});
afterEach(async () => {
  await llm.close();
  await Promise.all(runs.map((run) => run.close()));
  runs = [];
});

jest.setTimeout(60_000);

const prepare = async (options: Record<string, unknown> = {}, env: Record<string, string> = {}): Promise<Preparing> => {
  const run = await openPreparing(
    pages,
    { pair: { minChars: 30, minScore: 0, llm: { enabled: true, minWords: 15, ...options } } },
    { RETUNE_LLM_URL: llm.url, RETUNE_LLM_MODEL: 'model-a', RETUNE_LLM_KEY: KEY, ...env },
  );
  runs.push(run);
  return run;
};
const written = async (run: Preparing): Promise<Pair[]> =>
  (await run.rows<Pair>(await run.pair(), 'pairs.jsonl')).filter(({ kind }) => kind === 'llm');

test('a model is asked for pairs and to judge them, with the key in the header and nowhere else', async () => {
  const run = await prepare();
  const pairs = await written(run);
  expect(pairs.length).toBeGreaterThan(3);
  expect(llm.asked.every(({ authorization, body }) => authorization === `Bearer ${KEY}` && body.model === 'model-a')).toBe(true);
  for (const path of await run.store.list('')) expect((await run.store.read(path))!.toString('latin1')).not.toContain(KEY);
});

test('off by default: nothing is asked', async () => {
  const run = await openPreparing(pages, { pair: { minChars: 30 } }, { RETUNE_LLM_URL: llm.url, RETUNE_LLM_MODEL: 'model-a' });
  runs.push(run);
  expect(await written(run)).toEqual([]);
  expect(llm.asked).toEqual([]);
});

test('what the text does not say is dropped, by the judge or by our own look', async () => {
  llm.invented = 'It costs 49 dollars in every shop of the capital city.';
  const run = await prepare();
  const pairs = await written(run);
  expect(pairs.some(({ response }) => response.includes('dollars'))).toBe(false);
  expect((await run.pair()).counts['llm_judged_out']).toBeGreaterThan(3);
});

test('what a credulous judge lets through is looked up in the section all the same', async () => {
  [llm.invented, llm.credulous] = ['It costs 49 dollars in every shop of the capital city.', true];
  const run = await prepare();
  expect((await written(run)).some(({ response }) => response.includes('dollars'))).toBe(false);
  expect((await run.pair()).counts).toMatchObject({ llm_ungrounded: expect.any(Number) as number });
});

test('an attempt that fails in the middle pays for no answer again, and gives the same pairs as one that did not', async () => {
  const whole = await prepare({ concurrency: 1 });
  const expected = await written(whole);
  const asked = llm.asked.length;
  llm.asked = [];
  const broken = await prepare({ concurrency: 1 });
  // In the middle the key is refused: the deed fails, what came before is in the store.
  const middle = Math.floor(asked / 2);
  llm.before = (number) => {
    if (number === middle) llm.faults.push({ status: 401 });
  };
  await expect(broken.pair()).rejects.toMatchObject({ type: 'ConfigMissing' });
  expect(llm.asked).toHaveLength(middle);
  llm.before = null;
  expect(await written(broken)).toEqual(expected);
  // Every question once, and the refused one again.
  expect(llm.asked).toHaveLength(asked + 1);
});

test('429 is waited out as long as the endpoint wishes', async () => {
  llm.faults = [
    { status: 429, headers: { 'retry-after': '0' } },
    { status: 503, headers: { 'retry-after': '0' } },
  ];
  expect((await written(await prepare())).length).toBeGreaterThan(3);
});

test.each([
  ['a page of a proxy', { status: 200, body: '<html>one moment</html>' }],
  ['an empty body', { status: 200, body: '' }],
])('%s instead of an answer is asked for again', async (_, fault) => {
  llm.before = (number) => {
    if (number === 3) llm.faults.push(fault);
  };
  expect((await written(await prepare({ concurrency: 1 }))).length).toBeGreaterThan(3);
});

test('a section that the endpoint refuses costs its pairs, not the run', async () => {
  llm.before = (number) => {
    if (number === 3) llm.faults.push({ status: 400, body: '{"error":{"message":"maximum context length is 4096 tokens"}}' });
  };
  const run = await prepare({ concurrency: 1 });
  expect((await written(run)).length).toBeGreaterThan(2);
  expect((await run.pair()).counts['llm_refused']).toBe(1);
});

test('an endpoint that refuses all is told at once, in its own words and without the key', async () => {
  llm.before = () => llm.faults.push({ status: 400, body: JSON.stringify({ error: { message: `model-a is not enabled for ${KEY}` } }) });
  const error: unknown = await (await prepare({ concurrency: 2 })).pair().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ type: 'RemoteRefused', message: expect.stringContaining('model-a is not enabled') as string });
  expect(String(error)).not.toContain(KEY);
  expect(llm.asked.length).toBeLessThanOrEqual(2);
});

test('an endpoint that wants max_completion_tokens, and no temperature, gets it so', async () => {
  llm.dialect = 'newer';
  const run = await prepare({ concurrency: 1 });
  expect((await written(run)).length).toBeGreaterThan(3);
  expect(llm.asked.at(-1)!.body).toMatchObject({ max_completion_tokens: expect.any(Number) as number });
  expect((await run.pair()).counts['llm_refused']).toBeUndefined();
});

test('a model that answers nothing, or all of whose choices were filtered, costs its section its pairs', async () => {
  llm.faults = [{ choices: [{ message: { role: 'assistant' } }] }, { choices: [] }].map((body) => ({
    status: 200,
    body: JSON.stringify(body),
  }));
  const run = await prepare({ concurrency: 1 });
  expect((await written(run)).length).toBeGreaterThan(0);
  expect((await run.pair()).counts['llm_unreadable']).toBe(2);
});

test('a pair of a model that is not believed has a fate', async () => {
  llm.invented = 'It costs 49 dollars in every shop of the capital city.';
  const run = await prepare();
  const ref = await run.pair();
  const fates = await run.rows<Dropped>(ref, 'dropped.jsonl');
  const judged = fates.filter(({ reason }) => reason === 'judged_out');
  expect(judged).toHaveLength(ref.counts['llm_judged_out']!);
  expect(judged[0]).toMatchObject({ of: 'pair', stage: 'pair', detail: expect.stringContaining('sold?') as string });
  expect(ref.reasons['judged_out']).toBe(judged.length);
});

test('the budget ends the asking, and what was asked stays', async () => {
  const run = await prepare({ budgetTokens: 400, concurrency: 1 });
  const pairs = await written(run);
  const { counts } = await run.pair();
  expect(pairs.length).toBeGreaterThan(0);
  expect(counts['llm_tokens']).toBeLessThan(700);
  expect(counts['llm_over_budget']).toBeGreaterThan(0);
});

test.each([
  ['RETUNE_LLM_URL', { RETUNE_LLM_URL: '' }, []],
  ['RETUNE_LLM_MODEL', { RETUNE_LLM_MODEL: '' }, []],
  ['RETUNE_LLM_KEY', {}, [{ status: 401 }]],
])('an error names the variable %s and not its value', async (name, env, faults) => {
  llm.faults = [...faults];
  const run = await prepare({}, env);
  const error: unknown = await run.pair().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ type: 'ConfigMissing', message: expect.stringContaining(name) as string });
  expect(String(error)).not.toContain(KEY);
});

test('an answer that is no JSON costs the section its pairs and nothing else', async () => {
  llm.faults = Array.from({ length: 3 }, () => ({
    status: 200,
    body: JSON.stringify({ choices: [{ message: { content: 'I would rather not.' } }], usage: { total_tokens: 5 } }),
  }));
  const run = await prepare({ concurrency: 1 });
  expect((await written(run)).length).toBeGreaterThan(0);
  expect((await run.pair()).counts['llm_unreadable']).toBeGreaterThan(0);
  expect((await run.rows<Dropped>(await run.pair(), 'dropped.jsonl')).every(({ stage }) => stage === 'pair')).toBe(true);
});

/** A worker's pair in a process of its own, on the same store. */
const PAIR = `
  const { MockActivityEnvironment } = require('@temporalio/testing');
  const store = await at('io/store').openStore(args.folder);
  const config = at('io/config').readConfig(args.env);
  const { pair } = at('activities/pair').createPair({ store, config, clock: at('io/clock').systemClock, host: 'child', versions: {} });
  console.log(JSON.stringify(await new MockActivityEnvironment().run(pair, args.task)));
  process.exit(0);
`;

test('a worker that is killed with -9 amid its questions to a model pays for no answer twice that had come', async () => {
  const env = { RETUNE_LLM_URL: llm.url, RETUNE_LLM_MODEL: 'model-a', RETUNE_LLM_KEY: KEY };
  const expected = await written(await prepare({ concurrency: 2 }));
  const asked = llm.asked.length;
  expect(asked).toBeGreaterThan(8);
  llm.asked = [];

  const run = await prepare({ concurrency: 2 });
  const task = await run.pairTask();
  const args = { folder: fileURLToPath(run.store.uri), env, task };
  const first = startChild(PAIR, args);
  while (llm.asked.length < asked / 2) await new Promise((resolve) => setTimeout(resolve, 2));
  first.kill('SIGKILL');
  expect(await first.exited).toBeNull();
  const kept = (await run.store.list('llm')).length;
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(asked);

  const second = startChild(PAIR, args);
  expect(await second.exited).toBe(0);
  expect(JSON.parse(second.lines[0] ?? '')).toMatchObject({ counts: { llm_asked: asked - kept } });
  expect(await written(run)).toEqual(expected);
  const questions = llm.asked.map(({ body }) => JSON.stringify(body));
  // Asked twice: at most the two that were on their way when the first was killed.
  expect(questions.length - new Set(questions).size).toBeLessThanOrEqual(2);
  for (const path of await run.store.list('')) expect((await run.store.read(path))!.toString('latin1')).not.toContain(KEY);
});
