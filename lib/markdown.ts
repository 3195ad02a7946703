// Markdown from outside (Bright Data's data_format) to the same blocks: a scanner over lines, no tree.
// CommonMark's constructs that documentation uses; a line that fits none of them is prose.
import type { Block } from '../contracts/records';
import { plain, renderBlock } from './blocks';
import { languageName } from './code-language';
import { isLabel } from './containers';
import { composed } from './unicode';

const FENCE = /^( *)(`{3,}|~{3,})([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/;
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
/** Of a trimmed line. */
const DIVIDER = /^\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?$/;

/** An admonition as converters and generators write it: a quote that begins with its label, or GitHub's alert. */
const ALERT = /^(?:\[!(\w+)\]|(?:\*\*|__)([\w ]{1,30}?):?(?:\*\*|__):?|(\w{1,12}):?)$/;
/** A definition under its term, as Markdown Extra writes it. */
const MEANING = /^ {0,3}:\s+(\S.*)$/;
/** Elements that stand in text; what else stands in angle brackets, as `<file>` does, is text. */
const TAG =
  /<(\/?)(a|abbr|b|bdo|big|blockquote|br|center|cite|code|dd|del|details|dfn|div|dl|dt|em|figcaption|figure|font|h[1-6]|hr|i|img|ins|kbd|li|mark|ol|p|picture|q|s|samp|section|small|source|span|strike|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|tr|tt|u|ul|wbr)(?:\s[^>]{0,300})?\/?>/gi;

/** Start of the private-use range that stands for escaped ASCII signs. */
const ESCAPED = 0xe000;

// Every repeat below is bounded, so that no line costs more than its length times a constant.
/** Inline Markdown as the blocks hold it: links and images as their text, emphasis without marks, code spans as they are. */
export const inlineText = (text: string): string => {
  const read = text
    .split(/((?<!`)(`+)(?!`)(?:(?!\2)[^]|\2`+){0,2000}?\2(?!`))/g)
    .filter((_, index) => index % 3 !== 2)
    .map((part, index) => {
      if (index % 2 === 1) return part;
      return (
        part
          // An escaped sign is text: out of the way of what follows, and back at the end.
          .replace(/\\([!-/:-@[-`{-~])/g, (_, sign: string) => String.fromCharCode(ESCAPED + sign.charCodeAt(0)))
          .replace(/!\[[^\]]{0,500}\]\([^)\s]{0,2000}(?:\s+"[^"]{0,500}")?\)/g, '')
          .replace(/\[([^\]]{0,500})\]\([^)\s]{0,2000}(?:\s+"[^"]{0,500}")?\)/g, '$1')
          .replace(/<(https?:[^>\s]{1,2000})>/g, '$1')
          .replace(TAG, (_, _close: string, name: string) => (name.toLowerCase() === 'br' ? '\n' : ''))
          .replace(/(\*\*\*|\*\*|___|__)(?=\S)(.{1,500}?)(?<=\S)\1/g, '$2')
          .replace(/(?<![\w*])([*_])(?=[^\s*_])([^*_\n]{1,500}?)(?<=\S)\1(?![\w*])/g, '$2')
          .replace(/[\ue000-\ue07f]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - ESCAPED))
      );
    })
    .join('')
    .trim();
  // The sign of a permalink that followed a heading.
  return composed(
    (/[¶§#]$/.test(read) ? read.slice(0, -1) : read)
      .replace(/[ \t\u00a0]+/g, ' ')
      .replace(/ ?\n ?/g, '\n')
      .trim(),
  );
};

const cells = (line: string): string[] =>
  line
    .trim()
    .replace(/^\||(?<!\\)\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => inlineText(cell.replaceAll('\\|', '|')).replace(/\s*\n\s*/g, ' '));

/** Lists inside each other; what is deeper is text. */
const MAX_DEPTH = 24;

/** One pass over the lines, and one over those of each list's items. */
export const parseMarkdown = (source: string): Block[] => parseAt(source.replaceAll('\0', '').replace(/\r\n?/g, '\n'), 0);

const parseAt = (source: string, depth: number): Block[] => {
  const lines = source.split('\n');
  const blocks: Block[] = [];
  let paragraph: string[] = [];
  /** `content`: the column in which the newest item's text begins, and what belongs to it. */
  let list: { ordered: boolean; start: number; items: string[][]; indent: number; content: number } | null = null;

  const endParagraph = (): void => {
    const text = inlineText(paragraph.join('\n'));
    if (text !== '') blocks.push({ type: 'prose', text });
    paragraph = [];
  };
  const endList = (): void => {
    if (list === null) return;
    const items = list.items.map((item) => itemText(item, depth)).filter((item) => item !== '');
    if (items.length > 0)
      blocks.push({ type: 'list', ordered: list.ordered, ...(list.ordered && list.start !== 1 ? { start: list.start } : {}), items });
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
      if (text.trim() !== '') blocks.push({ type: 'code', text, language: languageName(/^\S*/.exec(info.trimStart())![0]) });
      // A numbered list that held the code goes on with its numbers.
      if (next !== null && ordered) list = { ordered: true, start: next, items: [], indent: 0, content: 0 };
      continue;
    }
    const heading = line.length > 2000 ? null : HEADING.exec(line);
    if (heading !== null) {
      endAll();
      const text = inlineText((heading[2] ?? '').replace(/\s*\[[^\]\w]*\]\(#[^)]*\)\s*$/, ''));
      const anchor = /\]\(#([^)\s]+)[^)]*\)\s*$/.exec(heading[2] ?? '')?.[1] ?? null;
      if (text !== '') blocks.push({ type: 'heading', level: heading[1]!.length, text, anchor });
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
      blocks.push({ type: 'heading', level: under.trim().startsWith('=') ? 1 : 2, text: inlineText(line), anchor: null });
      at += 1;
      continue;
    }
    if (isRule(line)) {
      endAll();
      continue;
    }
    if (line.includes('|') && DIVIDER.test(under.trim()) && under.includes('-') && under.includes('|')) {
      endAll();
      const columns = cells(line);
      // A table without a heading still has the row that Markdown asks for.
      const header = columns.some((column) => column !== '') ? columns : [];
      const rows: string[][] = [];
      for (at += 2; at < lines.length && lines[at]!.includes('|'); at++) rows.push(cells(lines[at]!));
      at -= 1;
      blocks.push({ type: 'table', header, rows });
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
      blocks.push({ type: 'code', text: code.join('\n'), language: null });
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
      blocks.push({ type: 'definition', term: plain(term), anchor: null, signature, text: inlineText(text.join('\n')), code: [] });
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
const itemText = (lines: readonly string[], depth: number): string => {
  let text = '';
  for (const block of depth === MAX_DEPTH ? [] : parseAt(lines.join('\n'), depth + 1)) {
    if (text !== '') text += block.type === 'list' ? '\n' : '\n\n';
    text += block.type === 'prose' ? block.text : renderBlock(block);
  }
  return depth === MAX_DEPTH ? inlineText(lines.join('\n')) : text;
};
