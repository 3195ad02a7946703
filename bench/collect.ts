// Collecting against servers of our own with 200 ms a page:
//   npx tsc -p . && node dist/scripts/bundle.js && node dist/bench/collect.js [--runs 5]
// On a real Temporal server, a disk store and the cpu worker's own process; the servers that are asked live in this one, as
// the web lives elsewhere. All three share the machine's cores.
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { CollectTask } from '../contracts/activities';
import type { StageRef } from '../contracts/artifacts';
import { queues, WORKFLOWS } from '../contracts/names';
import { BrightDataStandIn, TOKEN, ZONE } from '../test/support/brightdata';
import { type Collecting, openCollecting } from '../test/support/collecting';
import { html, openSite, type Site } from '../test/support/site';
import { Stack } from '../test/support/stack';

const LATENCY_MS = 200;
const WIDTH = 10;

interface Bench {
  site: Site;
  api: BrightDataStandIn;
  on: Collecting;
  /** A whole shard, from start to sealed. @returns seconds */
  run: (task: CollectTask) => Promise<{ ref: StageRef; seconds: number }>;
}

/** By scenario and measure, a column for each run. */
const table = new Map<string, (string | number)[]>();
const row = (name: string, figures: Record<string, string | number>): void => {
  for (const [measure, value] of Object.entries(figures)) {
    const line = `${name} | ${measure}`;
    table.set(line, [...(table.get(line) ?? []), value]);
  }
};

/** Rate while requests were under way, of what WIDTH requests of LATENCY_MS can be. @param times starts of the requests */
const share = (times: readonly number[]): string => {
  const seconds = (Math.max(...times) - Math.min(...times) + LATENCY_MS) / 1000;
  const ideal = (Math.ceil(times.length / WIDTH) * LATENCY_MS) / 1000;
  return `${((100 * ideal) / seconds).toFixed(1)} % (${seconds.toFixed(2)} s, ideal ${ideal.toFixed(2)} s)`;
};

const urls = (count: number): string[] => Array.from({ length: count }, (_, index) => `http://docs.test/page-${index}`);
const total = (seconds: number): string => `${seconds.toFixed(2)} s`;

const direct = async ({ site, on, run }: Bench): Promise<void> => {
  const paths = Array.from({ length: 200 }, (_, index) => `/page-${index}`);
  for (const path of paths) site.routes.set(path, { body: html(path), delayMs: LATENCY_MS });
  const { ref, seconds } = await run(
    await on.task(paths.map(site.privateUrl), { run: randomUUID(), source: { provider: 'direct', perHost: WIDTH, timeoutSeconds: 30 } }),
  );
  row('200 pages at 200 ms, direct', {
    pages: ref.counts['pages'] ?? 0,
    'rate while requesting': share(site.visits.filter(({ path }) => path !== '/robots.txt').map(({ at }) => at)),
    'requests at once, at most': site.peak,
    'whole shard': total(seconds),
  });
};

const fallback = async ({ api, on, run }: Bench): Promise<void> => {
  for (const url of urls(200)) api.pages.set(url, { markdown: `# ${url}\n\nText.\n` });
  api.fail('trigger', { status: 400, body: 'no batches here' });
  const { ref, seconds } = await run(await on.task(urls(200), { run: randomUUID(), source: { provider: 'brightdata' } }));
  row('200 pages at 200 ms, single URLs', {
    pages: ref.counts['pages'] ?? 0,
    'billed, twice': api.bill.join(', '),
    'rate while requesting': share(api.calls.filter(({ endpoint }) => endpoint === 'request').map(({ at }) => at)),
    'requests at once, at most': api.peak,
    'whole shard': total(seconds),
  });
};

/** Of 100 pages, three: dead, as the unlocker says at once, or blocked whoever asks, which only further tries can tell. */
const BAD = {
  dead: { error: 'http_status', text: 'response status was rejected: 404 status code' },
  blocked: { error: 'reject_block', text: 'request was blocked' },
} as const;

