import { outsideCode } from '../../lib/code-spans';
import { withoutLinks, withoutStrong, withoutTags } from '../../lib/inline-marks';
import { headingOf } from '../../lib/markdown-heading';
import { createRandom } from '../../lib/random';

/** Texts of scraps that meet in every order. */
const texts = (scraps: readonly string[], count: number): string[] => {
  const { below } = createRandom(11);
  return Array.from({ length: count }, () => Array.from({ length: 1 + below(14) }, () => scraps[below(scraps.length)]!).join(''));
};

/** What the scanners stand for, as patterns that search from every mark. */
const IMAGE = /!\[[^\]]{0,500}\]\([^)\s]{0,2000}(?:\s+"[^"]{0,500}")?\)/g;
const LINK = /\[([^\]]{0,500})\]\([^)\s]{0,2000}(?:\s+"[^"]{0,500}")?\)/g;
const STRONG = /(\*\*\*|\*\*|___|__)(?=\S)(.{1,500}?)(?<=\S)\1/g;

test('finds the links and images that a search from every bracket finds', () => {
  const scraps = ['[', ']', '(', ')', '](', '![', 'a', ' ', '"', '\n', '[a](b)', '![x](y "t")', ' "t")', 'x'.repeat(499), 'y'.repeat(1999)];
  for (const text of texts(scraps, 20_000)) {
    expect(withoutLinks(text, true)).toBe(text.replace(IMAGE, ''));
    expect(withoutLinks(text)).toBe(text.replace(LINK, '$1'));
  }
});

test('finds the strong emphasis that a search from every mark finds', () => {
  for (const text of texts(['*', '**', '***', '_', '__', '___', 'a', ' ', '\n', 'b.', 'x'.repeat(498), '****'], 20_000))
    expect(withoutStrong(text)).toBe(text.replace(STRONG, '$2'));
});

test('finds the tags that a search from every bracket finds', () => {
  const tag = /<\/?(a|abbr|br|h[1-6])(?:\s[^>]{0,300})?\/?>/gi;
  const scraps = ['<', '</', '>', '/>', 'a', 'BR', '<br>', '<br/>', '<abbr ', ' ', '\n', 'href="x"', 'h2', '/', '='.repeat(298), 'file'];
  for (const text of texts(scraps, 20_000))
    expect(withoutTags(text)).toBe(text.replace(tag, (_, name: string) => (name.toLowerCase() === 'br' ? '\n' : '')));
});

test.each([
  ['a `b` c', 'A `b` C'],
  ['`` a`b `` c', '`` a`b `` C'],
  ['a `b', 'A `B'],
  ['a ``b` c', 'A ``B` C'],
  ['a `b``` c` d', 'A `b``` c` D'],
  [`\`${'a'.repeat(2001)}\``, `\`${'A'.repeat(2001)}\``],
  ['', ''],
])('takes the code spans of %j for what they are', (text, expected) => {
  expect(outsideCode(text, (part) => part.toUpperCase())).toBe(expected);
});

test.each([
  ['# A', { level: 1, text: 'A', anchor: null }],
  ['   ###\tA b  ##  ', { level: 3, text: 'A b', anchor: null }],
  ['# A#b', { level: 1, text: 'A#b', anchor: null }],
  ['# # b #', { level: 1, text: '# b', anchor: null }],
  ['##', { level: 2, text: '', anchor: null }],
  ['# A [¶](#a "Link")', { level: 1, text: 'A', anchor: 'a' }],
  ['# [A b](#a)', { level: 1, text: 'A b', anchor: 'a' }],
  ['# f(x)', { level: 1, text: 'f(x)', anchor: null }],
  ['#A', null],
  ['####### A', null],
  ['    # A', null],
])('reads %j as a heading or none', (line, heading) => {
  expect(headingOf(line)).toEqual(heading);
});
