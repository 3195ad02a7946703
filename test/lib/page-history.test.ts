import type { Fetch } from '../../contracts/records';
import { sha256 } from '../../lib/hash';
import { changeOf, isTombstone, saysGone, withGone, withHistory } from '../../lib/page-history';

const answer = (body: string, at: string): Fetch => ({
  schema: 1,
  id: sha256('https://example.com/'),
  url: 'https://example.com/',
  finalUrl: 'https://example.com/',
  status: 200,
  fetchedAt: at,
  checkedAt: at,
  etag: null,
  lastModified: null,
  provider: 'direct',
  page: {
    schema: 1,
    id: sha256('https://example.com/'),
    url: 'https://example.com/',
    bodySha256: sha256(body),
    bodyBytes: 1,
    format: 'html',
    charset: null,
  },
});
const [ONE, TWO, THREE] = ['2026-11-24T03:00:00.000Z', '2026-11-25T03:00:00.000Z', '2026-11-26T03:00:00.000Z'];

test('the first body is new, the same bytes again are unchanged, others are changed and name what was before', () => {
  const first = withHistory(answer('a', ONE), null);
  expect(changeOf(first, ONE)).toBe('new');
  const second = withHistory(answer('a', TWO), first);
  expect(changeOf(second, TWO)).toBe('unchanged');
  const third = withHistory(answer('b', THREE), second);
  expect(changeOf(third, THREE)).toBe('changed');
  expect(third.before).toEqual({ bodySha256: sha256('a'), checkedAt: TWO });
});

test('a record of a release without history counts as unchanged, not as new', () => {
  expect(changeOf(withHistory(answer('a', TWO), answer('a', ONE)), TWO)).toBe('unchanged');
});

test('two runs in a row make a tombstone, one run that says it twice does not, and an answer in between forgives', () => {
  const once = withGone(answer('a', ONE), TWO, 'not_found');
  expect([isTombstone(once), isTombstone(withGone(once, TWO, 'not_found'))]).toEqual([false, false]);
  const twice = withGone(once, THREE, 'gone');
  expect(isTombstone(twice)).toBe(true);
  expect(twice.gone).toEqual({ since: TWO, seenAt: THREE, reason: 'gone' });
  expect(withHistory(answer('a', THREE), once).gone).toBeUndefined();
});

test('a page that comes back from its tombstone is new, with the same body too', () => {
  const tombstone = withGone(withGone(answer('a', ONE), ONE, 'gone'), TWO, 'gone');
  const back = withHistory({ ...tombstone, checkedAt: THREE }, tombstone);
  expect([changeOf(back, THREE), back.gone]).toEqual(['new', undefined]);
});

test.each([
  ['not_found', true],
  ['gone', true],
  ['dead_page', true],
  ['forbidden', false],
  ['robots_denied', false],
  ['timeout', false],
  ['unknown_host', false],
])('the reason %s says that a page is gone: %s', (reason, expected) => expect(saysGone(reason)).toBe(expected));
