// Which blocks of a page are its content: judged by structure, stated purpose and link density, never by one site's names.
import { beginsAsImprint, density, isImprint, isLinkBlock, isLinkList, isTitle, withoutControl } from './block-signs';
import { languageName } from './code-language';
import { edges } from './page-edges';
import { bannersOf, titlePlace } from './page-title';
import type { RawBlock, Zone } from './raw-block';

interface Totals {
  chars: number;
  linked: number;
  code: number;
  titles: number;
  /** Its own text begins with whose it is or when it was made. */
  imprint: boolean;
}

const noTotals = (): Totals => ({ chars: 0, linked: 0, code: 0, titles: 0, imprint: false });

const add = (to: Totals, part: Totals): void => {
  to.chars += part.chars;
  to.linked += part.linked;
  to.code += part.code;
  to.titles += part.titles;
};

/** What the page and each zone holds, with the zones inside it; the zones from the outermost in. */
const measure = (blocks: readonly RawBlock[]): { page: Totals; zones: Map<Zone, Totals> } => {
  const page = noTotals();
  const found = new Map<Zone, Totals>();
  for (const raw of blocks) {
    const { chars, linked } = raw.evidence;
    const part = { chars, linked, code: raw.block.type === 'code' ? chars : 0, titles: isTitle(raw) ? 1 : 0, imprint: false };
    add(page, part);
    for (let zone = raw.zone; zone !== null && !found.has(zone); zone = zone.parent) found.set(zone, noTotals());
    if (raw.zone === null) continue;
    const own = found.get(raw.zone)!;
    if (own.chars === 0) own.imprint = beginsAsImprint(raw);
    add(own, part);
  }
  const inwards = [...found].sort(([a], [b]) => a.depth - b.depth);
  for (const [zone, totals] of inwards.toReversed()) if (zone.parent !== null) add(found.get(zone.parent)!, totals);
  return { page, zones: new Map(inwards) };
};

const proseOf = ({ chars, linked }: Totals): number => chars - linked;

const isStatedChrome = ({ purpose, named }: Zone): boolean => !named && (purpose === 'nav' || purpose === 'header' || purpose === 'footer');

/** Text of a page outside the zones that are meant, and those inside them. */
const outside = (zones: ReadonlyMap<Zone, Totals>, page: Totals, isMeant: (zone: Zone, totals: Totals) => boolean): Totals => {
  const rest = { ...page };
  const inside = new Set<Zone>();
  for (const [zone, totals] of zones) {
    if (zone.parent !== null && inside.has(zone.parent)) inside.add(zone);
    else if (isMeant(zone, totals)) {
      inside.add(zone);
      rest.chars -= totals.chars;
      rest.linked -= totals.linked;
    }
  }
  return rest;
};

/** The zones that hold the content, when the page states one and it holds a fair part of the text that is not links. */
const findMain = (zones: ReadonlyMap<Zone, Totals>, page: Totals): Set<Zone> => {
  const prose = proseOf(page);
  const rest = outside(zones, page, isStatedChrome).chars;
  const pick = (purpose: 'main' | 'article', share: number): Set<Zone> => {
    const found = new Set([...zones.keys()].filter((zone) => zone.purpose === purpose && !zone.named));
    let all = 0;
    let linked = 0;
    for (const zone of found) {
      if (zone.parent !== null && found.has(zone.parent)) continue;
      all += zones.get(zone)!.chars;
      linked += zones.get(zone)!.linked;
    }
    const isFair = (all > linked && all - linked >= share * prose) || (all > 0 && all >= Math.max(share, 0.3) * rest);
    return isFair ? found : new Set();
  };
  const main = pick('main', 0.2);
  const article = pick('article', 0.5);
  if (main.size === 0) {
    // Articles that are parts of a page, one for each function, leave what is said of all of them outside.
    const isChrome = (zone: Zone, totals: Totals): boolean => !article.has(zone) && judge(zone, totals, page, true, false) === 'chrome';
    const all = proseOf(outside(zones, page, isChrome));
    const around = proseOf(outside(zones, page, (zone, totals) => article.has(zone) || isChrome(zone, totals)));
    const longest = [...article].reduce((most, zone) => Math.max(most, proseOf(zones.get(zone)!)), 0);
    return around > (longest > 0.5 * (all - around) ? 0.1 * longest : 0) ? new Set() : article;
  }
  // An article that holds nearly all of main leaves main's own chrome outside.
  const inner = [...article].filter((zone) => zone.parent !== null && [...main].some((outer) => contains(outer, zone)));
  const [only] = inner;
  if (inner.length === 1 && only !== undefined) {
    const outer = [...main].reduce((sum, zone) => sum + proseOf(zones.get(zone)!), 0);
    if (proseOf(zones.get(only)!) >= 0.8 * outer) return new Set([only]);
  }
  return main;
};

