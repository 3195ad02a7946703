// Which language a text is in: by its script, and among languages of Latin script by their commonest short words.
// Coarse on purpose: it tells German from English, not Bokmål from Danish.
import { isAscii } from './unicode';

const SCRIPTS: readonly (readonly [string, RegExp])[] = [
  ['ja', /[\p{Script=Hiragana}\p{Script=Katakana}]/gu],
  ['zh', /\p{Script=Han}/gu],
  ['ko', /\p{Script=Hangul}/gu],
  ['ru', /\p{Script=Cyrillic}/gu],
  ['el', /\p{Script=Greek}/gu],
  ['ar', /\p{Script=Arabic}/gu],
  ['he', /\p{Script=Hebrew}/gu],
  ['hi', /\p{Script=Devanagari}/gu],
  ['th', /\p{Script=Thai}/gu],
];

/** Words that stand in nearly every paragraph of the one language and hardly in another. */
const COMMON: readonly (readonly [string, readonly string[]])[] = (
  [
    ['en', 'the of and to is in that it for with this are as be you by or if not when which from can will has'],
    ['de', 'der die das und ist nicht ein eine mit für auf den dem wird werden von zu sich auch wenn oder kann sie bei als'],
    ['fr', 'le la les des une est dans pour qui que sur avec par pas vous cette sont être plus ou et du au ce peut'],
    ['es', 'el la los las una es en para que con por se del como más este esta pero son puede cuando su'],
    ['it', 'il la di che è per una con non sono del della nel come più questo può essere gli si da anche'],
    ['pt', 'o os uma é em para que com não por do da no na se como mais este pode são você quando dos'],
    ['nl', 'de het een en van is dat niet op te met voor zijn wordt aan ook als bij kan deze worden door'],
    ['pl', 'nie jest się na do że to jak przez dla jest oraz są może który'],
    ['sv', 'och att det som en är för med på av inte den kan om ett till har eller'],
  ] as const
).map(([language, words]) => [language, [...new Set(words.split(' '))]] as const);

/** The languages, by place in COMMON, that a word is common in. */
const SPOKEN = new Map<string, number[]>();
COMMON.forEach(([, common], place) => {
  for (const word of common) SPOKEN.set(word, [...(SPOKEN.get(word) ?? []), place]);
});
const LONGEST = Math.max(...Array.from(SPOKEN.keys(), (word) => word.length));

/** Latin letters, and the signs and spaces of all scripts: none of SCRIPTS. */
const LATIN = /[\0-\u036f\u2000-\u206f]+/g;

/** Fewer words decide nothing. */
const LEAST_WORDS = 12;

/** BCP 47 of a text; null where there is too little of it, or nothing known. Code is for the caller to leave out. */
export const languageOf = (text: string): string | null => {
  const part = text.slice(0, 20_000);
  const words = part.toLowerCase().match(isAscii(part) ? /[a-z]+/g : /\p{L}+/gu) ?? [];
  // In code points, of which those above U+FFFF take two places. No letter becomes two in lower case.
  const letters = /[\ud800-\udfff]/.test(part) ? (part.match(/\p{L}/gu) ?? []).length : words.reduce((sum, word) => sum + word.length, 0);
  if (letters < 20) return null;
  const foreign = part.replace(LATIN, '');
  if (foreign !== '')
    for (const [language, script] of SCRIPTS) {
      const share = (foreign.match(script) ?? []).length / letters;
      // Japanese mixes two scripts: a few kana tell it from Chinese.
      if (share >= (language === 'ja' ? 0.1 : 0.3)) return language;
    }
  if (words.length < LEAST_WORDS) return null;
  const counts = COMMON.map(() => 0);
  for (const word of words) {
    const places = word.length > LONGEST ? undefined : SPOKEN.get(word);
    if (places !== undefined) for (const place of places) counts[place]! += 1;
  }
  const scores = COMMON.map(([language], place) => [language, counts[place]! / words.length] as const).sort(
    ([a, m], [b, n]) => n - m || (a < b ? -1 : 1),
  );
  const [best, next] = scores;
  return best !== undefined && best[1] >= 0.1 && best[1] >= 1.3 * (next?.[1] ?? 0) ? best[0] : null;
};
