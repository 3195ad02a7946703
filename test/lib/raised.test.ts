import { parseHtml } from '../../lib/html';
import { inlineText } from '../../lib/inline-text';

const prose = (html: string): string => {
  const [raw] = parseHtml(`<p>${html}</p>`).blocks;
  if (raw?.block.type !== 'prose') throw new Error('no prose');
  return raw.block.text;
};

const POWERS: [html: string, text: string][] = [
  ['at most 2<sup>31</sup>-1 rows', 'at most 2^31-1 rows'],
  ['within 10<sup>-9</sup> seconds', 'within 10^-9 seconds'],
  ['<em>x</em><sup>16</sup> + x<sup>n</sup>', 'x^16 + x^n'],
  ['(a + b)<sup>n - 1</sup>', '(a + b)^(n - 1)'],
  ['<a href="other.html">2<sup>10</sup></a>', '2^10'],
];
const NO_POWERS: [html: string, text: string][] = [
  ['the 2<sup>nd</sup> and the n<sup>th</sup>', 'the 2nd and the nth'],
  ['GLOB<sup>5</sup> and call()<sup>1</sup>', 'GLOB5 and call()1'],
  ['Java<sup>TM</sup>', 'JavaTM'],
  ['H<sub>2</sub>O', 'H2O'],
  ['2 <sup>a</sup>', '2 a'],
];

test.each([...POWERS, ...NO_POWERS])('HTML: %s', (html, text) => expect(prose(html)).toBe(text));

test('the number of a note, which is a link, is no exponent', () => {
  expect(prose('in 1998<sup><a href="#note">1</a></sup>')).toBe('in 19981');
});

test('code too has exponents, but where it is a block it is exact', () => {
  expect(prose('below <code>2<sup>31</sup></code> bytes')).toBe('below `2^31` bytes');
  expect(parseHtml('<pre>2<sup>31</sup></pre>').blocks[0]?.block).toMatchObject({ type: 'code', text: '231' });
});

test.each<[string, string]>([
  ['at most 2<sup>31</sup>-1 rows', 'at most 2^31-1 rows'],
  ['*x*<sup>16</sup>, the 2<sup>nd</sup>', 'x^16, the 2nd'],
  ['`2<sup>31</sup>`', '`2<sup>31</sup>`'],
])('Markdown: %s', (markdown, text) => expect(inlineText(markdown)).toBe(text));
