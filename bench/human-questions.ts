// Questions that people wrote and answered: SQLite's and Git's FAQ, read from the DOM by selectors, never by the cleaner.
import { DomUtils, parseDocument } from 'htmlparser2';

type Node = ReturnType<typeof parseDocument>['children'][number];
type Element = Extract<Node, { attribs: unknown }>;

export interface HumanQuestion {
  id: string;
  question: string;
  /** Plain text, paragraphs apart; `pre` as it is. */
  answer: string;
}

const isElement = (node: Node | null | undefined, ...names: string[]): node is Element =>
  node != null && 'attribs' in node && names.includes(node.name);

const BLOCKS = new Set(['p', 'div', 'blockquote', 'ul', 'ol', 'li', 'dl', 'dt', 'dd', 'table', 'tr']);

const folded = (text: string): string => text.replace(/\s+/g, ' ');

/** Text with a blank line between blocks. */
const plainText = (node: Node): string => {
  if (isElement(node, 'pre')) return `\n\n${DomUtils.textContent(node).replace(/^\n|\n$/g, '')}\n\n`;
  if (!('children' in node)) return 'data' in node && String(node.type) === 'text' ? folded(node.data) : '';
  const inner = node.children.map(plainText).join('');
  return isElement(node, ...BLOCKS) ? `\n\n${inner}\n\n` : inner;
};

/** One blank line between blocks; a block's first line keeps its indentation only in `pre`. */
const tidy = (text: string): string =>
  text
    .replace(/^[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .replace(/\n\n (?=\S)/g, '\n\n')
    .trim();

const answerOf = (node: Node): string => tidy(plainText(node));

/** `<p><b>(7) How ...</b></p><blockquote>...</blockquote>` */
const fromSqlite = (html: string): HumanQuestion[] =>
  DomUtils.getElementsByTagName('b', parseDocument(html)).flatMap((bold) => {
    const said = /^\((\d+)\)\s+([\s\S]+)$/.exec(DomUtils.textContent(bold).trim());
    let next = bold.parent?.next ?? null;
    while (next !== null && !isElement(next, 'blockquote')) next = isElement(next, 'p', 'a') ? null : next.next;
    if (said === null || next === null) return [];
    return [{ id: `sqlite-${said[1]!}`, question: folded(said[2]!), answer: answerOf(next) }];
  });

/** `<dt>Why ...?</dt><dd>...</dd>` */
const fromGit = (html: string): HumanQuestion[] =>
  DomUtils.getElementsByTagName('dt', parseDocument(html)).flatMap((term, index) => {
    const question = folded(DomUtils.textContent(term)).trim();
    const meaning = DomUtils.nextElementSibling(term);
    if (!question.endsWith('?') || !isElement(meaning, 'dd')) return [];
    return [{ id: `git-${index + 1}`, question, answer: answerOf(meaning) }];
  });

/** By site, the page with the questions and how it is read. */
export const HUMAN_PAGES: Readonly<Record<string, { page: string; read: (html: string) => HumanQuestion[] }>> = {
  sqlite: { page: 'faq.html', read: fromSqlite },
  git: { page: 'gitfaq.html', read: fromGit },
};
