import { fileURLToPath } from 'node:url';
import type { Pair } from '../../contracts/records';
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
  const prepare = async (): Promise<Preparing> => {
    const run = await openPreparing(
      pages,
      { pair: { minChars: 30, minScore: 0, llm: { enabled: true, minWords: 15, concurrency: 2 } } },
      env,
    );
    runs.push(run);
    return run;
  };
  const written = async (run: Preparing): Promise<Pair[]> =>
    (await run.rows<Pair>(await run.pair(), 'pairs.jsonl')).filter(({ kind }) => kind === 'llm');
  const expected = await written(await prepare());
  const asked = llm.asked.length;
  expect(asked).toBeGreaterThan(8);
  llm.asked = [];

  const run = await prepare();
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
