// Which blocks of a page are its content: judged by structure, stated purpose and link density, never by one site's names.
import { blockText, words } from './blocks';
import { languageName } from './code-language';
import type { RawBlock, Zone } from './raw-block';
import { isWhole } from './sentences';

interface Totals {
  chars: number;
  linked: number;
  code: number;
  hasTitle: boolean;
}

const density = (part: { chars: number; linked: number }): number => (part.chars === 0 ? 0 : part.linked / part.chars);

const isTitle = ({ block }: RawBlock): boolean => block.type === 'heading' && block.level === 1;

const noTotals = (): Totals => ({ chars: 0, linked: 0, code: 0, hasTitle: false });

const add = (to: Totals, part: Totals): void => {
  to.chars += part.chars;
  to.linked += part.linked;
  to.code += part.code;
  to.hasTitle ||= part.hasTitle;
};

/** What the page and each zone holds, with the zones inside it; the zones from the outermost in. */
const measure = (blocks: readonly RawBlock[]): { page: Totals; zones: Map<Zone, Totals> } => {
  const page = noTotals();
  const found = new Map<Zone, Totals>();
  for (const raw of blocks) {
    const { chars, linked } = raw.evidence;
    const part = { chars, linked, code: raw.block.type === 'code' ? chars : 0, hasTitle: isTitle(raw) };
    add(page, part);
    for (let zone = raw.zone; zone !== null && !found.has(zone); zone = zone.parent) found.set(zone, noTotals());
    if (raw.zone !== null) add(found.get(raw.zone)!, part);
  }
  const inwards = [...found].sort(([a], [b]) => a.depth - b.depth);
  for (const [zone, totals] of inwards.toReversed()) if (zone.parent !== null) add(found.get(zone.parent)!, totals);
  return { page, zones: new Map(inwards) };
};

const isStatedChrome = ({ purpose, named }: Zone): boolean => !named && (purpose === 'nav' || purpose === 'header' || purpose === 'footer');

/** Text of a page outside what calls itself navigation, header or footer by its element or role. */
const outsideChrome = (zones: ReadonlyMap<Zone, Totals>, page: Totals): number => {
  let chars = page.chars;
  const inside = new Set<Zone>();
  for (const [zone, totals] of zones) {
    if (zone.parent !== null && inside.has(zone.parent)) inside.add(zone);
    else if (isStatedChrome(zone)) {
      inside.add(zone);
      chars -= totals.chars;
    }
  }
  return chars;
};

/** The zones that hold the content, when the page states one and it holds a fair part of the text that is not links. */
const findMain = (zones: ReadonlyMap<Zone, Totals>, page: Totals): Set<Zone> => {
  const prose = page.chars - page.linked;
  const rest = outsideChrome(zones, page);
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
  if (main.size === 0) return article;
  // An article that holds nearly all of main leaves main's own chrome outside.
  const inner = [...article].filter((zone) => zone.parent !== null && [...main].some((outer) => contains(outer, zone)));
  const [only] = inner;
  if (inner.length === 1 && only !== undefined) {
    const outer = [...main].reduce((sum, zone) => sum + zones.get(zone)!.chars - zones.get(zone)!.linked, 0);
    const held = zones.get(only)!;
    if (held.chars - held.linked >= 0.8 * outer) return new Set([only]);
  }
  return main;
};

const contains = (outer: Zone, inner: Zone): boolean => {
  for (let zone: Zone | null = inner; zone !== null; zone = zone.parent) if (zone === outer) return true;
  return false;
};

type Judgement = 'chrome' | 'title' | 'open';