const contains = (outer: Zone, inner: Zone): boolean => {
  for (let zone: Zone | null = inner; zone !== null; zone = zone.parent) if (zone === outer) return true;
  return false;
};

/** A longer text that begins with rights is about them. */
const MAX_IMPRINT = 2000;

type Judgement = 'chrome' | 'title' | 'open';

/** What to make of a zone: all of it chrome, only its title and prose content, or nothing known. */
const judge = (zone: Zone, totals: Totals, page: Totals, hasMain: boolean, inMain: boolean): Judgement => {
  const share = page.chars === 0 ? 0 : totals.chars / page.chars;
  const links = density(totals);
  const prose = proseOf(totals);
  // The site's name as a heading makes no content of navigation; the page's only title does.
  const hasTitle = totals.titles > 0 && totals.titles === page.titles;
  // On a page of few words rights are most of it.
  if (zone.purpose === 'footer' && totals.imprint && totals.code === 0 && !hasTitle && totals.chars <= MAX_IMPRINT) return 'chrome';
  const mostOfPage = share > 0.5 && links < 0.5;
  if (mostOfPage || zone.purpose === 'main' || zone.purpose === 'article') return 'open';
  switch (zone.purpose) {
    case 'nav':
      if (!zone.named) return 'chrome';
      return !hasTitle && totals.code === 0 && (links >= 0.4 || prose < 120) ? 'chrome' : 'open';
    case 'footer':
      return zone.named && (share > 0.25 || totals.code > 0 || hasTitle) ? 'open' : 'chrome';
    case 'header':
      if (totals.titles > 0) return 'title';
      if (zone.named) return totals.code === 0 && share < 0.2 && (!inMain || links >= 0.4) ? 'chrome' : 'open';
      return inMain && links < 0.5 ? 'open' : 'chrome';
    case 'aside':
      return links > 0.4 || (hasMain && !inMain) ? 'chrome' : 'open';
    case 'form':
      return prose < 200 || links > 0.6 ? 'chrome' : 'open';
    case 'extra':
      return !hasTitle && totals.code === 0 && share < 0.3 && (links >= 0.4 || prose < 200) ? 'chrome' : 'open';
  }
};

/** Headings with nothing left under them because what was there is chrome. */
const dropBareHeadings = (kept: readonly RawBlock[], all: readonly RawBlock[]): RawBlock[] => {
  const position = new Map(all.map((raw, index) => [raw, index]));
  return kept.filter((raw, index) => {
    if (raw.block.type !== 'heading' || raw.block.level === 1) return true;
    const next = kept[index + 1];
    if (next !== undefined && (next.block.type !== 'heading' || next.block.level > raw.block.level)) return true;
    const following = all[position.get(raw)! + 1];
    return following !== undefined && following === next;
  });
};

/** What holds for the blocks of a zone, by what all zones around it are; a stated main part is judged apart from what surrounds it. */
interface Verdict {
  inMain: boolean;
  chrome: boolean;
  /** Only headings and what is not links. */
  titleOnly: boolean;
}
const OUTSIDE: Verdict = { inMain: false, chrome: false, titleOnly: false };

