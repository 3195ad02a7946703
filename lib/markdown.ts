// Markdown from outside (Bright Data's data_format) to the same blocks: a scanner over lines, no tree.
// CommonMark's constructs that documentation uses; a line that fits none of them is prose.
import type { Block } from '../contracts/records';
import { onOneLine, plain, renderBlock } from './blocks';
import { languageName } from './code-language';
import { isLabel, MAX_BLOCKS, TooLarge } from './containers';
import { inlineText } from './inline-text';
import { headingOf } from './markdown-heading';

const FENCE = /^( *)(`{3,}|~{3,})([^`]*)$/;
const ITEM = /^( *)(?:([-*+])|(\d{1,9})[.)])(?:\s+(.*))?$/;
/** A thematic break. No pattern: its repeats would fill the stack of a line of some million stars. */
const isRule = (line: string): boolean => {
  const start = /^ {0,3}(?=[-*_])/.exec(line)?.[0].length;
  if (start === undefined) return false;
  let signs = 0;
  for (let at = start; at < line.length; at++)
    if (line[at] === line[start]) signs += 1;
    else if (!/\s/.test(line[at]!)) return false;
  return signs >= 3;
};
/** The line under a table's heading, trimmed. No pattern, for the same reason. */
const isDivider = (line: string): boolean =>
  line.includes('-') &&
  line.includes('|') &&
  !/[^|\s:-]/.test(line) &&
  line
    .replace(/^\||\|$/g, '')
    .split('|')
    .every((cell) => /^\s*:?-+:?\s*$/.test(cell));

/** An admonition as converters and generators write it: a quote that begins with its label, or GitHub's alert. */
const ALERT = /^(?:\[!(\w+)\]|(?:\*\*|__)([\w ]{1,30}?):?(?:\*\*|__):?|(\w{1,12}):?)$/;
/** A definition under its term, as Markdown Extra writes it. */
const MEANING = /^ {0,3}:\s+(\S.*)$/;
const cells = (line: string): string[] =>
  line
    .trim()
    .replace(/^\||(?<!\\)\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => onOneLine(inlineText(cell.replaceAll('\\|', '|'))));

/** Lists inside each other; what is deeper is text. */
const MAX_DEPTH = 24;

/**
 * One pass over the lines, and one over those of each list's items.
 * @throws TooLarge
 */
export const parseMarkdown = (source: string): Block[] => parseAt(source.replaceAll('\0', '').replace(/\r\n?/g, '\n'), 0, new Budget());

/** How many blocks, items and cells of a page are read yet. */
class Budget {
  private left = MAX_BLOCKS;

  spend(blocks: number): void {
    this.left -= blocks;
    if (this.left < 0) throw new TooLarge();
  }
}

