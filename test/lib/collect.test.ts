import type { Dropped, Fetch } from '../../contracts/records';
import { arrivalOf, droppedUrl, isDue, pageFormat, sealFates } from '../../lib/collect';
import { sha256 } from '../../lib/hash';
import { pageId } from '../../lib/url';

const WINDOW = { date: '2026-11-24T03:00:00.000Z', since: '2026-11-24T01:00:00.000Z' };
const url = (name: string): string => `https://example.com/${name}`;

const record = (name: string, checkedAt: string, fetchedAt = checkedAt): Fetch => ({
  schema: 1,
  id: pageId(url(name)),
  url: url(name),
  finalUrl: url(name),
  status: 200,
  fetchedAt,
  checkedAt,
  etag: null,
  lastModified: null,
  provider: 'direct',
  page: { schema: 1, id: pageId(url(name)), url: url(name), bodySha256: sha256(name), bodyBytes: 1, format: 'html', charset: null },
});
const byId = <T extends { id: string }>(...rows: T[]): Map<string, T> => new Map(rows.map((row) => [row.id, row]));

test.each([
  ['never seen', null, true],
  ['seen before the window', record('a', '2026-11-24T00:59:59.999Z'), true],
  ['seen within maxAge', record('a', '2026-11-24T01:00:00.000Z'), false],
  ['seen by this very run', record('a', '2026-11-24T03:00:00.001Z'), false],
])('a page %s: due is %s', (_, known, due) => expect(isDue(known, WINDOW)).toBe(due));

test.each([
  ['young enough not to be asked for', record('a', '2026-11-24T02:00:00.000Z'), 'reused'],
  ['asked and brought', record('a', '2026-11-24T03:00:01.000Z'), 'fetched'],
  ['asked and unchanged', record('a', '2026-11-24T03:00:01.000Z', '2026-11-01T00:00:00.000Z'), 'revalidated'],
])('a page that is %s counts as %s', (_, known, expected) => expect(arrivalOf(known, WINDOW)).toBe(expected));

test.each([
  ['text/html; charset=utf-8', '/a', 'html'],
  ['application/xhtml+xml', '/a', 'html'],
  ['TEXT/HTML', '/a.md', 'html'],
  ['text/markdown', '/a', 'markdown'],
  ['text/plain', '/a.md', 'markdown'],
  ['text/plain', '/a.txt', null],
  ['application/pdf', '/a.md', null],
  [null, '/a', 'html'],
  [null, '/README.MD?raw', 'markdown'],
])('content type %s at %s is %s', (type, path, expected) => expect(pageFormat(type, `https://example.com${path}`)).toBe(expected));

describe('sealFates', () => {
  const urls = ['brought', 'unchanged', 'young', 'old', 'dead', 'lost', 'forgotten'].map(url);
  const dead: Dropped = droppedUrl(url('dead'), 'not_found', 'dead does not exist (HTTP 404)');
  const lost: Dropped = droppedUrl(url('lost'), 'timeout', 'lost did not answer');
  const sealed = sealFates(urls, WINDOW, {
    records: byId(
      record('brought', '2026-11-24T03:00:01.000Z'),
      record('unchanged', '2026-11-24T03:00:01.000Z', '2026-11-01T00:00:00.000Z'),
      record('young', '2026-11-24T02:00:00.000Z'),
      record('old', '2026-11-23T00:00:00.000Z'),
      // Gone for the first time: its last body stands in.
      record('dead', '2026-11-24T02:00:00.000Z'),
    ),
    final: byId(dead),
    // Healed afterwards: its earlier trouble is no fate.
    tried: byId(lost, droppedUrl(url('brought'), 'timeout', 'brought did not answer')),
  });

  test('gives every URL exactly one fate, and the sums agree', () => {
    expect(sealed.counts).toEqual({
      ...{ urls: 7, pages: 5, fetched: 1, revalidated: 1, reused: 1, dropped: 2 },
      ...{ new: 1, changed: 0, unchanged: 2, goneOnce: 1, gone: 0, stale: 1 },
    });
    // Every page came, or its last body stands in; and each is new, changed, unchanged or that.
    const { pages, fetched, revalidated, reused, goneOnce, stale } = sealed.counts;
    expect(pages).toBe((fetched ?? 0) + (revalidated ?? 0) + (reused ?? 0) + (goneOnce ?? 0) + (stale ?? 0));
    expect([...sealed.pages, ...sealed.dropped].map(({ id }) => id).sort()).toEqual(urls.map(pageId).sort());
    expect(sealed.reasons).toEqual({ timeout: 1, interrupted: 1 });
    expect(Object.values(sealed.reasons).reduce((a, b) => a + b)).toBe(sealed.dropped.length);
  });

  test('sorts by id whatever the order of the URLs', () => {
    const ids = sealed.pages.map(({ id }) => id);
    expect(ids).toEqual([...ids].sort());
    const turned = sealFates([...urls].reverse(), WINDOW, {
      records: byId(record('brought', '2026-11-24T03:00:01.000Z'), record('young', '2026-11-24T02:00:00.000Z')),
      final: byId(),
      tried: byId(),
    });
    expect(turned.pages.map(({ id }) => id)).toEqual([pageId(url('brought')), pageId(url('young'))].sort());
  });
});
