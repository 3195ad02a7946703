import { foldVariants, otherName, outerRoots } from '../../lib/variants';

const S = 'https://example.org';
const fetched = (url: string, finalUrl: string, canonical: string | null = null) => ({ url: S + url, finalUrl, canonical });

test.each([
  ['itself', fetched('/a', `${S}/a`, `${S}/a`), null],
  ['no word', fetched('/a', `${S}/a`), null],
  ['where the redirect led', fetched('/a', `${S}/b?utm_source=x`), `${S}/b`],
  ['its canonical link', fetched('/a?print=1', `${S}/a?print=1`, `${S}/a`), `${S}/a`],
  [
    'the link of the page behind the redirect',
    fetched('/a', 'https://www.example.org/b', 'https://www.example.org/c'),
    'https://www.example.org/c',
  ],
  ['a link to another site is not believed', fetched('/a', `${S}/a`, 'https://other.test/a'), null],
  ['a link to the front page is not believed of another page', fetched('/a', `${S}/a`, `${S}/`), null],
  ['a link to the front page is believed of its own spelling', fetched('/index.html', `${S}/index.html`, `${S}/`), `${S}/`],
  ['a file is only itself', { url: 'files:///a.html', finalUrl: 'files:///a.html', canonical: null }, null],
])('%s', (_, fetch, expected) => {
  expect(otherName(fetch)).toBe(expected);
});

const fold = (names: Record<string, string>, pages: string[] = []): Record<string, string> => {
  const map = new Map(Object.entries(names));
  const folded = foldVariants(map, (url) => pages.includes(url));
  // The order in which pages were found must not matter.
  const reversed = foldVariants(new Map(Object.entries(names).reverse()), (url) => pages.includes(url));
  expect(Object.fromEntries([...reversed].sort())).toEqual(Object.fromEntries([...folded].sort()));
  return Object.fromEntries([...folded].sort());
};

test('the page that others name stays; without it the first of them', () => {
  expect(fold({ a1: 'a', a2: 'a' }, ['a'])).toEqual({ a1: 'a', a2: 'a' });
  expect(fold({ a2: 'a', a1: 'a' })).toEqual({ a2: 'a1' });
  expect(fold({ a1: 'a' })).toEqual({});
});

test('names of names lead to one page, circles to the least', () => {
  expect(fold({ a: 'b', b: 'c' }, ['c'])).toEqual({ a: 'c', b: 'c' });
  expect(fold({ b: 'a', a: 'b' })).toEqual({ b: 'a' });
  expect(fold({ x: 'c', c: 'b', b: 'c' })).toEqual({ c: 'b', x: 'b' });
  expect([
    ...outerRoots(
      new Map([
        ['a', 'b'],
        ['b', 'c'],
        ['d', 'a'],
      ]),
    ),
  ]).toEqual(['c']);
});

test('a long chain ends, and nothing is its own duplicate', () => {
  const names = Object.fromEntries(Array.from({ length: 500 }, (_, number) => [`p${number}`, `p${number + 1}`]));
  const folded = fold(names, ['p500']);
  expect(Object.keys(folded).length).toBe(500);
  expect(Object.entries(folded).every(([page, stays]) => page !== stays)).toBe(true);
});
