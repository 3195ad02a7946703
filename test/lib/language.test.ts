import { cleanText } from '../../lib/clean';
import { sha256 } from '../../lib/hash';
import { languageOf } from '../../lib/language';
import { pair, type PairOptions, type Paired } from '../../lib/pair';
import { splitSections } from '../../lib/sections';
import { PipelineInput } from '../../contracts/input';
import type { Section } from '../../contracts/records';

const ENGLISH = 'The box is opened with a key, and it stays open until the lid is closed by the person who opened it.';
const GERMAN =
  'Die Kiste wird mit einem Schlüssel geöffnet und bleibt offen, bis der Deckel von der Person geschlossen wird, die sie geöffnet hat.';

test.each([
  ['en', ENGLISH],
  ['de', GERMAN],
  ['fr', 'La boîte est ouverte avec une clé, et elle reste ouverte dans la pièce pour que les personnes qui sont là puissent la voir.'],
  ['es', 'La caja se abre con una llave y queda abierta para que las personas que están en la sala puedan verla cuando quieran.'],
  ['ru', 'Ящик открывается ключом и остаётся открытым, пока его не закроют.'],
  ['ja', '箱は鍵で開けられ、閉じられるまで開いたままになります。これは重要です。'],
  ['zh', '盒子用钥匙打开，并且一直保持打开状态，直到有人把它关上为止。这一点很重要。'],
])('%s is told by its script or its commonest words', (language, text) => {
  expect(languageOf(text)).toBe(language);
});

test('too little text, and text of nothing but names, is no language', () => {
  expect(languageOf('npm install')).toBeNull();
  expect(languageOf('foo bar baz qux quux corge grault garply waldo fred plugh xyzzy thud one two')).toBeNull();
});

const OPTIONS: PairOptions = PipelineInput.parse({ pair: { minChars: 20 } }).pair;
const sections = (url: string, html: string): Section[] => {
  const id = sha256(url);
  const result = cleanText({ schema: 1, id, url, bodySha256: id, bodyBytes: 0, format: 'html', charset: null }, html, { minWords: 1 });
  if (!result.keep) throw new Error(result.reason);
  return splitSections(result.document);
};
const english = (index: number): Section[] =>
  sections(`http://s.test/en${index}`, `<h1>Boxes ${index}</h1><h2>Lids of box ${index}</h2><p>${ENGLISH} Number ${index}.</p>`);
const german = (index: number): Section[] =>
  sections(
    `http://s.test/de${index}`,
    `<h1>Kisten</h1><h2>Deckel öffnen ${index}</h2><p>${GERMAN} Nummer ${index}.</p><h2>Warum klemmt der Deckel ${index}?</h2><p>${GERMAN}</p><dl><dt>Schloss ${index}</dt><dd>${GERMAN}</dd></dl>`,
  );
const asked = ({ pairs }: Paired): string[] => pairs.map(({ instruction }) => instruction);

test('a page in another language than most of its site is dropped with its reason, or kept where the input says so', () => {
  const all = [...[1, 2, 3].flatMap(english), ...german(1)];
  const strict = pair(all, OPTIONS);
  expect(strict.counts['other_language']).toBe(german(1).length);
  expect(asked(strict).join(' ')).not.toContain('Deckel');
  expect(asked(pair(all, { ...OPTIONS, otherLanguages: 'keep' })).join(' ')).toContain('Deckel');
});

test('a site that is not in English is asked in its own language, and in English only on demand', () => {
  const questions = asked(pair(german(1), OPTIONS));
  expect(questions.length).toBeGreaterThanOrEqual(2);
  for (const question of questions) expect(question).toMatch(/^(?:Was|Kannst|Warum) /);
  expect(questions).toContainEqual(expect.stringMatching(/„Deckel öffnen 1“.*\(Kisten\)\?$/));
  expect(asked(pair(german(1), { ...OPTIONS, questions: 'english' })).some((question) => /^(?:What|Can|How)/.test(question))).toBe(true);
});

test('an answer in a script without spaces is scored by its characters', () => {
  const text = '箱は鍵で開けられ、閉じられるまで開いたままになります。これはとても重要です。';
  const { pairs } = pair(sections('http://s.test/ja', `<h1>箱の使い方</h1><h2>箱を開ける</h2><p>${text}${text}</p>`), OPTIONS);
  expect(pairs.map(({ instruction }) => instruction)).toEqual([expect.stringContaining('「箱を開ける」')]);
});
