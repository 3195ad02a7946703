// HTML elements as the tokenizer and the block reader know them: one record a name, looked up once for every tag.

export interface Tag {
  /** In lower case. */
  readonly name: string;
  /** Place in TAGS, or -1 for an element that HTML does not know. */
  readonly index: number;
  readonly isVoid: boolean;
  /** How its text is read: with tags and references, with references only, as it stands to its end tag, or to the end of the page. */
  readonly content: 'markup' | 'rcdata' | 'raw' | 'plaintext';
  /** Open elements that its start tag ends, when they are innermost. */
  readonly ends: ReadonlySet<string> | null;
  /** What its content is: of SVG, of MathML, HTML again, or null for what is around it. */
  readonly space: 'svg' | 'math' | 'html' | null;
  readonly isBlock: boolean;
  readonly isPre: boolean;
  readonly isCode: boolean;
  readonly isDropped: boolean;
  /** 1 to 6 for h1 to h6, else 0. */
  readonly level: number;
}

const names = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** Never content: their text is dropped with them. */
const DROPPED_ELEMENTS = names(
  'script style noscript template svg iframe object canvas audio video map button select textarea input datalist dialog ' +
    'annotation annotation-xml rp rt',
);
/** Elements that end a line of text. */
const BLOCK_ELEMENTS = names(
  'address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 ' +
    'h4 h5 h6 header hgroup hr html legend li main menu nav ol optgroup p pre section summary table tbody td tfoot th thead tr ' +
    'ul',
);
const PRE_ELEMENTS = names('pre listing xmp plaintext');
const CODE_ELEMENTS = names('code tt kbd samp');

const VOID = names('area base basefont br col command embed frame hr img input isindex keygen link meta param source track wbr');
const RAW = names('script style iframe noembed noframes xmp');
const RCDATA = names('title textarea');
const HTML_AGAIN = names('mi mo mn ms mtext annotation-xml desc title');

const PARAGRAPH = names('p');
const FORM_PARTS = names('input option optgroup select button datalist textarea');
const HEADINGS = names('h1 h2 h3 h4 h5 h6 p');
/** Implied end tags as htmlparser2 has them, a subset of HTML's tree construction that needs no look further up than the innermost. */
const ENDS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['tr', names('tr th td')],
  ['th', names('th')],
  ['td', names('thead th td')],
  ['body', names('head link script')],
  ['a', names('a')],
  ['li', names('li')],
  ['option', names('option')],
  ['optgroup', names('optgroup option')],
  ['dd', names('dd dt')],
  ['dt', names('dd dt')],
  ['rt', names('rt rp')],
  ['rp', names('rt rp')],
  ['tbody', names('thead tbody')],
  ['tfoot', names('thead tbody')],
  ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((name) => [name, HEADINGS] as const),
  ...['select', 'input', 'output', 'button', 'datalist', 'textarea'].map((name) => [name, FORM_PARTS] as const),
  ...[
    ...names(
      'p address article aside blockquote details div dl fieldset figcaption figure footer form header hr main nav ol pre section table ul',
    ),
  ].map((name) => [name, PARAGRAPH] as const),
]);

const INLINE = names(
  'a abbr acronym b bdi bdo big cite data del dfn em font head i img ins label mark math q ruby s small span strike strong ' +
    'sub sup svg time u var',
);

const tag = (name: string, index: number): Tag => ({
  name,
  index,
  isVoid: VOID.has(name),
  content: RAW.has(name) ? 'raw' : RCDATA.has(name) ? 'rcdata' : name === 'plaintext' ? 'plaintext' : 'markup',
  ends: ENDS.get(name) ?? null,
  space: name === 'svg' || name === 'math' ? name : HTML_AGAIN.has(name) ? 'html' : null,
  isBlock: BLOCK_ELEMENTS.has(name),
  isPre: PRE_ELEMENTS.has(name),
  isCode: CODE_ELEMENTS.has(name),
  isDropped: DROPPED_ELEMENTS.has(name),
  level: /^h[1-6]$/.test(name) ? Number(name[1]) : 0,
});

const TAGS: ReadonlyMap<string, Tag> = new Map(
  [
    ...new Set([
      ...[VOID, RAW, RCDATA, HTML_AGAIN, FORM_PARTS, INLINE, BLOCK_ELEMENTS, CODE_ELEMENTS, PRE_ELEMENTS, DROPPED_ELEMENTS].flatMap(
        (set) => [...set],
      ),
      ...ENDS.keys(),
    ]),
  ].map((name, index) => [name, tag(name, index)] as const),
);

/** How many elements have an index. */
export const TAG_COUNT = TAGS.size;

/** One step of the hash of a name in lower case: what the tokenizer sums while it looks for the name's end. */
export const hashStep = (hash: number, code: number): number => (Math.imul(hash, 31) + code) & 0x3fffffff;

const BY_HASH: ReadonlyMap<number, Tag> = new Map(
  [...TAGS.values()].map((known) => [[...known.name].reduce((hash, sign) => hashStep(hash, sign.charCodeAt(0)), 0), known]),
);

/** @param name in any case */
export const tagOf = (name: string): Tag => {
  const lower = name.toLowerCase();
  return TAGS.get(lower === 'image' ? 'img' : lower) ?? tag(lower, -1);
};

/** The element whose name is html.slice(from, to), without making that string where the name is known and in lower case. */
export const tagAt = (html: string, from: number, to: number, hash: number): Tag => {
  const known = BY_HASH.get(hash);
  if (known !== undefined && known.name.length === to - from && html.startsWith(known.name, from)) return known;
  return tagOf(html.slice(from, to));
};