/** What to make of a zone: all of it chrome, only its title and prose content, or nothing known. */
const judge = (zone: Zone, totals: Totals, page: Totals, hasMain: boolean, inMain: boolean): Judgement => {
  const share = page.chars === 0 ? 0 : totals.chars / page.chars;
  const links = density(totals);
  const prose = totals.chars - totals.linked;
  const mostOfPage = share > 0.5 && links < 0.5;
  if (mostOfPage || zone.purpose === 'main' || zone.purpose === 'article') return 'open';
  switch (zone.purpose) {
    case 'nav':
      if (!zone.named) return 'chrome';
      return !totals.hasTitle && totals.code === 0 && (links >= 0.4 || prose < 120) ? 'chrome' : 'open';
    case 'footer':
      return zone.named && (share > 0.25 || totals.code > 0 || totals.hasTitle) ? 'open' : 'chrome';
    case 'header':
      if (totals.hasTitle) return 'title';
      if (zone.named) return totals.code === 0 && share < 0.2 && (!inMain || links >= 0.4) ? 'chrome' : 'open';
      return inMain && links < 0.5 ? 'open' : 'chrome';
    case 'aside':
      return links > 0.4 || (hasMain && !inMain) ? 'chrome' : 'open';
    case 'form':
      return prose < 200 || links > 0.6 ? 'chrome' : 'open';
    case 'extra':
      return !totals.hasTitle && totals.code === 0 && share < 0.3 && (links >= 0.4 || prose < 200) ? 'chrome' : 'open';
  }
};

const SITE_PHRASE =
  /^(?:[«‹<←↑→›»>|\s]*)(?:next|prev(?:ious)?|up|top|home|contents|index|table of contents|back(?: to top)?|edit(?: this page)?(?: on \w+)?|view (?:page )?source|show source|report (?:a|this) (?:bug|issue|problem)|improve this page|(?:skip|jump) to (?:main |the )?(?:content|navigation|search)|permalink|download|print)(?:[»›>←↑→|\s]*)$/i;

/** Words of a page's own controls. */
const CONTROL =
  /^(?:(?:expand|collapse|show|hide) (?:description|details|all|more|less)|copy(?: to clipboard)?|copied!?|loading(?:\.\.\.|…)?)$/i;

/** A bar of such phrases as a list: "Prev", the book's name, "Next". */
const isPhraseList = (items: readonly string[]): boolean => items.length <= 6 && items.filter((item) => SITE_PHRASE.test(item)).length >= 2;

/** Links that lead around rather than text that says something. */
const isLinkBlock = (raw: RawBlock): boolean => {
  const { block, evidence } = raw;
  if (block.type === 'prose' && block.text.length < 40 && CONTROL.test(block.text)) return true;
  if (block.type === 'heading' || block.type === 'code' || block.type === 'definition' || evidence.links === 0) return false;
  const linked = density(evidence);
  if (evidence.links >= 2 && evidence.local >= 0.8 * evidence.links && linked >= 0.7) return true; // table of contents
  if (block.type === 'list') return isPhraseList(block.items);
  if (block.type !== 'prose') return false;
  // Links with little between them: "Languages: en | fr | ja".
  const between = evidence.chars - evidence.linked;
  if (evidence.links >= 3 && between <= 8 * evidence.links && !/[.!?:;]$/.test(block.text)) return true;
  if (evidence.links >= 2 && between <= 8 * evidence.links + 20 && / [|·•] /.test(block.text) && !/[.!?:;]$/.test(block.text)) return true;
  if (linked < 0.7) return false;
  return (
    (evidence.links >= 2 && words(block.text).length <= 4 * evidence.links && !/[.!?]$/.test(block.text)) || SITE_PHRASE.test(block.text)
  );
};

/** A list or table of nothing but links: "See also", related pages. On a page that is mostly such lists they are its content. */
const isLinkList = ({ block, evidence }: RawBlock): boolean => {
  if (block.type !== 'list' && block.type !== 'table') return false;
  const entries = block.type === 'list' ? block.items.length : block.rows.length;
  return evidence.links >= entries && density(evidence) >= 0.9 && words(blockText(block)).length <= 10 * evidence.links;
};

