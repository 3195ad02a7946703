// What a page holds, taken from its DOM by selectors written for each kind of site, never from the cleaner.
import { parseDocument } from 'htmlparser2';

/** A node of htmlparser2's DOM, as far as it is read here. */
interface Node {
  type: string;
  parent: Node | null;
  data?: string;
  name?: string;
  attribs?: Record<string, string>;
  children?: Node[];
}

export interface Kind {
  name: string;
  /** Roots of the content. */
  content: readonly string[];
  /** What is no content, inside the roots and outside. */
  chrome: readonly string[];
  /** Code that is no <pre>: an element with an element for each line. */
  listing?: { block: string; line: string; without: readonly string[] };
}

/** Selectors: `tag`, `#id`, `.class` or `[role=x]`. */
export const KINDS: readonly Kind[] = [
  { name: 'npm', content: ['#_content'], chrome: ['#banner', '#table_of_contents', 'footer'] },
  {
    name: 'sphinx',
    content: ['[role=main]'],
    chrome: ['.related', '.sphinxsidebar', '.footer', '.headerlink', '.mobile-nav', '.contents'],
  },
  {
    name: 'linux',
    content: ['[role=main]'],
    chrome: [
      'nav',
      '.wy-breadcrumbs-aside',
      '.wy-breadcrumbs',
      '.rst-footer-buttons',
      'footer',
      '.headerlink',
      '.contents',
      '.toc-backref',
    ],
  },
  { name: 'asciidoc', content: ['#content'], chrome: ['#footer', '#toc'] },
  {
    name: 'sqlite',
    content: ['body'],
    chrome: [
      '.tagline',
      '.searchmenu',
      '.fancy-toc1',
      '.fancy-toc2',
      '.fancy-toc3',
      '#toc_header',
      '#toc_sub',
      '.menu',
      '.hdrftr',
      'button',
    ],
  },
  { name: 'node', content: ['#apicontent'], chrome: ['#column2', 'header', '#toc', '.mark', '#gtoc', 'button'] },
  {
    name: 'apache',
    content: ['#page-content', '#preamble'],
    chrome: ['#page-header', '#path', '.toplang', '.bottomlang', '#footer', '.up', '#quickview', '.toc', '#comments_section'],
  },
  { name: 'mkdocs', content: ['[role=main]'], chrome: ['.bs-sidebar', '.navbar', 'footer', '.headerlink', '.modal', '.toc'] },
  {
    name: 'yard',
    content: ['#content'],
    chrome: ['#menu', '#search', '#footer', '.nav_wrap', '.summary_toggle', '.constants_summary_toggle', '.inheritanceTree', '#toc'],
  },
  {
    name: 'javadoc',
    content: ['main', '[role=main]'],
    chrome: ['header', 'footer', 'nav', '.top-nav', '.sub-nav', '.toc', '.copy', '.fixedNav', '.subNav', '.bottomNav', '.skip-nav'],
  },
  {
    name: 'doxygen',
    content: ['.contents'],
    chrome: [
      '#top',
      '#nav-path',
      '#side-nav',
      '#MSearchSelectWindow',
      '.toc',
      '.permalink',
      '.dynheader',
      '.lineno',
      '.ttc',
      '.footer',
      'address',
    ],
    listing: { block: '.fragment', line: '.line', without: ['.lineno', '.ttc'] },
  },
  { name: 'erlang', content: ['#content'], chrome: ['#leftnav', '.topbar', '.footer'] },
  { name: 'qdoc', content: ['.mainContent'], chrome: ['.navigationbar', '.footer', '.sidebar', '.naviNextPrevious'] },
  {
    name: 'scribble',
    content: ['.main'],
    chrome: ['.tocset', '.navsettop', '.navsetbottom', '.version', '.versionNoNav', '.SAuthorListBox'],
  },
  { name: 'gi-docgen', content: ['#main'], chrome: ['.sidebar', '.srclink', '.anchor', 'footer'] },
  { name: 'haddock', content: ['#content'], chrome: ['#package-header', '#table-of-contents', '#footer', '.selflink'] },
];

const DROPPED = new Set(['script', 'style', 'noscript', 'template', 'svg', 'iframe', 'button', 'select', 'head', 'title', 'textarea']);

const matches = (node: Node, selector: string): boolean => {
  const { attribs, name } = node;
  if (attribs === undefined) return false;
  if (selector.startsWith('#')) return attribs['id'] === selector.slice(1);
  if (selector.startsWith('.')) return (attribs['class'] ?? '').split(/\s+/).includes(selector.slice(1));
  if (selector.startsWith('[role=')) return attribs['role'] === selector.slice(6, -1);
  return name === selector;
};
const isAny = (node: Node, selectors: readonly string[]): boolean => selectors.some((selector) => matches(node, selector));

export interface Truth {
  /** Text of every outermost <pre> of the content. */
  code: string[];
  /** Runs of six words of prose. */
  prose: string[];
  /** Headings and terms, whole. */
  names: string[];
  /** Text of chrome: at least two words and eight letters. */
  chrome: string[];
}

