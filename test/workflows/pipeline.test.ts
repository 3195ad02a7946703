// The whole product on a real server with real workers: what a run gives, what a rerun reuses, what it survives.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '../../contracts/artifacts';
import { littleInput, page, routes } from '../support/little-docs';
import { openSite, type Site } from '../support/site';
import { Stack, until } from '../support/stack';

jest.setTimeout(600_000);

interface Step {
  step: number;
  loss: number;
}

describe('a run on a site with a dead, a slow, a moved and a forbidden page', () => {
  const stack = new Stack();
  let site: Site;
  let urls: string[];
  const metricsOf = (key: string): Step[] => {
    const manifest = stack.json<Manifest>(`train/${key}/manifest.json`);
    const text = readFileSync(join(stack.home, 'store', 'train', key, String(manifest.facts.fence), 'metrics.jsonl'), 'utf8');
    return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Step).filter((line) => 'loss' in line);
  };

  beforeAll(async () => {
    site = await openSite(routes(10));
    urls = ['/p0.html', '/p1.html', '/p2.html', '/p3.html', '/p4.html', '/p5.html', '/p6.html', '/p7.html', '/p8.html', '/p9.html'].map((path) => site.privateUrl(path));
    await stack.startServer();
  });
  afterAll(async () => {
    await stack.stop();
    await site.close();
  });

  it('names every bad field of an input, and fetches nothing', async () => {
    await stack.startWorker('cpu');
    await expect(stack.run('bad', { source: { urls: [urls[0], 'ftp://x'] }, train: { stepps: 3 }, epocs: 1 })).rejects.toMatchObject({
      cause: { type: 'InvalidInput', message: expect.stringMatching(/source\.urls\.1[\s\S]*train\.stepps|epocs[\s\S]*source\.urls\.1/) },
    });
    await expect(stack.run('preset', { preset: 'nothing-like-it' })).rejects.toMatchObject({ cause: { type: 'InvalidInput', message: expect.stringContaining('npm-manual') } });
    await expect(stack.run('empty', undefined)).rejects.toMatchObject({ cause: { type: 'InvalidInput', message: expect.stringContaining('npm-manual') } });
    expect(site.visits).toHaveLength(0);
  });

  it('gives every page a fate, sums that agree, and a model that is prepared', async () => {
    await stack.startWorker('gpu');
    const all = [...urls, ...['/slow.html', '/moved.html', '/private/secret.html', '/dead.html'].map((path) => site.privateUrl(path))];
    const result = await stack.run('first', littleInput(all));
    expect(result).toMatchObject({ status: 'prepared', stages: { collect: { counts: { urls: 14, pages: 12, dropped: 2 } } } });
    expect(result.stages.collect?.reasons).toEqual({ robots_denied: 1, not_found: 1 });
    expect(site.count('/private/secret.html')).toBe(0);
    const counts = (verb: keyof typeof result.stages): Record<string, number> => result.stages[verb]?.counts ?? {};
    expect(counts('clean')).toMatchObject({ pages: 12, documents: 12, dropped: 0 });
    expect(counts('pair')['pairs']).toBe(counts('format')['pairs']);
    const { train = 0, validation = 0, test = 0, dropped = 0, pairs = -1 } = counts('format');
    expect(train + validation + test + dropped).toBe(pairs);
    expect(test).toBeGreaterThan(0);
    expect(counts('train')['steps']).toBe(8);
    expect(result.verdict?.decision).toBe('pass');
    const losses = metricsOf(result.stages.train?.key ?? '').map((line) => line.loss);
    expect(losses).toHaveLength(8);
    expect(losses[7]).toBeLessThan(losses[0] ?? 0);
    expect(readFileSync(join(stack.home, 'store', 'runs', 'first', result.executionId, 'report.html'), 'utf8')).toContain('tiny-gpt-oss');
  });

  it('ends as unchanged, trains nothing and downloads nothing when nothing changed', async () => {
    const all = [...urls, ...['/slow.html', '/moved.html', '/private/secret.html', '/dead.html'].map((path) => site.privateUrl(path))];
    const before = site.visits.length;
    const result = await stack.run('second', littleInput(all));
    expect(result.status).toBe('unchanged');
    for (const verb of ['clean', 'dedup', 'pair', 'format', 'train'] as const) expect(result.stages[verb]?.reused).toBe(true);
    expect(result.stages.evaluate).toBeUndefined();
    const statuses = site.visits.slice(before).filter(({ path }) => /^\/(p\d|slow)/.test(path)).map(({ status }) => status);
    expect(statuses).toEqual(statuses.map(() => 304));
  });

  it('redoes what depends on a changed page, and only that', async () => {
    site.routes.set('/p3.html', { body: page(3, 2), etag: '"p3-2"' });
    const all = [...urls, ...['/slow.html', '/moved.html'].map((path) => site.privateUrl(path))];
    const result = await stack.run('third', littleInput(all));
    expect(result.status).toBe('prepared');
    expect(result.stages.train?.reused).toBe(false);
    expect(result.verdict?.rules.find((rule) => rule.rule === 'not_worse_than_last')?.outcome).not.toBe('not_applicable');
  });

  it('goes on after kill -9 of the gpu worker, with the losses of an undisturbed run', async () => {
    const undisturbed = metricsOf((await stack.run('calm', littleInput(urls, { steps: 12, seed: 5 }))).stages.train?.key ?? '');
    // Another dataset digest would be another training: the same input under a changed save interval keeps the key.
    const stacks = new Stack();
    await stacks.startServer();
    const cpu = await stacks.startWorker('cpu');
    let gpu = await stacks.startWorker('gpu');
    try {
      await stacks.start('killed', littleInput(urls, { steps: 12, seed: 5, saveEvery: 3 }));
      await until('step 5 of the training', 240, async () => Number((await stacks.heartbeat('killed', 'train'))?.['step'] ?? 0) >= 5);
      await stacks.kill(gpu);
      gpu = await stacks.startWorker('gpu');
      const result = await stacks.result('killed');
      expect(result.status).toBe('prepared');
      const manifest = stacks.json<Manifest>(`train/${result.stages.train?.key}/manifest.json`);
      expect(manifest.facts.metrics['resumedFrom']).toBeGreaterThanOrEqual(3);
      const text = readFileSync(join(stacks.home, 'store', 'train', result.stages.train?.key ?? '', String(manifest.facts.fence), 'metrics.jsonl'), 'utf8');
      const losses = text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Step).filter((line) => 'loss' in line);
      expect(losses.map(({ step, loss }) => [step, loss])).toEqual(undisturbed.map(({ step, loss }) => [step, loss]));
    } finally {
      await stacks.stop();
    }
    expect(cpu.child.exitCode).not.toBeNull();
  });
});