const verdicts = (zones: ReadonlyMap<Zone, Totals>, page: Totals, main: ReadonlySet<Zone>): ((raw: RawBlock) => Verdict) => {
  const known = new Map<Zone, Verdict>();
  for (const [zone, totals] of zones) {
    const around = (zone.parent === null ? undefined : known.get(zone.parent)) ?? OUTSIDE;
    if (main.has(zone)) known.set(zone, around.inMain ? around : { ...OUTSIDE, inMain: true });
    else {
      const judgement = judge(zone, totals, page, main.size > 0, around.inMain);
      known.set(zone, {
        inMain: around.inMain,
        chrome: around.chrome || judgement === 'chrome',
        titleOnly: around.titleOnly || judgement === 'title',
      });
    }
  }
  return (raw) => (raw.zone === null ? OUTSIDE : known.get(raw.zone)!);
};

/** Whether lists of links are what the page is for: they hold about as much as all that is said outside them. */
const isIndex = (blocks: readonly RawBlock[], title: string): boolean => {
  const from = Math.max(0, titlePlace(blocks, title));
  let listed = 0;
  let said = 0;
  for (const raw of blocks.slice(from)) {
    if (isLinkList(raw)) listed += raw.evidence.chars;
    else if (raw.block.type !== 'heading') said += raw.evidence.chars - raw.evidence.linked;
  }
  return listed > 0 && said <= 1.25 * listed;
};

/** A word that only says again in what language the code under it is; another word is said to the reader: "Before", "Output". */
const isLanguageLabel = ({ block }: RawBlock, next: RawBlock | undefined): boolean =>
  next?.block.type === 'code' && next.block.language !== null && block.type === 'prose' && languageName(block.text) === next.block.language;

/** Without what the page says of itself behind its last text, also inside a stated main part. */
const withoutImprint = (kept: readonly RawBlock[]): RawBlock[] => {
  let end = kept.length;
  while (end > 0 && isImprint(kept[end - 1]!)) end -= 1;
  // Straight under a heading it is what the heading announces: "Copying" of a manual page.
  if (end < kept.length && kept[end - 1]?.block.type === 'heading') end = kept.length;
  return kept.slice(0, end).filter((raw, at) => !isLanguageLabel(raw, kept[at + 1]));
};

/**
 * The content of a page, in order.
 * @param title text of <title>
 */
export const selectContent = (all: readonly RawBlock[], title: string): RawBlock[] => {
  const banners = bannersOf(all, title);
  const blocks = banners.size === 0 ? all : all.filter((raw) => !banners.has(raw));
  const { page, zones } = measure(blocks);
  const main = findMain(zones, page);
  const hasMain = main.size > 0;
  const verdictOf = verdicts(zones, page, main);
  const placed = blocks.filter((raw) => {
    const { inMain, chrome, titleOnly } = verdictOf(raw);
    if (chrome || (hasMain && !inMain) || isLinkBlock(raw)) return false;
    return !titleOnly || raw.block.type === 'heading' || density(raw.evidence) < 0.5;
  });
  let kept: RawBlock[];
  if (hasMain) {
    // What a stated main part links to is its content; its own navigation is named, or local, and gone already.
    kept = placed;
    const outside = kept.some(isTitle)
      ? undefined
      : blocks.find((raw) => {
          if (!isTitle(raw)) return false;
          for (let { zone } = raw; zone !== null; zone = zone.parent) if (zone.purpose === 'nav' || zone.purpose === 'footer') return false;
          return true;
        });
    if (outside !== undefined) kept.unshift(outside);
  } else {
    const index = isIndex(placed, title);
    const content = new Set(index ? placed : placed.filter((raw) => !isLinkList(raw)));
    kept = blocks.slice(...edges(blocks, page.chars, title, index, content)).filter((raw) => content.has(raw));
  }
  return dropBareHeadings(withoutImprint(kept), blocks).map(withoutControl);
};