/** What stands at the end of a page about the page: when it was changed, made by what, where it is, and whose it is. */
const IMPRINT =
  /^(?:retrieved from ["“]?https?:|\p{Lu}\p{Ll}{2,8} \d{1,2}, \d{4}$|\d{4}-\d{2}-\d{2}$|(?:this )?(?:page|document|site)?\s*(?:was )?last (?:modified|updated|changed|edited|revised)\b|(?:generated|created|built|powered|rendered) (?:by|with|using|on|at)\b|copyright\b|©|\(c\) )/iu;
const isImprint = ({ block }: RawBlock): boolean => block.type === 'prose' && block.text.length <= 200 && IMPRINT.test(block.text);

/** Text that a page is read for: what marks where content begins and ends on a page that does not say so. */
const isSubstance = (raw: RawBlock): boolean => {
  const { block, evidence } = raw;
  if (isTitle(raw) || block.type === 'code') return true;
  if (block.type === 'heading' || isImprint(raw)) return false;
  // A list that says something of each thing it links to.
  if (block.type === 'list' && evidence.chars - evidence.linked >= 15 * block.items.length && density(evidence) < 0.7) return true;
  // Sentences may hold many links and are still said to the reader.
  return words(blockText(block)).length >= 8 && density(evidence) < (block.type === 'prose' && isWhole(block.text) ? 0.7 : 0.4);
};

/**
 * The first and the last place that may hold content on a page that does not say where: behind the last navigation before the first
 * text, and before what leads away after the last. What stands beyond is slogans and imprints.
 */
const edges = (
  blocks: readonly RawBlock[],
  page: Totals,
  index: boolean,
  isContent: (raw: RawBlock) => boolean,
): [start: number, end: number] => {
  const isText = (raw: RawBlock): boolean => isContent(raw) && (isSubstance(raw) || (index && isLinkList(raw)));
  const first = blocks.findIndex(isText);
  if (first < 0) return [0, blocks.length];
  const last = blocks.findLastIndex(isText);
  const leadsAway = (raw: RawBlock): boolean => {
    if (raw.block.type === 'heading' || raw.evidence.chars > 0.5 * page.chars) return false;
    return density(raw.evidence) >= 0.4 || isImprint(raw) || !isContent(raw);
  };
  const start = blocks.slice(0, first).findLastIndex(leadsAway) + 1;
  let end = blocks.findIndex((raw, at) => at > last && leadsAway(raw));
  if (end < 0) end = blocks.length;
  // A heading over what is cut goes with it.
  else while (end > last + 1 && blocks[end - 1]!.block.type === 'heading') end -= 1;
  return [start, end];
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
const isIndex = (blocks: readonly RawBlock[]): boolean => {
  const from = Math.max(0, blocks.findIndex(isTitle));
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

/** The content of a page, in order. */
export const selectContent = (blocks: readonly RawBlock[]): RawBlock[] => {
  const { page, zones } = measure(blocks);
  const main = findMain(zones, page);
  const hasMain = main.size > 0;
  const verdictOf = verdicts(zones, page, main);
  const isPlaced = (raw: RawBlock): boolean => {
    const { inMain, chrome, titleOnly } = verdictOf(raw);
    if (chrome || (hasMain && !inMain) || isLinkBlock(raw)) return false;
    return !titleOnly || raw.block.type === 'heading' || density(raw.evidence) < 0.5;
  };
  let kept: RawBlock[];
  if (hasMain) {
    // What a stated main part links to is its content; its own navigation is named, or local, and gone already.
    kept = blocks.filter(isPlaced);
    const title = kept.some(isTitle)
      ? undefined
      : blocks.find((raw) => {
          if (!isTitle(raw)) return false;
          for (let { zone } = raw; zone !== null; zone = zone.parent) if (zone.purpose === 'nav' || zone.purpose === 'footer') return false;
          return true;
        });
    if (title !== undefined) kept.unshift(title);
  } else {
    const index = isIndex(blocks.filter(isPlaced));
    const isContent = (raw: RawBlock): boolean => isPlaced(raw) && (index || !isLinkList(raw));
    kept = blocks.slice(...edges(blocks, page, index, isContent)).filter(isContent);
  }
  return dropBareHeadings(withoutImprint(kept), blocks);
};
