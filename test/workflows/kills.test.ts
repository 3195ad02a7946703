// What a run survives: kill -9 of each part in the middle of its work, and a person who cancels.
import { WorkflowFailedError } from '@temporalio/client';
import { littleInput, page, routes } from '../support/little-docs';
import { openSite, type Site } from '../support/site';
import { Stack, type Started, until } from '../support/stack';

jest.setTimeout(600_000);

const TRAIN = { steps: 14, seed: 5, saveEvery: 3 };

describe('a run whose parts are killed', () => {
  const stack = new Stack();
  let site: Site;
  let urls: string[];
  let cpu: Started;
  let gpu: Started;
  /** Losses of the run that was only cancelled: its steps are the undisturbed ones (native/tests/test_resume.py). */
  let calm: [number, number][] = [];

  beforeAll(async () => {
    site = await openSite(routes(10));
    for (let index = 0; index < 10; index += 1) site.routes.set(`/p${index}.html`, { body: page(index), etag: `"p${index}"`, delayMs: 700 });
    urls = Array.from({ length: 10 }, (_, index) => site.privateUrl(`/p${index}.html`));
    await stack.startServer();
    cpu = await stack.startWorker('cpu');
    gpu = await stack.startWorker('gpu');
  });
  afterAll(async () => {
    await stack.stop();
    await site.close();
  });

  const step = async (id: string): Promise<number> => Number((await stack.heartbeat(id, 'train'))?.['step'] ?? 0);

  it('fetches no page twice that was kept before the cpu worker died', async () => {
    await stack.start('cut', { ...littleInput(urls, TRAIN), source: { urls, provider: 'direct', perHost: 2 } });
    await until('four pages', 60, () => site.visits.filter(({ path, status }) => path.startsWith('/p') && status === 200).length >= 4);
    await stack.kill(cpu);
    cpu = await stack.startWorker('cpu');
    await until('the seal of the shard', 120, async () => (await stack.progress('cut')).stages.some(({ verb, state }) => verb === 'collect' && state === 'done'));
    const visits = site.visits.filter(({ path }) => path.startsWith('/p'));
    // At most the two in flight at the kill were asked for again.
    expect(visits.length).toBeLessThanOrEqual(urls.length + 2);
    expect(new Set(visits.map(({ path }) => path)).size).toBe(urls.length);
  });

  it('writes a checkpoint when a person cancels, and goes on from it when the run is started again', async () => {
    await until('a few steps', 240, async () => (await step('cut')) >= 4);
    const handle = stack.client.workflow.getHandle('cut');
    await handle.cancel();
    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect((await handle.describe()).status.name).toBe('CANCELLED');
    const again = await stack.run('cut', littleInput(urls, TRAIN));
    expect(again.status).toBe('prepared');
    expect(stack.training(again).facts.metrics['resumedFrom']).toBeGreaterThanOrEqual(4);
    calm = stack.losses(again);
    expect(calm.map(([at]) => at)).toEqual(Array.from({ length: TRAIN.steps }, (_, at) => at + 1));
  });

  it('gives the losses of an undisturbed run after kill -9 of the gpu worker and of the Temporal server in mid-training', async () => {
    const undisturbed = calm;
    expect(undisturbed).toHaveLength(TRAIN.steps);
    const other = new Stack();
    try {
      await other.startServer();
      await other.startWorker('cpu');
      gpu = await other.startWorker('gpu');
      await other.start('killed', littleInput(urls, TRAIN));
      const at = async (): Promise<number> => Number((await other.heartbeat('killed', 'train'))?.['step'] ?? 0);
      await until('step 4', 240, async () => (await at()) >= 4);
      await other.kill(gpu);
      gpu = await other.startWorker('gpu');
      await until('two more steps', 240, async () => (await at()) >= 6);
      await other.killServer();
      await other.startServer();
      const result = await other.result('killed');
      expect(result.status).toBe('prepared');
      expect(other.losses(result)).toEqual(undisturbed);
      // Checkpoints come every 3 steps, so at most 3 were trained twice.
      expect(other.training(result).facts.metrics['resumedFrom']).toBeGreaterThanOrEqual(3);
    } finally {
      await other.stop();
    }
  });
});

it('does not hang on a server whose search attributes have another type', async () => {
  const stack = new Stack();
  try {
    await stack.startServer(['--search-attribute', 'RetuneStage=Int']);
    await stack.startWorker('cpu');
    await expect(stack.run('dead', { name: 'dead', source: { urls: ['http://127.0.0.1:9/'], retries: 0 }, model: { base: 'tiny-gpt-oss' } })).rejects.toMatchObject({
      cause: { type: 'SourceEmpty' },
    });
  } finally {
    await stack.stop();
  }
});
