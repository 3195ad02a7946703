// What HTML elements, roles and class names mean for content: the only tables the HTML reader decides by.

/** Never content: their text is dropped with them. */
export const DROPPED_ELEMENTS: ReadonlySet<string> = new Set([
  'script',
  'style',
  'noscript',
  'template',
  'svg',
  'iframe',
  'object',
  'canvas',
  'audio',
  'video',
  'map',
  'button',
  'select',
  'textarea',
  'input',
  'datalist',
  'dialog',
  'annotation',
  'annotation-xml',
  'rp',
  'rt',
]);

/** Elements that end a line of text. */
export const BLOCK_ELEMENTS: ReadonlySet<string> = new Set([
  'address',
  'article',
  'aside',
  'blockquote',
  'body',
  'caption',
  'center',
  'dd',
  'details',
  'div',
  'dl',
  'dt',
  'fieldset',
  'figcaption',
  'figure',
  'footer',
  'form',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'header',
  'hgroup',
  'hr',
  'html',
  'legend',
  'li',
  'main',
  'menu',
  'nav',
  'ol',
  'optgroup',
  'p',
  'pre',
  'section',
  'summary',
  'table',
  'tbody',
  'td',
  'tfoot',
  'th',
  'thead',
  'tr',
  'ul',
]);

export const PRE_ELEMENTS: ReadonlySet<string> = new Set(['pre', 'listing', 'xmp', 'plaintext']);
export const CODE_ELEMENTS: ReadonlySet<string> = new Set(['code', 'tt', 'kbd', 'samp']);

/** What a region of a page is for, as its element, role or name says; content.ts decides whether to believe it. */
export type Purpose = 'main' | 'article' | 'nav' | 'header' | 'footer' | 'aside' | 'form' | 'extra';

const BY_ELEMENT: ReadonlyMap<string, Purpose> = new Map([
  ['main', 'main'],
  ['article', 'article'],
  ['nav', 'nav'],
  ['header', 'header'],
  ['footer', 'footer'],
  ['aside', 'aside'],
  ['form', 'form'],
]);

const BY_ROLE: ReadonlyMap<string, Purpose> = new Map([
  ['main', 'main'],
  ['article', 'article'],
  ['navigation', 'nav'],
  ['menu', 'nav'],
  ['menubar', 'nav'],
  ['toolbar', 'nav'],
  ['directory', 'nav'],
  ['banner', 'header'],
  ['contentinfo', 'footer'],
  ['complementary', 'aside'],
  ['search', 'nav'],
  ['dialog', 'extra'],
  ['alertdialog', 'extra'],
]);

const BY_NAME: ReadonlyMap<string, Purpose> = new Map([
  ...[
    'nav',
    'navbar',
    'navigation',
    'navi',
    'topnav',
    'sidenav',
    'breadcrumb',
    'breadcrumbs',
    'menu',
    'submenu',
    'toc',
    'minitoc',
    'tableofcontents',
    'sidebar',
    'pagination',
    'pager',
    'navheader',
    'navfooter',
    'navpanel',
    'prevnext',
    'skiplink',
    'quicklinks',
    'toolbar',
    'tabs',
  ].map((name) => [name, 'nav'] as const),
  ...['header', 'pageheader', 'masthead', 'banner', 'topbar', 'logo', 'logobar', 'siteheader'].map((name) => [name, 'header'] as const),
  ...['footer', 'pagefooter', 'sitefooter', 'colophon', 'copyright'].map((name) => [name, 'footer'] as const),
  ...[
    'cookie',
    'cookies',
    'consent',
    'share',
    'social',
    'related',
    'advert',
    'ads',
    'promo',
    'newsletter',
    'search',
    'searchbox',
    'comments',
    'langs',
    'languages',
    'feedback',
    'edit',
  ].map((name) => [name, 'extra'] as const),
]);

/** Where a class such as "header" says what a part of a table or a page is, not what it is for. */
const NOT_A_REGION: ReadonlySet<string> = new Set(['html', 'body', 'tr', 'th', 'thead', 'tbody', 'tfoot', 'caption', 'dt', 'dd', 'pre']);

/** The purpose that an element states by what it is, and whether only its class or id says so. */
export const purposeOf = (element: string, attributes: Record<string, string>): { purpose: Purpose; named: boolean } | null => {
  const role = attributes['role'];
  const stated = (role === undefined ? undefined : BY_ROLE.get(role.trim().toLowerCase())) ?? BY_ELEMENT.get(element);
  if (stated !== undefined) return { purpose: stated, named: false };
  if (NOT_A_REGION.has(element) || !BLOCK_ELEMENTS.has(element) || /^h[1-6]$/.test(element)) return null;
  const names = `${attributes['class'] ?? ''} ${attributes['id'] ?? ''}`;
  if (names.length === 1 || names.length > 500) return null;
  for (const name of names.toLowerCase().split(/\s+/)) {
    const found =
      BY_NAME.get(name.replace(/[-_]/g, '')) ??
      name
        .split(/[-_]+/)
        .map((word) => BY_NAME.get(word))
        .find((purpose) => purpose !== undefined);
    if (found !== undefined) return { purpose: found, named: true };
  }
  return null;
};

/** Not shown to a reader. A hidden tab panel is: its tab shows it. */
export const isHidden = (attributes: Record<string, string>): boolean => {
  if (attributes['hidden'] !== undefined && attributes['role'] !== 'tabpanel') return true;
  if (attributes['aria-hidden'] === 'true') return true;
  const style = attributes['style'];
  if (style !== undefined && style.length < 1000 && /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)/i.test(style))
    return attributes['role'] !== 'tabpanel';
  return /(?:^|\s)(?:sr-only|visually-?hidden|screen-reader-text)(?:\s|$)/.test(attributes['class'] ?? '');
};

/** A column of line numbers beside code. */
export const isLineNumbers = (attributes: Record<string, string>): boolean =>
  /(?:^|\s|-)(?:linenos?|linenodiv|line-?numbers?(?:-rows)?|lnt?|ln-num(?:ber)?s?|gutter|rouge-gutter|CodeMirror-linenumber)(?:\s|$)/.test(
    attributes['class'] ?? '',
  );
