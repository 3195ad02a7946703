// The little English that questions need: base verbs, gerunds, the asker's side of "you", and headings as running text.
import { keepsCapital } from './page-words';

const VERBS = `abort accept access activate add adjust allow analyze append apply approve archive ask assign attach audit authenticate avoid back backup begin bind block
boot break bring browse build bump bundle bypass cache calculate call cancel change check choose clean clear clone close collect combine commit compare compile complete
compute concatenate configure connect consider construct contribute control convert copy count cover create customize debug declare decode decorate decrease define delete
deny deploy deprecate describe destroy detect determine develop diagnose diff disable discard display distribute document download drop dump edit embed emit enable encode
enforce ensure enter escape evaluate examine exclude execute exit expand explore export expose extend extract fetch fill filter find fix follow force fork format forward
generate get give go grant group guarantee handle hide identify ignore implement import improve include increase initialize inject insert inspect install integrate
intercept invoke isolate iterate join keep kill launch learn leave limit link list load lock log login loop maintain make manage map mark match measure merge migrate mock
modify monitor mount move name navigate obtain omit open optimize organize output override overwrite pack package parse pass patch perform persist pin pipe point populate
post prefix prepare prevent preview print process produce profile prohibit protect provide prune publish pull push put query quit raise read rebase rebuild receive record
recover redirect reduce refer refresh register reject release reload remove rename render reorder repair repeat replace report request require reset resolve restart restore
restrict retrieve retry return reuse revert review revoke rewrite roll rotate run save scan schedule search secure select send serialize serve set setup share show shrink
sign simplify skip sort specify split stage start stop store stream submit subscribe supply support suppress switch sync tag take terminate test track transfer transform
translate traverse trigger truncate trust try turn uninstall unlink unpack unpublish unset unstar update upgrade upload use validate verify version view visit wait walk watch
work wrap write`;
const BASE: ReadonlySet<string> = new Set(VERBS.split(/\s+/));

/** Verbs that are known as gerunds only: as the first word of a heading their base form is a noun as often. */
const GERUND_VERBS: ReadonlySet<string> = new Set([
  ...BASE,
  ...`adapt adopt allocate arrange assemble automate await balance bootstrap broadcast cast chain coordinate deal decrypt defer delegate detach distinguish drive duplicate
emulate encapsulate encrypt explain express flush free hash incorporate inherit inline instantiate instrument interact interpret introduce invert investigate minimise minimize mix
mutate nest normalize notify observe optimise plan plug predict preserve program propagate recognize refactor regenerate rely reproduce reserve route sample scale separate
simulate solve spawn squash stash step structure substitute suspend swap synchronize tell throttle time trace train transmit unpack unregister`.split(
    /\s+/,
  ),
]);

/** Verbs that headings use as nouns: "Package lock", "Tag behavior". */
const ALSO_NOUNS: ReadonlySet<string> = new Set(
  `abort access archive attach audit backup block boot break build bump bundle bypass cache call change check clean clone close complete commit control convert copy cover debug default
define delete diff display document download drop dump edit escape exit export extract fetch fill filter fix force fork format forward get grant group host import index
input join kill launch leave limit link list load lock log login loop map mark match measure merge mock monitor mount move name open order output override package parse
pass patch pin pipe point post prefix preview print process produce profile project publish pull push query quit read record redirect refresh release reload repair repeat
report request require reset restart return review roll run save scan schedule search secure select set setup share sign skip sort split stage start stop store stream submit supply
support switch sync tag test track transfer transform trigger trust try turn update upgrade upload use version view visit wait walk watch work wrap write`.split(
    /\s+/,
  ),
);

