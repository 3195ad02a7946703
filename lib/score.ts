// How good a pair is, by rules: reasons not to keep it, and a score between 0 and 1.
import { CODE_SPAN, plain, withoutFences, wordCount, words } from './blocks';
import type { Candidate } from './kinds';
import { isWhole, sentences } from './sentences';

export type PairReason =
  | 'too_short'
  | 'dangling_reference'
  | 'unbalanced_code'
  | 'navigation'
  | 'question_answer_overlap'
  | 'repetition'
  | 'low_score'
  | 'quota_page'
  | 'quota_kind'
  | 'duplicate_question'
  | 'duplicate_response';

const STOP: ReadonlySet<string> = new Set(
  `a an and are as at be been but by can could did do does for from had has have he her his how i if in into is it its me my not of on or our say she should so such than that
the their them then there these they this those to under use used using was we were what when where which who why will with would you your tell about explain show please mean`.split(
    /\s+/,
  ),
);

const contentWords = (text: string): Set<string> => {
  const all =
    plain(text)
      .toLowerCase()
      .match(/[\p{L}\p{N}_]+/gu) ?? [];
  const found = new Set<string>();
  for (const word of all) if (word.length > 1 && !STOP.has(word)) found.add(word);
  return found;
};

const POINTS_AWAY =
  /\b(?:(?:see|as|characterized|defined|described|given|introduced|mentioned|discussed|explained|seen|shown|listed|noted|stated|outlined) (?:above|below|earlier|previously)|the (?:above|previous|preceding|aforementioned) (?:sections?|examples?|paragraphs?|code|commands?|tables?|lists?)|(?:previous|preceding|next) (?:section|chapter|page)|documentation (?:for|of) (?:this|that) \w+ (?:has moved|command|class)|(?:section|page|document|article|content) (?:has been|was|is) (?:moved|deprecated|reorgani[sz]ed|superseded))\b/i;
