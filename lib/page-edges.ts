// Where the content of a page that does not say so begins and ends: judged by the text around it.
import { density, isImprint, isLinkList, isSaid, isShortText, isSignature, isSubstance, isTitle } from './block-signs';
import { isNameOf, loose, titleParts } from './page-title';
import type { RawBlock } from './raw-block';

/**
 * The heading that the text at `first` belongs to, or -1: one that the page is named after, else the first of the highest level with text
 * straight under it, else the last of that level. Lists of links stand over it ("Contents") and under it ("See also").
 */
const headingOf = (blocks: readonly RawBlock[], first: number, title: string, content: ReadonlySet<RawBlock>): number => {
  const names = titleParts(title).map(loose);
  let highest = 7;
  let named = -1;
  let last = -1;
  let withText = -1;
  for (let at = 0; at < first; at++) {
    const raw = blocks[at]!;
    const { block } = raw;
    // A page's name may be no heading.
    if (block.type === 'prose' && block.text.length <= title.length && names[0] === loose(block.text) && content.has(raw)) named = at;
    if (block.type !== 'heading' || density(raw.evidence) >= 0.5 || !content.has(raw)) continue;
    if (names.includes(loose(block.text))) named = at;
    if (block.level > highest) continue;
    if (block.level < highest) withText = -1;
    highest = block.level;
    last = at;
    const next = blocks[at + 1]!;
    if (withText < 0 && isShortText(next) && content.has(next)) withText = at;
  }
  if (named >= 0) return named;
  return withText >= 0 ? withText : last;
};

/**
 * The first and the last place that may hold content on a page that does not say where: from the title, or behind the last navigation
 * before the first text, and before what leads away after the last. What stands beyond is slogans and imprints.
 * @param title text of <title>
 * @param index whether lists of links are what the page is for
 * @param content what is not known to be chrome
 */
export const edges = (
  blocks: readonly RawBlock[],
  chars: number,
  title: string,
  index: boolean,
  content: ReadonlySet<RawBlock>,
): [start: number, end: number] => {
  const isText = (raw: RawBlock): boolean => content.has(raw) && (isSubstance(raw) || (index && isLinkList(raw)));
  const isAlone = !blocks.some((raw) => isText(raw) && !isTitle(raw));
  const isLast = isAlone ? (raw: RawBlock): boolean => isText(raw) || (content.has(raw) && isShortText(raw)) : isText;
  const first = blocks.findIndex(isText);
  if (first < 0) return [0, blocks.length];
  let last = blocks.findLastIndex(isLast);
  const leadsAway = (raw: RawBlock): boolean => {
    if (raw.block.type === 'heading' || raw.evidence.chars > 0.5 * chars || isSignature(raw)) return false;
    return density(raw.evidence) >= 0.4 || isImprint(raw) || !content.has(raw);
  };
  const isHeading = (raw: RawBlock): boolean => raw.block.type === 'heading' && content.has(raw) && density(raw.evidence) < 0.5;
  let start = first;
  // A title begins the page, a first-level heading of another name one of its sections. A word straight over the title belongs to it.
  if (isTitle(blocks[first]!) && isNameOf(blocks[first]!, title)) while (start > 0 && isHeading(blocks[start - 1]!)) start -= 1;
  else {
    start = blocks.slice(0, first).findLastIndex(leadsAway) + 1;
    const heading = headingOf(blocks, first, title, content);
    if (heading >= 0) start = Math.min(start, heading);
  }
  const heading = blocks.findIndex((raw, at) => at > last && isHeading(raw));
  if (heading >= 0)
    last = Math.max(
      last,
      blocks.findLastIndex((raw, at) => at > heading && content.has(raw) && isSaid(raw)),
    );
  let end = blocks.findIndex((raw, at) => at > last && leadsAway(raw));
  if (end < 0) end = blocks.length;
  // A heading over what is cut goes with it.
  else while (end > last + 1 && blocks[end - 1]!.block.type === 'heading') end -= 1;
  return [start, end];
};