const threeBad = async ({ api, on, run }: Bench, bad: keyof typeof BAD, batch: boolean): Promise<void> => {
  const pages = urls(100).map((url) => `${url}-${bad}-${batch ? 'batch' : 'single'}`);
  for (const [index, url] of pages.entries()) api.pages.set(url, index % 40 === 7 ? BAD[bad] : { markdown: `# ${url}\n\nText.\n` });
  api.words = ['ready'];
  if (!batch) api.fail('trigger', { status: 400, body: 'no batches here' });
  const before = api.bill[0];
  const since = api.calls.length;
  const { ref, seconds } = await run(await on.task(pages, { run: randomUUID(), source: { provider: 'brightdata' } }));
  const requests = api.calls.slice(since).filter(({ endpoint }) => endpoint === 'request');
  const { dropped } = await on.rows(ref);
  row(`100 URLs, 3 ${bad} for good, ${batch ? 'batch (ready at the first look)' : 'single URLs'}`, {
    pages: ref.counts['pages'] ?? 0,
    'billed, twice': `${api.bill[0] - before}, ${api.bill[1]}`,
    'named with their reason': dropped.map(({ reason }) => reason).join(' '),
    'single requests': requests.length,
    'calls before Retry-After': api.early,
    ...(batch ? {} : { 'rate while requesting': share(requests.map(({ at }) => at)) }),
    'whole shard': total(seconds),
  });
};

const nightly = async ({ site, on, run }: Bench): Promise<void> => {
  const paths = Array.from({ length: 1000 }, (_, index) => `/unchanged-${index}`);
  for (const path of paths) site.routes.set(path, { body: html(path), etag: `"${path}"` });
  const task = (): Promise<CollectTask> =>
    on.task(paths.map(site.privateUrl), { run: randomUUID(), source: { provider: 'direct', perHost: WIDTH, timeoutSeconds: 30 } });
  const first = await run(await task());
  const asked = site.visits.length;
  const second = await run(await task());
  row('1,000 unchanged pages with validators', {
    'first night': total(first.seconds),
    'second night': total(second.seconds),
    'bodies downloaded in the second night': site.visits.slice(asked).filter(({ path, status }) => status === 200 && path !== '/robots.txt')
      .length,
    revalidated: second.ref.counts['revalidated'] ?? 0,
    'same output digest': String(first.ref.outputDigest === second.ref.outputDigest),
  });
};

/** All scenarios on a store and a worker of their own. */
const runAll = async (stack: Stack): Promise<void> => {
  const [site, api] = [await openSite(), await BrightDataStandIn.open()];
  api.latencyMs = LATENCY_MS;
  const on = await openCollecting(site);
  Object.assign(stack.env, {
    RETUNE_STORE: fileURLToPath(on.store.uri),
    BRIGHTDATA_API_URL: api.url,
    BRIGHTDATA_API_TOKEN: TOKEN,
    BRIGHTDATA_ZONE: ZONE,
  });
  const worker = await stack.startWorker('cpu');
  const bench: Bench = {
    site,
    api,
    on,
    async run(task) {
      const start = performance.now();
      const ref = await stack.client.workflow.execute<(task: CollectTask) => Promise<StageRef>>(WORKFLOWS.collectShard, {
        taskQueue: queues().main,
        workflowId: randomUUID(),
        args: [task],
      });
      return { ref, seconds: (performance.now() - start) / 1000 };
    },
  };
  try {
    await direct(bench);
    await fallback(bench);
    await threeBad(bench, 'dead', false);
    await threeBad(bench, 'blocked', false);
    await threeBad(bench, 'dead', true);
    await nightly(bench);
  } finally {
    worker.child.kill('SIGTERM');
    await once(worker.child, 'exit');
    await on.close();
    await Promise.all([site.close(), api.close()]);
  }
};

const main = async (): Promise<void> => {
  const runs = Number(parseArgs({ options: { runs: { type: 'string', default: '1' } } }).values.runs);
  process.env['TEMPORAL_CLI_PATH'] ??= resolve('native/.venv/bin/temporal');
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const stack = new Stack();
  await stack.startServer();
  const load: string[] = [];
  try {
    for (let run = 0; run < runs; run += 1) {
      load.push((loadavg()[0] ?? 0).toFixed(1));
      await runAll(stack);
    }
  } finally {
    await stack.stop();
  }
  const columns = Array.from({ length: runs }, (_, run) => `run ${run + 1}`);
  process.stdout.write(`${cpus().length} cores, Node ${process.version}, load before each run: ${load.join(', ')}\n\n`);
  process.stdout.write(`| scenario | measure | ${columns.join(' | ')} |\n|${' --- |'.repeat(runs + 2)}\n`);
  for (const [line, values] of table) process.stdout.write(`| ${line} | ${values.join(' | ')} |\n`);
};

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