const parseAt = (source: string, depth: number, budget: Budget): Block[] => {
  const lines = source.split('\n');
  const blocks: Block[] = [];
  const put = (block: Block): void => {
    budget.spend(1);
    blocks.push(block);
  };
  let paragraph: string[] = [];
  /** `content`: the column in which the newest item's text begins, and what belongs to it. */
  let list: { ordered: boolean; start: number; items: string[][]; indent: number; content: number } | null = null;

  const endParagraph = (): void => {
    const text = inlineText(paragraph.join('\n'));
    if (text !== '') put({ type: 'prose', text });
    paragraph = [];
  };
  const endList = (): void => {
    if (list === null) return;
    const items = list.items.map((item) => itemText(item, depth, budget)).filter((item) => item !== '');
    if (items.length > 0)
      put({ type: 'list', ordered: list.ordered, ...(list.ordered && list.start !== 1 ? { start: list.start } : {}), items });
    list = null;
  };
  const endAll = (): void => {
    endParagraph();
    endList();
  };

  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    const fence = FENCE.exec(line);
    if (fence !== null) {
      const [, indent = '', mark = '', info = ''] = fence;
      const isClose = (end: string): boolean => {
        const signs = end.trim();
        return signs.startsWith(mark) && signs === mark[0]!.repeat(signs.length);
      };
      const code: string[] = [];
      for (at += 1; at < lines.length && !isClose(lines[at]!); at++) {
        const raw = lines[at]!;
        let strip = 0;
        while (strip < indent.length && raw[strip] === ' ') strip += 1;
        code.push(raw.slice(strip));
      }
      const next: number | null = list === null ? null : list.start + list.items.length;
      const ordered: boolean = list?.ordered ?? false;
      endAll();
      const text = code.join('\n');
      if (text.trim() !== '') put({ type: 'code', text, language: languageName(/^\S*/.exec(info.trimStart())![0]) });
      // A numbered list that held the code goes on with its numbers.
      if (next !== null && ordered) list = { ordered: true, start: next, items: [], indent: 0, content: 0 };
      continue;
    }
    const heading = headingOf(line);
    if (heading !== null) {
      endAll();
      if (heading.text !== '') put({ type: 'heading', ...heading });
      continue;
    }
    if (line.trim() === '') {
      if (list === null || !/^(?: {2,}|\t|\s*(?:[-*+]|\d{1,9}[.)])\s)/.test(lines[at + 1] ?? '')) endAll();
      else list.items.at(-1)?.push('');
      continue;
    }
    const under = lines[at + 1] ?? '';
    if (
      list === null &&
      /^ {0,3}(?:=+|-+)\s*$/.test(under) &&
      line.trim() !== '' &&
      paragraph.length === 0 &&
      !ITEM.test(line) &&
      !line.includes('|')
    ) {
      put({ type: 'heading', level: under.trim().startsWith('=') ? 1 : 2, text: inlineText(line), anchor: null });
      at += 1;
      continue;
    }
    if (isRule(line)) {
      endAll();
      continue;
    }
    if (line.includes('|') && isDivider(under.trim())) {
      endAll();
      const columns = cells(line);
      // A table without a heading still has the row that Markdown asks for.
      const header = columns.some((column) => column !== '') ? columns : [];
      const rows: string[][] = [];
      for (at += 2; at < lines.length && lines[at]!.includes('|'); at++) {
        rows.push(cells(lines[at]!));
        budget.spend(rows.at(-1)!.length);
      }
      at -= 1;
      put({ type: 'table', header, rows });
      continue;
    }
    const item = ITEM.exec(line);
    if (item !== null && !(paragraph.length > 0 && item[3] !== undefined && item[3] !== '1')) {
      endParagraph();
      const indent = item[1]!.length;
      const ordered = item[3] !== undefined;
      if (list !== null && list.items.length > 0 && indent >= list.indent + 2) {
        list.items.at(-1)!.push(line.slice(Math.min(indent, list.content)));
        continue;
      }
      if (list !== null && list.ordered !== ordered) endList();
      list ??= { ordered, start: ordered ? Number(item[3]) : 1, items: [], indent, content: 0 };
      list.content = indent + (item[2] ?? `${item[3]}.`).length + 1;
      list.items.push([item[4] ?? '']);
      if (list.items.length > MAX_BLOCKS) throw new TooLarge();
      continue;
    }
    if (list !== null && list.items.length > 0) {
      const own = /^ */.exec(line)![0].length;
      list.items.at(-1)!.push(line.slice(Math.min(own, list.content)));
      continue;
    }
    if (paragraph.length === 0 && /^(?: {4}|\t)/.test(line) && list === null) {
      const code: string[] = [];
      for (; at < lines.length && (/^(?: {4}|\t)/.test(lines[at]!) || lines[at]!.trim() === ''); at++)
        code.push(lines[at]!.replace(/^(?: {4}|\t)/, ''));
      at -= 1;
      while (code.at(-1)?.trim() === '') code.pop();
      put({ type: 'code', text: code.join('\n'), language: null });
      continue;
    }
    const meaning = paragraph.length === 1 ? MEANING.exec(line) : null;
    if (meaning !== null) {
      const term = inlineText(paragraph[0]!);
      paragraph = [];
      const text = [meaning[1]!];
      while (/^(?: {2,}|\t)\S/.test(lines[at + 1] ?? '') || MEANING.test(lines[at + 1] ?? ''))
        text.push(lines[++at]!.replace(/^\s*(?::\s+)?/, ''));
      const signature = /^(`+)[^`]+\1$/.test(term);
      put({ type: 'definition', term: plain(term), anchor: null, signature, text: inlineText(text.join('\n')), code: [] });
      continue;
    }
    const quote = line.replace(/^ {0,3}>\s?/, '').trim();
    const alert = quote.length === line.trim().length || paragraph.length > 0 ? null : ALERT.exec(quote);
    const label = alert === null ? '' : (alert[1] ?? alert[2] ?? alert[3])!;
    if (alert !== null && isLabel(label)) {
      // Said before its first sentence, as the same admonition of an HTML page is.
      const next = (lines[at + 1] ?? '').replace(/^ {0,3}>\s?/, '').trim() === '' ? at + 2 : at + 1;
      const said = /^ {0,3}>\s?(.*\S.*)$/.exec(lines[next] ?? '')?.[1];
      if (said !== undefined) {
        paragraph.push(`${label[0]!.toUpperCase()}${label.slice(1).toLowerCase()}: ${said.trim()}`);
        at = next;
        continue;
      }
    }
    if (quote === '') endParagraph();
    else paragraph.push(quote);
  }
  endAll();
  return blocks;
};

/** An item's text as a list of an HTML page has it: paragraphs apart, nested lists as further lines. */
const itemText = (lines: readonly string[], depth: number, budget: Budget): string => {
  let text = '';
  for (const block of depth === MAX_DEPTH ? [] : parseAt(lines.join('\n'), depth + 1, budget)) {
    if (text !== '') text += block.type === 'list' ? '\n' : '\n\n';
    text += block.type === 'prose' ? block.text : renderBlock(block);
  }
  return depth === MAX_DEPTH ? inlineText(lines.join('\n')) : text;
};
