import { compilePattern, compilePatterns } from '../../lib/pattern';

test.each([
  ['https://example.org/docs/**', 'https://example.org/docs/a/b.html', true],
  ['https://example.org/docs/**', 'https://example.org/docs/', true],
  ['https://example.org/docs/**', 'https://example.org/doc', false],
  ['https://example.org/docs/*', 'https://example.org/docs/a.html', true],
  ['https://example.org/docs/*', 'https://example.org/docs/a/b.html', false],
  ['https://*.example.org/**', 'https://www.example.org/a', true],
  ['https://*.example.org/**', 'https://evil.test/x.example.org/a', false],
  ['**/api/**', 'https://example.org/v1/api/x', true],
  ['/docs/*.html', 'https://example.org/docs/a.html', true],
  ['/docs/*.html', 'http://other.test/docs/a.html', true],
  ['/docs/*.html', 'https://example.org/docs/a.html?x=1', false],
  ['/docs/a?x=*', 'https://example.org/docs/a?x=1', true],
  ['/docs/a?x=*', 'https://example.org/docs/ab', false],
  ['/', 'https://example.org/', true],
  ['/', 'https://example.org/a', false],
  ['/a*b*c', 'https://example.org/aXXbXbYc', true],
  ['/a*b*c', 'https://example.org/aXXc', false],
  ['/*/*', 'https://example.org/a', false],
  ['/größe/**', 'https://example.org/gr%C3%B6%C3%9Fe/a', true],
  ['/gr%c3%b6%c3%9fe/%7euser*', 'https://example.org/gr%C3%B6%C3%9Fe/~user1', true],
  ['/\uD800*', 'https://example.org/%EF%BF%BD', true],
  ['/a b/*', 'https://example.org/a%20b/c', true],
  ['HTTPS://Example.ORG:443/Docs/**', 'https://example.org/Docs/a', true],
  ['HTTPS://Example.ORG/Docs/**', 'https://example.org/docs/a', false],
  ['https://bücher.example/**', 'https://xn--bcher-kva.example/a', true],
  ['https://*.Example.org/**', 'https://a.example.org/b', true],
  ['https://example.org:8443/*', 'https://example.org:8443/a', true],
  ['files:///docs/**', 'files:///docs/a.md', true],
  ['/docs/**', 'files:///docs/a.md', true],
  ['a.b', 'axb', false],
])('%s and %s: %s', (pattern, url, fits) => {
  expect(compilePattern(pattern)(url)).toBe(fits);
});

test('one of several is enough, none of none', () => {
  expect(compilePatterns(['/a', '/b'])('https://x/b')).toBe(true);
  expect(compilePatterns([])('https://x/b')).toBe(false);
});

test('the same answer as a regular expression gives, for any pattern', () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return Math.floor((seed / 2147483648) * below);
  };
  const text = (letters: string, length: number): string => Array.from({ length }, () => letters[random(letters.length)]).join('');
  let fitting = 0;
  for (let round = 0; round < 5000; round += 1) {
    const pattern = text('ab/**', 1 + random(7)).replace(/^\//, 'a');
    const url = text('ab/', random(9));
    const source = pattern.replace(/\*+/g, (stars) => (stars.length > 1 ? '.*' : '[^/]*'));
    const expected = new RegExp(`^${source}$`).test(url);
    fitting += expected ? 1 : 0;
    expect([pattern, url, compilePattern(pattern)(url)]).toEqual([pattern, url, expected]);
  }
  expect(fitting).toBeGreaterThan(500);
});
