// What a run survives: kill -9 of each part in the middle of its work, and a person who cancels. One run suffers all
// of it; a run on another store is left in peace; their losses must be the same.
import { WorkflowFailedError } from '@temporalio/client';
import type { PipelineResult } from '../../contracts/artifacts';
import { littleInput, page, routes } from '../support/little-docs';
import { openSite, type Site } from '../support/site';
import { Stack, type Started, until } from '../support/stack';

jest.setTimeout(900_000);

// Long enough that a cancellation, which a training hears with its next heartbeat, comes in the middle.
const STEPS = 60;
const SAVE_EVERY = 3;

describe('a run whose parts are killed', () => {
  const stack = new Stack();
  let site: Site;
  let input: Record<string, unknown>;
  let cpu: Started;
  let gpu: Started;

  beforeAll(async () => {
    site = await openSite(routes(10));
    for (let index = 0; index < 10; index += 1)
      site.routes.set(`/p${index}.html`, { body: page(index), etag: `"p${index}"`, delayMs: 700 });
    const urls = Array.from({ length: 10 }, (_, index) => site.privateUrl(`/p${index}.html`));
    input = { ...littleInput(urls, { steps: STEPS, seed: 5, saveEvery: SAVE_EVERY }), source: { urls, provider: 'direct', perHost: 2 } };
    await stack.startServer();
    cpu = await stack.startWorker('cpu');
    gpu = await stack.startWorker('gpu');
  });
  afterAll(async () => {
    await stack.stop();
    await site.close();
  });

  /** Also ends when the run has: on a quick machine a training may be over before anybody looks. */
  const trainedTo = async (least: number): Promise<void> =>
    until(`step ${least} of the training`, 400, async () => {
      if (stack.trainedSteps() >= least) return true;
      return (await stack.client.workflow.getHandle('cut').describe()).status.name !== 'RUNNING';
    });

  it('asks again for no page that was kept before the cpu worker died', async () => {
    await stack.start('cut', input);
    await until('three pages on disk', 120, () => stack.keptUrls().length >= 3);
    await stack.kill(cpu);
    const kept = stack.keptUrls();
    cpu = await stack.startWorker('cpu');
    await until('the seal of the shard', 120, async () =>
      (await stack.progress('cut')).stages.some(({ verb, state }) => verb === 'collect' && state === 'done'),
    );
    expect(kept.length).toBeLessThan(10);
    expect(kept.map((url) => site.count(new URL(url).pathname))).toEqual(kept.map(() => 1));
    expect(stack.keptUrls()).toHaveLength(10);
  });

  it('writes a checkpoint when a person cancels', async () => {
    await trainedTo(4);
    await stack.kill(gpu);
    gpu = await stack.startWorker('gpu');
    await trainedTo(7);
    const handle = stack.client.workflow.getHandle('cut');
    await handle.cancel();
    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect((await handle.describe()).status.name).toBe('CANCELLED');
  });

  it('goes on from that checkpoint when it is started again, through the death of the Temporal server, to the losses of a run in peace', async () => {
    await stack.start('cut', input);
    await trainedTo(14);
    await stack.killServer();
    await stack.startServer();
    const result = await stack.result('cut');
    expect(result.status).toBe('prepared');
    // Cancelled at or after step 7: what was cancelled is not trained again.
    expect(stack.training(result).facts.metrics['resumedFrom']).toBeGreaterThanOrEqual(7);
    const peace = new Stack();
    let calm: PipelineResult;
    try {
      await peace.startServer();
      await peace.startWorker('cpu');
      await peace.startWorker('gpu');
      calm = await peace.run('calm', input);
      expect(stack.losses(result)).toEqual(peace.losses(calm));
      expect(stack.losses(result)).toHaveLength(STEPS);
      expect(peace.training(calm).facts.metrics['resumedFrom']).toBeNull();
    } finally {
      await peace.stop();
    }
    for (const verb of ['clean', 'dedup', 'pair', 'format', 'train'] as const)
      expect(result.stages[verb]?.key).toBe(calm.stages[verb]?.key);
  });
});

it('does not hang on a server whose search attributes have another type', async () => {
  const stack = new Stack();
  try {
    await stack.startServer(['--search-attribute', 'RetuneStage=Int']);
    await stack.startWorker('cpu');
    await expect(
      stack.run('dead', { name: 'dead', source: { urls: ['http://127.0.0.1:9/'], retries: 0 }, model: { base: 'tiny-gpt-oss' } }),
    ).rejects.toMatchObject({ cause: { type: 'SourceEmpty' } });
  } finally {
    await stack.stop();
  }
});