/** How texts are compared: lower case, letters, digits and signs with one space between words, no backticks. */
export const comparable = (text: string): string =>
  text
    .normalize('NFC')
    .toLowerCase()
    .replace(/[`\u00ad\u200b\ufeff]/g, '')
    .replace(/[\s\u00a0]+/g, ' ')
    .trim();

/** A name as it is compared: also without white space, which elements inside it part it by or not. */
export const nameText = (text: string): string => comparable(text).replace(/[¶§#\s]/gu, '');

const isDropped = (node: Node): boolean => node.name !== undefined && DROPPED.has(node.name);
const isPre = (node: Node): boolean => node.name === 'pre';

const filter = (node: Node, is: (node: Node) => boolean, found: Node[] = []): Node[] => {
  if (is(node)) found.push(node);
  for (const child of node.children ?? []) filter(child, is, found);
  return found;
};

const codeText = (node: Node): string => {
  if (node.type === 'text') return node.data ?? '';
  if (isDropped(node) || /(?:^|\s)linenos?(?:\s|$)/.test(node.attribs?.['class'] ?? '')) return '';
  return node.name === 'br' ? '\n' : (node.children ?? []).map(codeText).join('');
};

/** A newline straight after the tag is not text (HTML, tree construction); one inside a nested element is. */
const preText = (node: Node): string => {
  const [first] = node.children ?? [];
  const text = codeText(node);
  return first?.type === 'text' || (first !== undefined && isPre(first) && first.children?.[0]?.type === 'text')
    ? text.replace(/^\r?\n/, '')
    : text;
};

const textNodes = (node: Node, skip: (node: Node) => boolean, found: string[]): string[] => {
  if (skip(node)) return found;
  if (node.type === 'text') found.push(node.data ?? '');
  else for (const child of node.children ?? []) textNodes(child, skip, found);
  return found;
};

/** The truth of a page, or null where none of the kind's roots is on it. */
export const truthOf = (html: string, kind: Kind): Truth | null => {
  const tree = parseDocument(html) as unknown as Node;
  const roots = filter(tree, (node) => isAny(node, kind.content)).filter(
    (node) => !hasAncestor(node, (above) => isAny(above, kind.content)),
  );
  if (roots.length === 0) return null;
  const isChrome = (node: Node): boolean => isAny(node, kind.chrome);
  const inRoots = <T>(each: (root: Node) => T[]): T[] => roots.flatMap(each);

  const code = inRoots((root) => filter(root, isPre))
    .filter((node) => !hasAncestor(node, (above) => isPre(above) || isChrome(above) || isDropped(above)))
    .map((node) => preText(node).replace(/\0/g, '').replace(/\r\n?/g, '\n').replace(/\n$/, ''))
    .filter((text) => text.trim() !== '' && !/^\s*\d+(?:\s+\d+)*\s*$/.test(text));
  const { listing } = kind;
  const isListing = (node: Node): boolean => listing !== undefined && matches(node, listing.block);
  if (listing !== undefined)
    for (const block of inRoots((root) => filter(root, isListing))) {
      const lines = filter(block, (node) => matches(node, listing.line) && !hasAncestor(node, (above) => isAny(above, listing.without)));
      const text = lines.map((line) => textNodes(line, (node) => isAny(node, listing.without), []).join('')).join('\n');
      if (text.trim() !== '') code.push(text.replace(/\n$/, ''));
    }
  const isCode = (node: Node): boolean => isPre(node) || isListing(node);
  const prose = inRoots((root) => textNodes(root, (node) => isChrome(node) || isDropped(node) || isCode(node), [])).flatMap((text) => {
    const words = comparable(text)
      .split(' ')
      .filter((word) => word !== '');
    return Array.from({ length: Math.floor(words.length / 6) }, (_, index) => words.slice(index * 6, index * 6 + 6).join(' '));
  });
  const contentNodes = inRoots((root) => textNodes(root, (node) => isChrome(node) || isDropped(node), []));
  // Words of one line of code stand in several elements without a space between.
  const contentText = `${comparable(contentNodes.join(' '))} ${comparable(contentNodes.join(''))}`;
  const chrome = filter(tree, isChrome)
    .filter((node) => !isDropped(node) && !hasAncestor(node, isChrome))
    .flatMap((node) => textNodes(node, isDropped, []))
    .map(comparable)
    .filter((text) => text.length >= 8 && text.includes(' ') && !contentText.includes(text));
  const names = inRoots((root) => filter(root, (node) => /^(?:h[1-6]|dt)$/.test(node.name ?? '')))
    .filter((node) => !hasAncestor(node, (above) => isChrome(above) || isDropped(above)))
    // Signs of permalinks and a line of their own are no words.
    .map((node) => nameText(textNodes(node, (inner) => isChrome(inner) || isDropped(inner), []).join('')))
    .filter((name) => name !== '');
  return { code, prose, names, chrome };
};

const hasAncestor = (node: Node, is: (above: Node) => boolean): boolean => {
  for (let above = node.parent; above !== null; above = above.parent) if (is(above)) return true;
  return false;
};
