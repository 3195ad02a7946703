// What roles, class names and ids mean for content: with the table of tags.ts, all that the HTML reader decides by.
import { languageOfClass } from './code-language';
import type { Attributes } from './html-events';

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
    // What a page takes off when it is printed is its own business, not what it says.
    'noprint',
    'dprintnone',
    'hiddenprint',
    'printhidden',
  ].map((name) => [name, 'extra'] as const),
]);

/** Where a class such as "header" says what a part of a table or a page is, not what it is for. */
const NOT_A_REGION: ReadonlySet<string> = new Set(['html', 'body', 'tr', 'th', 'thead', 'tbody', 'tfoot', 'caption', 'dt', 'dd', 'pre']);

/** docnav, mainnav; printfooter; catlinks, footerlinks */
const BY_ENDING: readonly (readonly [string, Purpose])[] = [
  ['nav', 'nav'],
  ['footer', 'footer'],
  ['links', 'extra'],
];

const namedPurpose = (names: string): Purpose | null => {
  if (names.length > 500) return null;
  for (const name of names.toLowerCase().split(/\s+/)) {
    const whole = BY_NAME.get(name.replace(/[-_]/g, ''));
    if (whole !== undefined) return whole;
    for (const word of name.split(/[-_]+/)) {
      const purpose = BY_NAME.get(word) ?? BY_ENDING.find(([ending]) => word.endsWith(ending) && word !== ending)?.[1];
      if (purpose !== undefined) return purpose;
    }
  }
  return null;
};

/** What a class attribute says, read once for every value of a page. */
export interface ClassMeaning {
  purpose: Purpose | null;
  /** Not shown to a reader. */
  hidden: boolean;
  /** A column of line numbers beside code. */
  lineNumbers: boolean;
  /** A line of code. */
  line: boolean;
  language: string | null;
  /** Of a term: a function, an option, a command. */
  signature: boolean;
  /** A listing whose lines are elements (Doxygen), as good as a <pre>. */
  listing: boolean;
}

export const NO_CLASS: ClassMeaning = {
  purpose: null,
  hidden: false,
  lineNumbers: false,
  line: false,
  language: null,
  signature: false,
  listing: false,
};

export const classMeaning = (names: string): ClassMeaning => ({
  purpose: namedPurpose(names),
  hidden: /(?:^|\s)(?:sr-only|visually-?hidden|screen-reader-text|ttc)(?:\s|$)/.test(names),
  lineNumbers:
    /(?:^|\s|-)(?:linenos?|linenodiv|line-?numbers?(?:-rows)?|lnt?|ln-num(?:ber)?s?|lines?-num|gutter|rouge-gutter|CodeMirror-linenumber)(?:\s|$)/.test(
      names,
    ),
  line: /(?:^|\s|-)line(?:\s|$)/.test(names),
  language: languageOfClass(names),
  listing: /(?:^|\s)fragment(?:\s|$)/.test(names),
  signature: /(?:^|\s)(?:sig|signature|function|method|option)(?:\s|$)/.test(names),
});

/** Its id is its heading's anchor: a section on comments or copyright is about them; only navigation is made of sections too. */
const isSection = (tag: { name: string }, names: string | null): boolean =>
  tag.name === 'section' || (names !== null && /(?:^|[\s_])sect(?:ion|\d)?(?:\s|$)/.test(names));

/** The purpose that an element states by what it is, and whether only its class or id says so. */
export const purposeOf = (
  tag: { name: string; isBlock: boolean; level: number },
  attributes: Readonly<Attributes>,
  meaning: ClassMeaning,
): { purpose: Purpose; named: boolean } | null => {
  const { role, id } = attributes;
  const stated = (role === null ? undefined : BY_ROLE.get(role.trim().toLowerCase())) ?? BY_ELEMENT.get(tag.name);
  if (stated !== undefined) return { purpose: stated, named: false };
  if ((meaning.purpose === null && id === null) || !tag.isBlock || tag.level > 0 || NOT_A_REGION.has(tag.name)) return null;
  const byId = meaning.purpose !== null || id === null ? null : namedPurpose(id);
  const named = meaning.purpose ?? (byId !== 'nav' && isSection(tag, attributes.class) ? null : byId);
  return named === null ? null : { purpose: named, named: true };
};

const HIDING = /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)/i;

/** Not shown to a reader. A hidden tab panel is: its tab shows it. */
export const isHidden = ({ hidden, ariaHidden, role, style }: Readonly<Attributes>): boolean => {
  if (ariaHidden === 'true') return true;
  return (hidden !== null || (style !== null && style.length < 1000 && HIDING.test(style))) && role !== 'tabpanel';
};

/** What is pressed and not read: inside code no word of it is code. */
export const isButton = ({ role, href }: Readonly<Attributes>): boolean =>
  role === 'button' || (href !== null && /^\s*javascript:[\s;]*(?:void\b|$)/i.test(href));
