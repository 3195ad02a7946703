import { renderExample } from '../../lib/harmony';
import { escapeHtml, markup, safeHref } from '../../lib/markup';
import { previewAnsi, previewHtml, tokenTexts } from '../../lib/preview';
import { readVocabulary } from '../../lib/vocabulary';
import { decodeIds } from '../../lib/tokens';

const render = (user: string, answer: string) => ({
  example: 'e'.repeat(64),
  ...renderExample(
    [
      { role: 'user', content: user },
      { role: 'assistant', content: answer },
    ],
    { date: null, reasoning: 'low' },
  ),
});

test('the texts of all tokens together are the example, characters whole', () => {
  const row = render('Was ist 語?', 'Das 👩‍🚀 ist es.');
  const texts = tokenTexts(row);
  expect(texts.map(({ text }) => text).join('')).toBe(decodeIds(row.ids));
  expect(
    texts
      .filter(({ role }) => role === 2)
      .map(({ text }) => text)
      .join(''),
  ).toBe('Das 👩‍🚀 ist es.');
  expect(texts.some(({ text }) => text.includes('\ufffd'))).toBe(false);
});

test('a terminal sees roles in colours, and no control sequence of a page', () => {
  const row = render('\u001b[31mred\u0007\u009b2J', 'Yes.');
  const shown = previewAnsi(row);
  expect(shown).toContain('\u001b[32mYes.');
  expect(shown).not.toContain('\u001b[31m');
  expect(shown.replaceAll('\u001b', '')).not.toMatch(/[^\P{Cc}\n\t]/u);
  expect(shown).toContain('␛[31mred␇');
  expect(shown).toContain(`6 of ${row.ids.length} tokens are supervised`);
  expect(previewAnsi(row, undefined, false)).toContain('assistant⟦<|channel|>final<|message|>Yes.<|return|>⟧\n');
});

test('what turns text around or cannot be seen is shown by its number, on a terminal and in HTML', () => {
  const row = render('a\u202eb\u200bc', 'd\u2066e\ufefff 👩\u200d🚀');
  for (const shown of [previewAnsi(row), previewHtml([row])]) {
    for (const name of ['⟨U+202E⟩', '⟨U+200B⟩', '⟨U+2066⟩', '⟨U+FEFF⟩']) expect(shown).toContain(name);
    expect(shown).not.toMatch(/[\u202e\u200b\u2066\ufeff]/);
  }
});

test('HTML of a mask is escaped', () => {
  const page = previewHtml([render('<script>alert(1)</script>', `"><img onerror='x'>`)]);
  expect(page).not.toMatch(/<script|<img/);
  expect(page).toContain('<span class="r0" title="200006">&lt;|start|&gt;</span>');
});

test('markup escapes every value, embeds markup and lists, and leaves out null', () => {
  const list = ['<b>', 'x'].map((item) => markup`<li>${item}</li>`);
  expect(markup`<ul title="${'"quoted"'}">${list}${null}${3}</ul>`.html).toBe(
    '<ul title="&quot;quoted&quot;"><li>&lt;b&gt;</li><li>x</li>3</ul>',
  );
  expect(escapeHtml(`<a href='x'>&\0\ud800`)).toBe('&lt;a href=&#39;x&#39;&gt;&amp;\ufffd\ufffd');
  expect(markup`${'</style>'}`.html).toBe('&lt;/style&gt;');
});

test.each([
  ['https://example.org/a?b=c#d', true],
  ['http://npm-manual.localhost/x', true],
  ['javascript:alert(1)', false],
  ['https://x"onmouseover="y', false],
  ['data:text/html,x', false],
])('%s may be linked: %s', (url, safe) => {
  expect(safeHref(url)).toBe(safe ? url : null);
});

test('other vocabularies are read from tokenizer.json: byte-level and SentencePiece-like', () => {
  const text = (of: (id: number) => Uint8Array, ids: number[]): string => ids.map((id) => Buffer.from(of(id)).toString()).join('');
  const byteLevel = readVocabulary({ model: { vocab: { hi: 0, Ġthere: 1, Ċ: 2 } }, added_tokens: [{ id: 3, content: '<|im_end|>' }] });
  expect(text(byteLevel, [0, 1, 2, 3, 9])).toBe('hi there\n<|im_end|><?9>');
  const pieces = readVocabulary({ model: { vocab: { '▁hi': 0, '<0x0A>': 1 } } });
  expect(text(pieces, [0, 1])).toBe(' hi\n');
  expect(() => readVocabulary({ model: {} })).toThrow();
});