/** What stands on the page before the answer. */
const POINTS_BACK =
  /\b(?:above|earlier|previously|previous) (?:section|example|diagram|figure|discussion|table|list)s?\b|\b(?:the|this|these|those) (?:[\w'-]+ ){1,4}above\b/i;
/** Numbered sections and figures, wherever they are mentioned: no answer holds them. */
const POINTS_OUT =
  /\b(?:sections?|chapters?|figures?) \d+(?:\.\d+)* (?:above|below)\b|\b(?:diagram|figure|graph|illustration|picture|plot|image|chart|screenshot)s? (?:above|below)\b|\b(?:above|below) (?:diagram|figure|illustration|picture)s?\b|\b(?:above|below) this line\b/i;
/** Announces what a list, a table or code would hold. */
const ANNOUNCES_BLOCK =
  /\b(?:the following|as follows|following \p{L}+ (?:are|is|can|may|will|must|describes?))\b|\b(?:described|listed|given|defined|shown|discussed|explained|mentioned|see|sections?|variables?|options?|tables?|lists?|values?|notes?|examples?|functions?|methods?) below\b|\bbelow (?:that|are|is|describes?|lists?)\b/iu;
/** In every such announcement; far cheaper to look for. */
const MAY_ANNOUNCE = /follow|below/i;
/** Anything but paragraphs. */
const HOLDS_BLOCK = /^\s*(?:[-*|>]|\d+\.) |^`{3}/m;
const RELEASE = /\b\d+(?:\.\d+)+\b/;
/** Begins with the notes of a release. */
const OF_RELEASE = /^(?:changes|what.?s new|new|changed) in (?:version |release )?(\d+(?:\.\d+)+)\b/i;
/** Says of a text what it is about, not what it says. */
const ANNOUNCES =
  /^(?:(?:this|the following|the rest of this) (?:appendix|article|chapter|document|guide|howto|list|page|part|section|table|text)s? (?:also |briefly |simply )?(?:aims?|contains?|covers?|describes?|details|discusses|documents?|explains?|gives?|highlights?|introduces?|is (?:about|an? (?:index|introduction|list|overview|reference))|lists?|outlines?|presents?|provides?|shows?|summarizes?|supplements?|will)|here (?:is|are)|see|information (?:on|about|regarding)|discussion of) /i;
const STARTS_AWAY =
  /^(?:(?:however|but|and|also|therefore|otherwise|thus|hence|moreover|furthermore|instead|likewise|similarly|conversely|in that case|the (?:former|latter|above)|both of these|these|those|they|such)\b(?!-))/i;

const unbalanced = (response: string, prose: string): boolean => {
  if (!response.includes('`')) return false;
  const fences = response.match(/^`{3,}/gm) ?? [];
  return fences.length % 2 === 1 || prose.replace(CODE_SPAN, '').includes('`');
};

/** Share of the words that stand in three-word runs seen before. */
const repeated = (text: string): number => {
  const all = words(text.toLowerCase());
  if (all.length < 12) return 0;
  // Words by number, so that a run of three is a number too: below 2^17 different words each run has its own.
  const numbers = new Map<string, number>();
  const numbered = all.map((word) => {
    const known = numbers.get(word) ?? numbers.size;
    numbers.set(word, known);
    return known;
  });
  const width = Math.min(numbers.size, 2 ** 17);
  const seen = new Set<number>();
  let again = 0;
  for (let index = 0; index + 3 <= numbered.length; index++) {
    const run = (numbered[index]! * width + numbered[index + 1]!) * width + numbered[index + 2]!;
    if (seen.has(run)) again += 1;
    else seen.add(run);
  }
  return again / (all.length - 2);
};

const LEADS_ON = /^(?:used by|references|referenced by|see also|related|up|next|previous)\b:? (?:[^.]|\.(?=\S))*$/i;

const isLinksOnly = (prose: string, hasCode: boolean): boolean => {
  if (hasCode || prose === '') return false;
  if (prose.split('\n').every((line) => line.trim() === '' || LEADS_ON.test(line))) return true;
  const lines = prose.split('\n').filter((line) => line.trim() !== '');
  if (lines.length >= 2 && lines.every((line) => /^\s*[-*]\s.*\S+\.html?(?:#\S*)?$/.test(line))) return true;
  return (
    lines.length >= 2 &&
    lines.every(
      (line) =>
        /^\s*(?:[-*]|\d+\.)\s/.test(line) && words(line).length <= 5 && !/[.:]/.test(line.replace(/^\s*\d+\./, '').replace(/`[^`]*`/g, '')),
    )
  );
};

const ADDRESS = /\b(?:https?|git|ftp|mailto):\S+|\b\S+@\S+\.\w+|\bwww\.\S+/g;

const TEN_LETTERS = /^(?:\P{L}*\p{L}){10}/u;

/** Three lines of a table or a form that lost its lines: "server config", "Core", "core". */
const isLabels = (prose: string): boolean => {
  let run = 0;
  for (const part of prose.split(/\n{2,}/)) {
    run = /^[^-*|>`\d]/.test(part) && !/:\W*$/.test(part) && !isWhole(part) && part.length <= 40 && words(part).length <= 6 ? run + 1 : 0;
    if (run >= 3) return true;
  }
  return false;
};

/** What both the flaw and the score of a candidate look at, made once and only where it is looked at. */
class Reading {
  readonly prose: string;
  readonly hasCode: boolean;
  private readonly known: { said?: string[]; plain?: string[]; overlap?: { answered: number; shared: number }; repeated?: number } = {};

  constructor(readonly candidate: Candidate) {
    this.prose = withoutFences(candidate.response);
    this.hasCode = this.prose.length < candidate.response.trim().length;
  }

  /** The sentences of its prose. */
  get said(): readonly string[] {
    return (this.known.said ??= sentences(this.prose));
  }

  /** The same without marks of code. */
  get plainly(): readonly string[] {
    return (this.known.plain ??= this.said.map(plain));
  }

  /** How many words the answer has, and how many of them the question has too. */
  get overlap(): { answered: number; shared: number } {
    if (this.known.overlap !== undefined) return this.known.overlap;
    const asked = contentWords(this.candidate.instruction);
    const answered = contentWords(this.candidate.response);
    let shared = 0;
    for (const word of asked) if (answered.has(word)) shared += 1;
    return (this.known.overlap = { answered: answered.size, shared });
  }

  get repeated(): number {
    return (this.known.repeated ??= repeated(this.prose));
  }
}

const flawOf = (reading: Reading, minChars: number): PairReason | null => {
  const { kind, instruction, response } = reading.candidate;
  const { prose, hasCode } = reading;
  if (response.length < minChars) return 'too_short';
  if (unbalanced(response, prose)) return 'unbalanced_code';
  if (isLinksOnly(prose, hasCode) || isLabels(prose)) return 'navigation';
  if (!hasCode && !TEN_LETTERS.test(prose.replace(ADDRESS, ''))) return 'navigation';
  const { said, plainly } = reading;
  if (!hasCode && said.length > 0 && said.every((sentence) => ANNOUNCES.test(sentence) && words(sentence).length < 40)) return 'navigation';
  if (/:\s*$/.test(response)) return 'dangling_reference';
  const release = OF_RELEASE.exec(prose)?.[1];
  if (release !== undefined && RELEASE.test(instruction) && !instruction.includes(release)) return 'dangling_reference';
  const announces = (sentence: string, at: number): boolean =>
    MAY_ANNOUNCE.test(plainly[at]!) && ANNOUNCES_BLOCK.test(plainly[at]!) && !/: \S/.test(sentence);
  if (!HOLDS_BLOCK.test(response) && said.some(announces)) return 'dangling_reference';
  const pointing = said.filter((sentence) => /^\(?See(?: also)? /.test(sentence)).length;
  if (pointing > 0 && !HOLDS_BLOCK.test(response) && words(said.filter((sentence) => !/^\(?See /.test(sentence)).join(' ')).length < 10)
    return 'dangling_reference';
  if (POINTS_OUT.test(plain(prose)) || (plainly[0] !== undefined && POINTS_BACK.test(plainly[0]))) return 'dangling_reference';
  if (said[0] !== undefined && STARTS_AWAY.test(said[0]) && kind !== 'code') return 'dangling_reference';
  if (/^(?:or|and|but) /.test(prose)) return 'dangling_reference';
  if ([plainly[0], plainly.at(-1)].some((sentence) => sentence !== undefined && POINTS_AWAY.test(sentence))) return 'dangling_reference';
  const { answered, shared } = reading.overlap;
  // Code says what the question could not, so only prose can repeat it.
  if (!hasCode && answered > 0 && shared / answered >= 0.8) return 'question_answer_overlap';
  if (reading.repeated > 0.35) return 'repetition';
  return null;
};

/** 1 for a whole, self-contained answer of fair length to a question whose words it takes up; less for each doubt. */
const scoreOf = (reading: Reading): number => {
  const { kind, instruction } = reading.candidate;
  const { prose, hasCode } = reading;
  const count = wordCount(prose);
  let points = 1;
  if (count < 12 && !hasCode) points -= 0.2;
  if (count > 350) points -= 0.1;
  if (!hasCode && !reading.said.some(isWhole)) points -= 0.3;
  if (reading.plainly.some((sentence) => POINTS_AWAY.test(sentence))) points -= 0.15;
  if (reading.overlap.shared === 0) points -= 0.15;
  if (instruction.length > 160) points -= 0.2;
  if (reading.repeated > 0.2) points -= 0.1;
  // Code alone shows how, and explains nothing.
  if (hasCode && prose === '' && kind === 'heading') points -= /example|^How /i.test(instruction) ? 0.3 : 0.55;
  if (/\b(?:TODO|FIXME|lorem ipsum)\b/.test(prose)) points -= 0.3;
  return Math.round(Math.max(0, Math.min(1, points)) * 10000) / 10000;
};

/** Why a candidate is not worth training on, the first reason that holds. */
export const flaw = (candidate: Candidate, minChars: number): PairReason | null => flawOf(new Reading(candidate), minChars);

/** The flaw of a candidate, or the score of one without. */
export const judge = (candidate: Candidate, minChars: number): { reason: PairReason } | { reason: null; score: number } => {
  const reading = new Reading(candidate);
  const reason = flawOf(reading, minChars);
  return reason === null ? { reason, score: scoreOf(reading) } : { reason };
};
