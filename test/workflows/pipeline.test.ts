// The whole product on a real server with real workers: what a run gives, what a rerun reuses, what it survives.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { askAgain } from '../../cli/resume';
import { openStore } from '../../io/store';
import { retune } from '../support/cli';
import { HUB_TOKEN, HubStandIn } from '../support/hub';
import { littleInput, page, routes } from '../support/little-docs';
import { expectFates } from '../support/shelves';
import { openSite, type Site } from '../support/site';
import { Stack, until } from '../support/stack';

jest.setTimeout(900_000);

describe('a run on a site with a dead, a slow, a moved and a forbidden page', () => {
  let stack: Stack;
  let hub: HubStandIn;
  let site: Site;
  let urls: string[];
  beforeAll(async () => {
    hub = await HubStandIn.start();
    stack = new Stack({ HF_TOKEN: HUB_TOKEN, HF_ENDPOINT: hub.url });
    site = await openSite(routes(10));
    urls = ['/p0.html', '/p1.html', '/p2.html', '/p3.html', '/p4.html', '/p5.html', '/p6.html', '/p7.html', '/p8.html', '/p9.html'].map(
      (path) => site.privateUrl(path),
    );
    await stack.startServer();
  });
  afterAll(async () => {
    await stack.stop();
    await site.close();
    await hub.stop();
  });

  it('names every bad field of an input, and fetches nothing', async () => {
    await stack.startWorker('cpu');
    await expect(stack.run('bad', { source: { urls: [urls[0], 'ftp://x'] }, train: { stepps: 3 }, epocs: 1 })).rejects.toMatchObject({
      cause: { type: 'InvalidInput', message: expect.stringMatching(/source\.urls\.1[\s\S]*train\.stepps|epocs[\s\S]*source\.urls\.1/) },
    });
    await expect(stack.run('preset', { preset: 'nothing-like-it' })).rejects.toMatchObject({
      cause: { type: 'InvalidInput', message: expect.stringContaining('npm-manual') },
    });
    await expect(stack.run('empty', undefined)).rejects.toMatchObject({
      cause: { type: 'InvalidInput', message: expect.stringContaining('npm-manual') },
    });
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
    const kept = await expectFates(await openStore(join(stack.home, 'store')), stack.record(result), all.length);
    const told = await retune(['report', 'first', '--dropped', '--json'], {
      RETUNE_HOME: stack.home,
      RETUNE_STORE: join(stack.home, 'store'),
    });
    const { dropped: fates } = told.lines().at(-1) as { dropped: { stage: string; count: number }[] };
    const sums: Record<string, number> = {};
    for (const { stage, count } of fates) sums[stage] = (sums[stage] ?? 0) + count;
    expect(sums).toEqual(kept);
    for (const [stage, count] of Object.entries(kept)) expect([stage, counts(stage as 'pair')['dropped']]).toEqual([stage, count]);
    expect(counts('train')['steps']).toBe(8);
    expect(result.verdict?.decision).toBe('pass');
    const losses = stack.losses(result).map(([, loss]) => loss);
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
    const statuses = site.visits
      .slice(before)
      .filter(({ path }) => /^\/(p\d|slow)/.test(path))
      .map(({ status }) => status);
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

  it('publishes only what a person approved, asks once, and commits nothing that the Hub has already', async () => {
    const all = [...urls, ...['/slow.html', '/moved.html'].map((path) => site.privateUrl(path))];
    const publish = { model: 'tester/little', dataset: 'tester/little-data', approval: 'person' };
    // The answer belongs to what was prepared, so what is rejected here differs from what is approved below.
    const other = {
      ...littleInput(all),
      publish,
      evaluate: { maxExamples: 20, generations: 0, maxNewTokens: 4, questions: ['What is a gate?'] },
    };
    const answered = async (id: string, update: 'approve' | 'reject', input: unknown): Promise<string> => {
      await stack.start(id, input);
      await until('the question', 500, async () => (await stack.progress(id)).status === 'waiting_for_approval');
      await stack.client.workflow.getHandle(id).executeUpdate(update, { args: [{ by: 'tester', note: 'seen' }] });
      return (await stack.result(id)).status;
    };
    expect(await answered('rejected', 'reject', other)).toBe('held');
    const held = await stack.run('rejected', other);
    expect(held.status).toBe('held');
    await askAgain(await openStore(join(stack.home, 'store')), stack.record(held));
    expect(await answered('rejected', 'reject', other)).toBe('held');
    expect(hub.requests.filter((request) => request.includes('/commit/'))).toHaveLength(0);

    expect(await answered('approved', 'approve', { ...littleInput(all), publish })).toBe('published');
    const commits = hub.requests.filter((request) => request.includes('/commit/')).length;
    expect(commits).toBe(2);
    const again = await stack.run('approved', { ...littleInput(all), publish });
    expect(again.status).toBe('unchanged');
    expect(hub.requests.filter((request) => request.includes('/commit/'))).toHaveLength(commits);
    expect(JSON.stringify(stack.record(again))).not.toContain(HUB_TOKEN);
  });
});
