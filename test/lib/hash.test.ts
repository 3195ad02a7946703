import { canonical, digest, hashable, sha256, stageKey } from '../../lib/hash';

describe('canonical JSON', () => {
  it.each([
    [{ b: 1, a: [true, null, 'x'] }, '{"a":[true,null,"x"],"b":1}'],
    [{ a: undefined, b: -0 }, '{"b":0}'],
    [{ '\u{1F600}': 1, '\uFB33': 2 }, '{"\u{1F600}":1,"\uFB33":2}'], // by UTF-16 code units, as RFC 8785 sorts
    ['\ud800 \u{1F600} \x7f\u2028', '"\\ud800 \u{1F600} \x7f\u2028"'],
    ['\u20ac$\u000f\nA"\\', '"€$\\u000f\\nA\\"\\\\"'],
  ])('writes %j as %s', (value, text) => {
    expect(canonical(value)).toBe(text);
  });

  it.each([0.1, Number.NaN, 2 ** 53, Infinity])('refuses the number %p, which other languages print differently', (value) => {
    expect(() => canonical({ value })).toThrow(RangeError);
  });

  it('takes fractions as decimal strings', () => {
    expect(canonical(hashable({ lr: 2e-4, tiny: 1e-7, list: [0.5, 3] }))).toBe('{"list":["0.5",3],"lr":"0.0002","tiny":"1e-7"}');
  });
});

it('does not depend on the order in which fields were written', () => {
  expect(digest({ a: 1, b: { c: 2, d: 3 } })).toBe(digest({ b: { d: 3, c: 2 }, a: 1 }));
});

it('gives a stage the same key on every machine', () => {
  const parts = { verb: 'train', version: 1, config: { 'train.lr': 5e-4 }, inputs: { format: sha256('x') } };
  expect(stageKey(parts)).toBe(sha256(`{"config":{"train.lr":"0.0005"},"inputs":{"format":"${sha256('x')}"},"verb":"train","version":1}`));
  expect(stageKey({ ...parts, version: 2 })).not.toBe(stageKey(parts));
});