/** A heading that tells what to do: "Create a user", "Removing" not. */
export const isInstruction = (heading: string): boolean => {
  const [first = '', second = '', ...rest] = heading.split(/\s+/);
  if (/^\p{Lu}{2}/u.test(first)) return false; // CREATE TABLE is a name
  if (isSort(second) && rest.length === 0) return false; // the Require directive
  if (!isBaseVerb(first) || second === '' || /^(?:and|or|vs\.?|&)$/i.test(second)) return false;
  return !ALSO_NOUNS.has(first.toLowerCase()) || /^(?:an?|the|your|my|all|any|each|multiple|several|`.*)$/i.test(second);
};

/** A verb that no heading uses as a noun. */
export const isVerbOnly = (word: string): boolean => isBaseVerb(word) && !ALSO_NOUNS.has(word.toLowerCase());

const isBaseVerb = (word: string): boolean => BASE.has(word.toLowerCase());

/** "removing" to "remove", for verbs that are known; null otherwise. */
export const infinitive = (gerund: string): string | null => {
  const lower = gerund.toLowerCase();
  if (!lower.endsWith('ing') || /^(?:versioning|packaging|warning|meaning|logging)$/.test(lower)) return null;
  const stem = lower.slice(0, -3);
  if (GERUND_VERBS.has(`${stem}e`) && !GERUND_VERBS.has(stem)) return `${stem}e`;
  if (GERUND_VERBS.has(stem)) return stem;
  const undoubled = stem.replace(/([b-df-hj-np-tv-z])\1$/, '$1');
  return GERUND_VERBS.has(undoubled) ? undoubled : null;
};

/** "packing and unpacking it" to "pack and unpack it", of what follows the first verb of a heading. */
export const gerundsToInfinitives = (rest: string): string =>
  rest.replace(/\b(and|or) (\p{L}+ing)\b/gu, (all, join: string, gerund: string) => {
    const verb = infinitive(gerund);
    return verb === null ? all : `${join} ${verb}`;
  });

const TURNED: ReadonlyMap<string, string> = new Map([
  ['you', 'I'],
  ['your', 'my'],
  ['yours', 'mine'],
  ['yourself', 'myself'],
  ["you're", "I'm"],
  ['you’re', 'I’m'],
  ["you've", "I've"],
  ["you'll", "I'll"],
  ["you'd", "I'd"],
]);

/** What a page says to its reader, said by the reader. Code spans stay. */
export const asReader = (text: string): string =>
  text
    .split(/(`[^`]*`)/)
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part
            .replace(/\b[yY]ou(?:rself|rs|r|['’](?:re|ve|ll|d))?\b/g, (word) => TURNED.get(word.toLowerCase()) ?? word)
            .replace(/\bare I\b/g, 'am I')
            .replace(/\bI are\b/g, 'I am'),
    )
    .join('');

/** Man pages shout their headings; what the page's prose writes so too (DROP TRIGGER, SQLITE_OK) is no shout. */
const isShouted = (heading: string, page: string): boolean => {
  const loud = heading.match(/\p{Lu}{4,}/gu) ?? [];
  if (loud.length === 0 || /\p{Ll}|_/u.test(heading.replace(/`[^`]*`/g, ''))) return false;
  // A page without a capital says nothing about capitals.
  if (page.includes(heading) || page.toLowerCase() === page) return false;
  return 2 * loud.filter((word) => page.includes(word.toLowerCase().replace(/s$/, ''))).length >= loud.length;
};

/**
 * A heading as part of a sentence: "Pre & Post Scripts" to "pre & post scripts".
 * A word keeps its capital when the page writes it so in mid-sentence, and when it has more than one.
 * @param page prose of the page
 */
export const inSentence = (heading: string, page: string): string => {
  const shouted = isShouted(heading, page);
  return heading
    .split(/(`[^`]*`|\s+|-(?=\p{Lu}))/u)
    .map((word) => {
      if (shouted && !word.startsWith('`')) return word.toLowerCase();
      if (!/^[("'“]?\p{Lu}[\p{Ll}'’-]*[):,"'”]?$/u.test(word)) return word;
      const bare = word.replace(/[^\p{L}]/gu, '');
      if (/^[B-Z]$/.test(bare)) return word; // C, I, R
      return keepsCapital(bare, page) ? word : word.toLowerCase();
    })
    .join('');
};

export const isPlural = (noun: string): boolean =>
  /..[^s]s$/i.test(noun) && !/(?:us|is|ss|ics|news|lens|js|access|alias|atlas|bias|canvas)$/i.test(noun) && !/^\p{Lu}+$/u.test(noun);

/** What a name may be called: "the ProxyPass directive". */
const isSort = (word: string): boolean =>
  /^(?:attribute|class|clause|command|directive|element|event|field|flag|function|interface|keyword|macro|method|module|object|operator|option|parameter|pragma|property|selector|setting|statement|structure|type|variable)$/i.test(
    word,
  );

const DETERMINED =
  /^(?:an?|the|your|my|our|all|any|both|each|every|no|some|more|most|other|this|that|these|those|its|their|how|why|what|when|where|which|who)\b/i;

/**
 * A noun phrase with the article that it has in a sentence: "the file change counter", "the use of funds".
 * @param own the text that it heads, which says whether the phrase has one
 */
export const withArticle = (np: string, own: string): string => {
  if (DETERMINED.test(np)) return np;
  const [, first = ''] = /^([\p{L}-]+)(?: (?!(?:out|in|instead|because)\p{L}* )[\p{L}-]+)? of \p{L}/u.exec(np) ?? [];
  const named = /^\S+ (\p{L}+)$/u.exec(np)?.[1];
  const follows = (start: string): boolean => {
    const at = own.indexOf(start);
    return at >= 0 && !/^[\p{L}\d-]/u.test(own.slice(at + start.length));
  };
  const definite =
    (first !== '' && !/^(?:out|because|instead|ahead|regardless|none|one|lots?)$/i.test(first)) ||
    (named !== undefined && isSort(named)) ||
    (np.includes(' ') && (follows(`the ${np}`) || follows(`The ${np}`)));
  return definite ? `the ${np}` : np;
};
