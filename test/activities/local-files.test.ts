// Files of the worker as pages: where they may lie, what they are called, how a change is seen.
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFilesRoot } from '../../io/files-root';
import type { CollectTask } from '../../contracts/activities';
import type { StageRef } from '../../contracts/artifacts';
import { clean } from '../../lib/clean';
import { filesPath, filesUrl } from '../../lib/url';
import { bodyPath } from '../../io/page-shelf';
import { type Collecting, mockEnvironment, collectingForEachTest } from '../support/collecting';
import { html } from '../support/site';

let on: Collecting;
collectingForEachTest((opened) => ({ on } = opened));

const put = async (path: string, text: string | Buffer): Promise<void> => {
  await mkdir(join(on.filesRoot, path, '..'), { recursive: true });
  await writeFile(join(on.filesRoot, path), text);
};
const taskOf = (files: string[], run = 'run-1', source = {}): Promise<CollectTask> => on.task([], { run, source: { files, ...source } });
const collected = async (task: CollectTask): Promise<StageRef> => {
  await mockEnvironment().run(on.activities.collectFiles, task);
  return on.seal(task);
};

test('the HTML and Markdown files of a folder are pages, named by their place below the root', async () => {
  await put('docs/b.html', html('B'));
  await put('docs/sub dir/größe#1.md', '# Size\n\nA text of its own, long enough to be read as a page.\n');
  await put('docs/picture.png', 'png');
  await put('docs/.git/notes.md', 'hidden');
  await put('docs/empty.html', '');
  const task = await taskOf(['docs']);
  const ref = await collected(task);
  expect(ref).toMatchObject({ counts: { urls: 3, pages: 2, new: 2, dropped: 1 }, reasons: { empty_body: 1 } });
  const { pages, fetches } = await on.rows(ref);
  expect(pages.map(({ url, format }) => [url, format]).sort()).toEqual([
    ['files:///docs/b.html', 'html'],
    ['files:///docs/sub%20dir/gr%C3%B6%C3%9Fe%231.md', 'markdown'],
  ]);
  expect(fetches.every(({ provider, finalUrl }) => provider === 'files' && !finalUrl.includes(on.filesRoot))).toBe(true);
  for (const page of pages) {
    const body = await on.store.read(bodyPath(page.bodySha256));
    expect(clean(page, body ?? Buffer.alloc(0), { minWords: 5 }).keep).toBe(true);
  }
});

test('an unchanged file is unchanged wherever the root lies, a changed one is changed, one that is away has left', async () => {
  await put('a.html', html('A'));
  await put('b.html', html('B'));
  const first = await collected(await taskOf(['.']));
  const second = await collected(await taskOf(['.'], 'run-2'));
  expect(second.counts).toMatchObject({ pages: 2, revalidated: 2, unchanged: 2, new: 0 });
  expect(second.outputDigest).toBe(first.outputDigest);
  await put('a.html', html('A', 'Other words. '.repeat(20)));
  await rm(join(on.filesRoot, 'b.html'));
  const third = await collected(await taskOf(['.'], 'run-3'));
  expect(third.counts).toMatchObject({ urls: 1, pages: 1, changed: 1 });
});

test('a worker that starts again in mid-shard does not read what it has', async () => {
  await put('a.html', html('A'));
  const task = await taskOf(['a.html']);
  await mockEnvironment().run(on.activities.collectFiles, task);
  await put('a.html', html('Changed meanwhile'));
  const ref = await collected(task);
  const body = await on.store.read(bodyPath((await on.rows(ref)).pages[0]?.bodySha256 ?? ''));
  expect(body?.toString()).toBe(html('A'));
});

test('links inside the root are followed once, links out of it are refused', async () => {
  await put('docs/a.html', html('A'));
  await symlink(join(on.filesRoot, 'docs'), join(on.filesRoot, 'docs', 'circle'));
  await symlink(join(on.filesRoot, 'docs', 'a.html'), join(on.filesRoot, 'docs', 'z.html'));
  await symlink('/etc', join(on.filesRoot, 'docs', 'etc'));
  await symlink('/nowhere', join(on.filesRoot, 'docs', 'dangling.html'));
  const skipped: string[] = [];
  const found: string[] = [];
  const root = createFilesRoot(on.filesRoot);
  for await (const { below } of root.files('docs', (reason, path) => skipped.push(`${reason} ${path}`))) found.push(below);
  expect(found).toEqual(['docs/a.html']);
  expect(skipped.sort()).toEqual(['outside_files_root docs/etc', 'unreadable docs/dangling.html']);
});

test('what cannot be read is counted, and the message never says where the root lies', async () => {
  await put('docs/a.html', html('A'));
  await put('docs/closed/b.html', html('B'));
  await writeFile(Buffer.concat([Buffer.from(join(on.filesRoot, 'docs/')), Buffer.from([0xe9]), Buffer.from('.html')]), html('C'));
  await chmod(on.filesRoot, 0o755);
  await chmod(join(on.filesRoot, 'docs/closed'), 0);
  // Root reads everything.
  const asRoot = process.geteuid?.() === 0;
  if (asRoot) process.seteuid?.(65_534);
  const skipped: string[] = [];
  const found: string[] = [];
  try {
    for await (const { below } of createFilesRoot(on.filesRoot).files('.', (reason, path) => skipped.push(`${reason} ${path}`)))
      found.push(below);
  } finally {
    if (asRoot) process.seteuid?.(0);
    await chmod(join(on.filesRoot, 'docs/closed'), 0o755);
  }
  expect(found).toEqual(['docs/a.html']);
  expect(skipped.sort()).toEqual(['unreadable docs/closed', 'unreadable docs/\uFFFD.html']);
});

test('a file that is replaced by a link out of the root, or is too large, gives no page', async () => {
  await put('a.html', html('A'));
  await put('b.html', Buffer.alloc(1024 * 1024 + 1, 'b'));
  await put('c.html', html('C'));
  const task = await taskOf(['.'], 'run-1', { maxBodyMb: 1 });
  await rename(join(on.filesRoot, 'a.html'), join(on.filesRoot, 'old'));
  await symlink('/etc/hostname', join(on.filesRoot, 'a.html'));
  const ref = await collected(task);
  expect(ref).toMatchObject({ counts: { pages: 1, dropped: 2 }, reasons: { outside_files_root: 1, too_large: 1 } });
});

test.each([
  ['../other', 'InvalidInput', 'source.files.0: "../other" is not below RETUNE_FILES_ROOT'],
  ['/etc', 'InvalidInput', 'is not below RETUNE_FILES_ROOT'],
  ['missing', 'InvalidInput', 'source.files.0: "missing" does not exist below RETUNE_FILES_ROOT'],
  ['only.png', 'SourceEmpty', 'no_html_or_markdown 1, for example only.png'],
])('%s is refused with the field and the reason', async (path, type, message) => {
  await put('only.png', 'png');
  const error: unknown = await taskOf([path]).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ type, message: expect.stringContaining(message) });
});

test('an address of a file and its path are the same thing', () => {
  for (const path of ['a.html', 'sub dir/größe#1?.md', 'a%20b.html', "it's (1).html"]) expect(filesPath(filesUrl(path))).toBe(path);
  expect(filesPath('https://example.org/a')).toBeNull();
});
