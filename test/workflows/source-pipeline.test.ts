// The whole product on a source of every kind: a sitemap index, links, and files of the worker.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '../../contracts/artifacts';
import { littleInput, page, routes } from '../support/little-docs';
import { openSite, type Site } from '../support/site';
import { Stack } from '../support/stack';

jest.setTimeout(600_000);

let stack: Stack;
let site: Site;
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'retune-files-'));
  stack = new Stack({ RETUNE_FILES_ROOT: root });
  site = await openSite(routes(8));
  await stack.startServer();
});
afterAll(async () => {
  await stack.stop();
  await site.close();
  await rm(root, { recursive: true, force: true });
});

test('a sitemap index, links and files become a model, and the next run finds nothing changed', async () => {
  const links = ['/p4.html', '/p5.html', '/p4.html?print=1', '/private/secret.html', 'https://elsewhere.test/']
    .map((href) => `<a href="${href}">x</a>`)
    .join(' ');
  const xml = { 'content-type': 'application/xml' };
  const map = ['/p0.html', '/p1.html', '/p2.html', '/p3.html'].map((path) => `<url><loc>${site.privateUrl(path)}</loc></url>`).join('');
  site.routes.set('/index.xml', {
    headers: xml,
    body: `<sitemapindex><sitemap><loc>${site.privateUrl('/map.xml')}</loc></sitemap></sitemapindex>`,
  });
  site.routes.set('/map.xml', { headers: xml, body: `<urlset>${map}</urlset>` });
  site.routes.set('/p0.html', { body: page(0).replace('</main>', `${links}</main>`), etag: '"p0"' });
  site.routes.set('/p4.html?print=1', { body: page(4).replace('</head>', '<link rel="canonical" href="/p4.html"></head>'), etag: '"p4p"' });
  await mkdir(join(root, 'notes'));
  for (const index of [6, 7]) await writeFile(join(root, 'notes', `note ${index}.html`), page(index));

  const little = littleInput([]);
  const input = {
    ...little,
    source: { sitemaps: [site.privateUrl('/index.xml')], files: ['notes'], links: { depth: 1 }, provider: 'direct', retries: 1 },
  };
  await stack.startWorker('cpu');
  await stack.startWorker('gpu');
  const first = await stack.run('sources-1', input);
  expect(first).toMatchObject({
    status: 'prepared',
    stages: { collect: { counts: { urls: 12, pages: 8, dropped: 4, sitemaps: 2, waves: 2 } }, clean: { counts: { documents: 8 } } },
  });
  // Every page leads to / and /all, which are not there.
  expect(first.stages.collect?.reasons).toEqual({ robots_denied: 1, duplicate_of: 1, not_found: 2 });

  // Files are named by their place below the root; where that is stays out of all that is published or shown.
  const report = readFileSync(join(stack.home, 'store', 'runs', 'sources-1', first.executionId, 'report.html'), 'utf8');
  expect(report).toContain('files:///notes/note%206.html');
  const prepared = stack.json<Manifest>(`publish/${first.stages.publish?.key ?? ''}/manifest.json`);
  const folder = join(stack.home, 'store', 'publish', prepared.facts.key, String(prepared.facts.fence));
  const texts = prepared.content.outputs
    .concat(prepared.facts.sidecars)
    .filter(({ name }) => /\.(md|json|jsonl)$/.test(name))
    .map(({ name }) => readFileSync(join(folder, name), 'utf8'));
  expect(texts.some((text) => text.includes('files:///notes/note%206.html'))).toBe(true);
  for (const text of [report, ...texts]) expect(text).not.toContain(root);

  const visits = site.visits.length;
  const second = await stack.run('sources-2', input);
  expect(second.status).toBe('unchanged');
  expect(second.stages.clean?.reused).toBe(true);
  expect(second.stages.collect?.counts).toMatchObject({ pages: 8, revalidated: 8, unchanged: 8, new: 0, changed: 0 });
  const bodies = site.visits.slice(visits).filter(({ path, status }) => path.startsWith('/p') && status === 200);
  expect(bodies).toEqual([]);
});
