import { bucketCount, bucketName, bucketOf, canonicalUrl, pageId } from '../../lib/url';
import { sha256 } from '../../lib/hash';

describe('canonicalUrl', () => {
  test.each([
    ['HTTP://Example.COM:80/a/../b/./c#top', 'http://example.com/b/c'],
    ['https://example.com', 'https://example.com/'],
    ['https://example.com/?', 'https://example.com/'],
    ['https://example.com:8443/x', 'https://example.com:8443/x'],
    ['https://example.com/%7euser/%e2%82%ac', 'https://example.com/~user/%E2%82%AC'],
    ['https://example.com/a%2fb', 'https://example.com/a%2Fb'],
    ['https://example.com/?b=2&utm_source=x&a=1&fbclid=y', 'https://example.com/?b=2&a=1'],
    ['https://example.com/?utm_source=x', 'https://example.com/'],
    ['https://bücher.example/ü', 'https://xn--bcher-kva.example/%C3%BC'],
    [' https://example.com/trim ', 'https://example.com/trim'],
  ])('writes %s as %s', (given, expected) => expect(canonicalUrl(given)).toBe(expected));

  test.each(['ftp://example.com/', 'file:///etc/passwd', 'nonsense', '', 'https://user:secret@example.com/', 'javascript:alert(1)'])(
    'refuses %s',
    (given) => expect(canonicalUrl(given)).toBeNull(),
  );

  // URL.canParse of Node 20.20 fails this after some five thousand calls.
  test('does not tire of letters beyond ASCII', () => {
    let refused = 0;
    for (let index = 0; index < 50_000; index++) if (canonicalUrl('https://bücher.example/ü') === null) refused += 1;
    expect(refused).toBe(0);
  });

  test('changes nothing when applied twice', () => {
    for (const url of ['https://example.com/%25%7e?x=%7E&y', 'http://a.b/?q=a+b&q=c'])
      expect(canonicalUrl(canonicalUrl(url) as string)).toBe(canonicalUrl(url));
  });
});

describe('buckets', () => {
  const ids = Array.from({ length: 5000 }, (_, index) => sha256(String(index)));

  test('hold at most the asked number of pages', () => {
    const buckets = bucketCount(ids, 1000);
    expect(buckets).toBe(8);
    const sizes = new Map<number, number>();
    for (const id of ids) sizes.set(bucketOf(id, buckets), (sizes.get(bucketOf(id, buckets)) ?? 0) + 1);
    expect(Math.max(...sizes.values())).toBeLessThanOrEqual(1000);
    expect([...sizes.values()].reduce((a, b) => a + b)).toBe(5000);
  });

  test('split into two neighbours when their number doubles', () => {
    for (const id of ids) expect(Math.floor(bucketOf(id, 16) / 2)).toBe(bucketOf(id, 8));
  });

  test('have all their numbers in range at both ends', () => {
    expect(bucketOf('0'.repeat(64), 1024)).toBe(0);
    expect(bucketOf('f'.repeat(64), 1024)).toBe(1023);
    expect(bucketOf('f'.repeat(64), 1)).toBe(0);
    expect(bucketName(3, 8)).toBe('3-of-8');
  });

  test('are refused when their number is no power of two', () => expect(() => bucketOf(ids[0] as string, 3)).toThrow(RangeError));

  test('come from an id that is the sha256 of the address', () =>
    expect(pageId('https://example.com/')).toBe('0f115db062b7c0dd030b16878c99dea5c354b49dc37b38eb8846179c7783e9d7'));
});
