// What a block says for or against its being content, by itself: links that lead around, controls, imprints, text that a page is read for.
import { blockText, words } from './blocks';
import type { RawBlock } from './raw-block';
import { isWhole } from './sentences';

/** The share of a text that is links. */
export const density = (part: { chars: number; linked: number }): number => (part.chars === 0 ? 0 : part.linked / part.chars);

export const isTitle = ({ block }: RawBlock): boolean => block.type === 'heading' && block.level === 1;

const SITE_PHRASE =
  /^(?:[«‹<←↑→›»>|\s]*)(?:next|prev(?:ious)?|up|top|home|contents|index|table of contents|back(?: to top)?|edit(?: this page)?(?: on \w+)?|view (?:page )?source|show source|report (?:a|this) (?:bug|issue|problem)|improve this page|(?:skip|jump) to (?:main |the )?(?:content|navigation|search)|permalink|download|print)(?:[»›>←↑→|\s]*)$/i;

/** Words of a page's own controls, and of a notebook's cells. */
const CONTROL =
  /^(?:(?:expand|collapse|show|hide) (?:description|details|all|more|less)|copy(?: to clipboard)?|copied!?|loading(?:\.\.\.|…)?|(?:on|in) this (?:page|article|section):?|(?:in|out) ?\[[\d ]*\]:?)$/i;

/** The same at the end of a line that says something: "read(path) click to toggle source". */
const ENDS_IN_CONTROL = /\s+click to (?:toggle|show|view|expand|hide|copy)(?: \w+){0,2}$/i;

export const withoutControl = (raw: RawBlock): RawBlock => {
  const { block } = raw;
  if (block.type !== 'prose' || !block.text.includes('click to ')) return raw;
  return { ...raw, block: { type: 'prose', text: block.text.replace(ENDS_IN_CONTROL, '') } };
};

/** A bar of such phrases as a list: "Prev", the book's name, "Next"; buttons as a list: "Show all", "Hide all". */
const isPhraseList = (items: readonly string[]): boolean =>
  items.length <= 6 && (items.filter((item) => SITE_PHRASE.test(item)).length >= 2 || items.every((item) => CONTROL.test(item)));

/** Types that are links: "lookup :: Key -> Map -> Maybe Value", "f(Name) -> Value". */
const SIGNATURE = /^\S{1,100} :: \S|[(:].*[-=]>/;
export const isSignature = ({ block, evidence }: RawBlock): boolean => {
  if (block.type !== 'prose' || evidence.links === 0 || density(evidence) >= 0.9 || block.text.length > 2000) return false;
  return (block.text.includes('> ') || block.text.includes(' :: ')) && SIGNATURE.test(block.text);
};

/** Links that lead around rather than text that says something. */
export const isLinkBlock = (raw: RawBlock): boolean => {
  const { block, evidence } = raw;
  if (block.type === 'prose' && block.text.length < 40 && CONTROL.test(block.text)) return true;
  if (block.type === 'list' && isPhraseList(block.items)) return true;
  if (block.type === 'heading' || block.type === 'code' || block.type === 'definition' || evidence.links === 0) return false;
  if (isSignature(raw)) return false;
  const linked = density(evidence);
  if (evidence.links >= 2 && evidence.local >= 0.8 * evidence.links && linked >= 0.7) return true; // table of contents
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
export const isLinkList = ({ block, evidence }: RawBlock): boolean => {
  if (block.type !== 'list' && block.type !== 'table') return false;
  const entries = block.type === 'list' ? block.items.length : block.rows.length;
  return evidence.links >= entries && density(evidence) >= 0.9 && words(blockText(block)).length <= 10 * evidence.links;
};

/** What stands at the end of a page about the page: when it was changed, made by what, where it is, and whose it is. */
const IMPRINT =
  /^(?:retrieved from ["“]?https?:|\p{Lu}\p{Ll}{2,8} \d{1,2}, \d{4}$|\d{4}-\d{2}-\d{2}$|(?:this )?(?:page|document|site)?\s*(?:was )?last (?:modified|updated|changed|edited|revised)\b|(?:generated|created|built|powered|rendered) (?:by|with|using|on|at)\b|copyright\b|©|\(c\) )/iu;
/** Whether it begins with that, however long it is. */
export const beginsAsImprint = ({ block }: RawBlock): boolean => block.type === 'prose' && IMPRINT.test(block.text);

export const isImprint = (raw: RawBlock): boolean => raw.block.type === 'prose' && raw.block.text.length <= 200 && beginsAsImprint(raw);

/** Text that a page is read for: what marks where content begins and ends on a page that does not say so. */
export const isSubstance = (raw: RawBlock): boolean => {
  const { block, evidence } = raw;
  if (isTitle(raw) || block.type === 'code') return true;
  if (block.type === 'heading' || isImprint(raw)) return false;
  // A list that says something of each thing it links to.
  if (block.type === 'list' && evidence.chars - evidence.linked >= 15 * block.items.length && density(evidence) < 0.7) return true;
  // Sentences may hold many links and are still said to the reader.
  return words(blockText(block)).length >= 8 && density(evidence) < (block.type === 'prose' && isWhole(block.text) ? 0.7 : 0.4);
};

/** A short sentence under a heading: "The value belongs to the caller." */
export const isSaid = ({ block, evidence }: RawBlock): boolean =>
  block.type === 'prose' && isWhole(block.text) && words(block.text).length >= 5 && density(evidence) < 0.7;

/** Text that is no link, on a page that has no more to say. */
export const isShortText = (raw: RawBlock): boolean =>
  raw.block.type !== 'heading' && !isImprint(raw) && density(raw.evidence) < 0.4 && words(blockText(raw.block)).length >= 3;
