// 100,000 small pages through a real worker process that is killed once in the middle:
// npx tsc -p . && node dist/scripts/bundle.js && node dist/bench/collect-scale.js [pages] [--until collect|clean|dedup] [--crawl]
// --crawl: the run names the first page alone, and each leads to 27 others: four waves for 20,000.
// The site and the client share this process; the Temporal server, its database and the store are on the same machine.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SHARD } from '../contracts/policies';
import { QUERY_PROGRESS, WORKFLOWS } from '../contracts/names';
import type { Progress } from '../contracts/activities';
import type { Verb } from '../contracts/artifacts';
import { type Started, Stack, until } from '../test/support/stack';

const PER_HOST = 8;
/** Shards at once, each with twice as many lanes as requests: what one kill may cost at most. */
const IN_FLIGHT = SHARD.children * 2 * PER_HOST;
const WORDS = 'river stone lamp forest window paper copper thread garden signal harbour winter'.split(' ');

/** Links of each page of a crawl: 1 + 27 + 729 + 19,683 pages in four waves. */
const FAN_OUT = 27;
const DEPTH = 3;

/** 60 words that no other page has in this order, and the links of a crawl. */
const page = (n: number, links: string): string => {
  const words = Array.from(
    { length: 60 },
    (_, at) => `${WORDS[(n * 7 + at * 5 + (n >> (at % 17))) % WORDS.length] ?? ''}${(n * 31 + at) % 9973}`,
  );
  return `<!doctype html><title>Page ${n}</title><main><h1>Page ${n}</h1><p>${words.join(' ')}.</p>${links}</main>`;
};

/** Counts requests by page; the URLs are served as a list too. */
const openSite = async (pages: number, crawled: boolean) => {
  const linksOf = (n: number): string =>
    Array.from({ length: FAN_OUT }, (_, at) => n * FAN_OUT + at + 1)
      .filter((other) => crawled && other < pages)
      .map((other) => `<a href="/page-${other}">${other}</a>`)
      .join('');
  const counts = new Uint16Array(pages);
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const n = Number(/^\/page-(\d+)$/.exec(path)?.[1] ?? NaN);
    if (n < pages) {
      counts[n] = (counts[n] ?? 0) + 1;
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', etag: `"${n}"` }).end(page(n, linksOf(n)));
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    counts,
    url: (n: number): string => `http://127.0.0.1:${port}/page-${n}`,
    close: () => server.closeAllConnections() ?? server.close(),
  };
};

const memoryMb = (pid: number | undefined): number => {
  const status = readFileSync(`/proc/${pid ?? 0}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
};

const row = (measure: string, figure: string | number): void => void process.stdout.write(`| ${measure} | ${figure} |\n`);

const main = async (): Promise<void> => {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { until: { type: 'string', default: 'collect' }, crawl: { type: 'boolean', default: false } },
  });
  const pages = Number(positionals[0] ?? 100_000);
  const last = values.until as Verb;
  const site = await openSite(pages, values.crawl);
  const files = join(tmpdir(), `retune-scale-${process.pid}`);
  mkdirSync(files, { recursive: true });
  writeFileSync(join(files, 'urls.txt'), Array.from({ length: pages }, (_, n) => `${site.url(n)}\n`).join(''));
  const stack = new Stack({ RETUNE_FILES_ROOT: files });
  await stack.startServer();
  let worker: Started = await stack.startWorker('cpu');
  let peak = 0;
  const peaks: Record<string, number> = {};
  let stage = 'resolving the list';
  const sampler = setInterval(() => {
    try {
      const now = memoryMb(worker.child.pid);
      peak = Math.max(peak, now);
      peaks[stage] = Math.max(peaks[stage] ?? 0, now);
    } catch {
      // Between two workers.
    }
  }, 250);
  try {
    const start = performance.now();
    const seconds = (): number => (performance.now() - start) / 1000;
    const workflowId = 'scale';
    const urls = (count: number): string[] => Array.from({ length: count }, (_, n) => site.url(n));
    const named = pages <= 1000 ? { urls: urls(pages) } : { list: join(files, 'urls.txt') };
    await stack.start(workflowId, {
      name: 'scale',
      source: {
        ...(values.crawl ? { urls: urls(1), links: { depth: DEPTH }, maxPages: pages } : named),
        ...{ provider: 'direct', perHost: PER_HOST },
      },
      model: { base: 'tiny-gpt-oss' },
      limits: { heartbeatSeconds: 10 },
    });
    const asked = (): number => site.counts.reduce((sum, one) => sum + Math.min(one, 1), 0);
    await until('the first page', 120, () => asked() > 0);
    stage = 'collect';
    await until('half of the pages', 500, () => asked() >= pages / 2);
    const atKill = { seconds: seconds(), asked: asked() };
    await stack.kill(worker);
    worker = await stack.startWorker('cpu');
    const progress = async (): Promise<Progress> => stack.client.workflow.getHandle(workflowId).query<Progress>(QUERY_PROGRESS);
    stage = 'collect, after the kill';
    const done: Partial<Record<Verb, number>> = {};
    while (done[last] === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const now = await progress().catch(() => null);
      if (now === null) continue;
      if (now.status === 'failed' || now.reason !== null) throw new Error(`the run ended: ${now.reason ?? now.status}`);
      if (now.stage !== 'collect') stage = now.stage ?? stage;
      for (const { verb, state } of now.stages) if (state === 'done') done[verb] ??= seconds();
    }
    const counts = (await progress()).stages[0]?.counts ?? {};
    const histories: number[] = [];
    // The list knows the length of closed ones alone.
    for await (const { workflowId: id, runId } of stack.client.workflow.list())
      histories.push((await stack.client.workflow.getHandle(id, runId).describe()).historyLength);
    const again = site.counts.reduce((sum, one) => sum + Math.max(0, one - 1), 0);
    process.stdout.write(`${cpus().length} cores, Node ${process.version}\n\n| ${pages} pages | figure |\n| --- | --- |\n`);
    row('pages sealed', counts['pages'] ?? 0);
    row('pages never asked for', pages - asked());
    row(`killed -9 at`, `${atKill.seconds.toFixed(0)} s, ${atKill.asked} pages asked for`);
    row(`asked for twice (in flight at the kill: at most ${IN_FLIGHT})`, again);
    row('asked for more than twice', site.counts.filter((one) => one > 2).length);
    for (const [verb, at] of Object.entries(done)) row(`${verb} done after`, `${at.toFixed(0)} s`);
    row('pages/s, the kill and its timeout included', (pages / (done.collect ?? Infinity)).toFixed(0));
    row('executions', histories.length);
    row(`longest history, events (${WORKFLOWS.pipeline}, so far)`, Math.max(...histories));
    for (const [verb, mb] of Object.entries(peaks)) row(`worker memory at most, in ${verb}`, `${mb.toFixed(0)} MB`);
    await stack.client.workflow.getHandle(workflowId).cancel();
  } finally {
    clearInterval(sampler);
    site.close();
    await stack.stop();
  }
};

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
