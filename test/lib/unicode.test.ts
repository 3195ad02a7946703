import { composed } from '../../lib/unicode';

test('every character comes out as NFC has it, alone and between a letter and a mark', () => {
  const wrong: string[] = [];
  for (let code = 0; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const sign = String.fromCodePoint(code);
    for (const text of [sign, `a${sign}`, `${sign}\u0301`, `e${sign}o`])
      if (composed(text) !== text.normalize('NFC')) wrong.push(code.toString(16));
  }
  expect(wrong).toEqual([]);
});

test('what a long text holds is composed too', () => {
  expect(composed(`a dash \u2013 and cafe\u0301`)).toBe('a dash \u2013 and caf\u00e9');
});
