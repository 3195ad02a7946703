// One row of each shelf. JSONL, one record a line, sorted by `id`; `schema` is raised when a meaning changes:
// readers ignore fields they do not know and refuse a higher number.
import { z } from 'zod';

export const RECORD_SCHEMA = 1;
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const schema = z.literal(RECORD_SCHEMA);

/** What became of a URL that gave no page, or of a row that a stage dropped. */
export const Dropped = z.object({
  schema,
  id: z.string().describe('the id that the row had, or would have had'),
  of: z.enum(['url', 'page', 'document', 'section', 'pair', 'example']),
  stage: z.string(),
  url: z.string().optional().describe('of a url'),
  reason: z.string().describe('snake_case, counted in manifests and reports'),
  detail: z.string().optional().describe('for a person: a URL, a status, a question, the id of the survivor and what it is'),
});
export type Dropped = z.infer<typeof Dropped>;

/** One fetched URL. `id` = sha256 of the canonical URL; the body lies in the store under its own sha256. */
export const Page = z.object({
  schema,
  id: Sha256,
  url: z.string().describe('canonical'),
  bodySha256: Sha256,
  bodyBytes: z.int(),
  format: z.enum(['html', 'markdown']),
  charset: z.string().nullable().describe('from the HTTP header; the document may say otherwise'),
});
export type Page = z.infer<typeof Page>;

/** How and when a page came; beside the pages, never in a digest. */
export const Fetch = z.object({
  schema,
  id: Sha256,
  url: z.string(),
  finalUrl: z.string(),
  status: z.int(),
  fetchedAt: z.string().describe('ISO 8601, of the response that brought the body'),
  checkedAt: z.string().describe('ISO 8601, of the newest answer, a 304 included'),
  etag: z.string().nullable(),
  lastModified: z.string().nullable(),
  provider: z.enum(['direct', 'brightdata', 'files']),
  page: Page,
  canonical: z.string().nullable().optional().describe('what the page calls its own address (rel=canonical)'),
  bodySince: z.string().optional().describe('ISO 8601, when this body came for the first time'),
  before: z.object({ bodySha256: Sha256, checkedAt: z.string() }).optional().describe('the body before this one, and when it last stood'),
  gone: z
    .object({ since: z.string(), seenAt: z.string(), reason: z.string() })
    .optional()
    .describe('dates of the first and the newest run that found it gone, not having answered in between; two runs make a tombstone'),
});
export type Fetch = z.infer<typeof Fetch>;

/** What is new about a URL of a run; `unchanged` has no row. Beside the pages, never in a digest. */
export const PageChange = z.object({
  schema,
  id: Sha256,
  url: z.string(),
  change: z.enum(['new', 'changed', 'gone_once', 'gone', 'stale']),
  since: z.string().nullable().describe('gone: date of the first run that found it so; stale: when its server last answered'),
  reason: z.string().nullable().default(null).describe('gone and stale: why it could not be had'),
});
export type PageChange = z.infer<typeof PageChange>;

export const Block = z.discriminatedUnion('type', [
  z.object({ type: z.literal('heading'), level: z.int().min(1).max(6), text: z.string(), anchor: z.string().nullable() }),
  z.object({ type: z.literal('prose'), text: z.string().describe('Markdown: inline code in backticks, NFC') }),
  z.object({
    type: z.literal('code'),
    text: z.string().describe('byte-exact, without one final newline'),
    language: z.string().nullable(),
  }),
  z.object({
    type: z.literal('list'),
    ordered: z.boolean(),
    start: z.int().optional().describe('number of the first item when it is not 1: a list that goes on after code'),
    items: z.array(z.string()).describe('Markdown; nested lists as further lines'),
  }),
  z.object({ type: z.literal('table'), header: z.array(z.string()), rows: z.array(z.array(z.string())) }),
  z.object({
    type: z.literal('definition'),
    term: z.string(),
    anchor: z.string().nullable(),
    signature: z.boolean().describe('the term is code: a function, an option, a command'),
    text: z.string().describe('Markdown; U+FFFC alone on a line stands for the next of code'),
    code: z.array(z.object({ text: z.string(), language: z.string().nullable() })),
  }),
]);
export type Block = z.infer<typeof Block>;

/** A page cleaned into blocks. `id` = the page's id; `sha256` covers title, language and blocks. */
export const Document = z.object({
  schema,
  id: Sha256,
  url: z.string(),
  sha256: Sha256,
  title: z.string(),
  language: z.string().nullable(),
  blocks: z.array(Block),
});
export type Document = z.infer<typeof Document>;

/** The part of a document under one heading. */
export const Section = z.object({
  schema,
  id: Sha256.describe('sha256 of the page id, the anchor and the position'),
  pageId: Sha256,
  url: z.string(),
  documentSha256: Sha256,
  title: z.string().describe('of the document'),
  anchor: z.string().nullable(),
  path: z.array(z.string()).describe('headings from the top to this one'),
  position: z.int().describe('number of the section in its document, from 0'),
  blocks: z.array(Block).describe('without the heading itself'),
  cluster: Sha256.describe('smallest section id of its near-duplicates, itself included'),
});
export type Section = z.infer<typeof Section>;

export const PAIR_KINDS = ['heading', 'code', 'definition', 'signature', 'option', 'faq'] as const;

/** One grounded instruction and response. */
export const Pair = z.object({
  schema,
  id: Sha256.describe('sha256 of kind, section id, instruction and response'),
  kind: z.enum([...PAIR_KINDS, 'llm']).describe('llm: written by a language model about the section'),
  instruction: z.string(),
  response: z.string().describe('Markdown'),
  url: z.string(),
  anchor: z.string().nullable(),
  path: z.array(z.string()),
  pageId: Sha256,
  sectionId: Sha256,
  cluster: Sha256,
  documentSha256: Sha256,
  score: z.number().min(0).max(1),
});
export type Pair = z.infer<typeof Pair>;

export const Message = z.object({ role: z.enum(['system', 'developer', 'user', 'assistant']), content: z.string() });
export type Message = z.infer<typeof Message>;

export const SPLITS = ['train', 'validation', 'test'] as const;
export type Split = (typeof SPLITS)[number];

/** A pair as chat messages: one row of the dataset. `id` = sha256 of the messages and the pair's id. */
export const Example = z.object({
  schema,
  id: Sha256,
  split: z.enum(SPLITS),
  messages: z.array(Message),
  prompt: z.array(Message).default([]).describe('the messages before the answer: with completion, what loaders mask by'),
  completion: z.array(Message).default([]).describe('the answer alone'),
  kind: z.enum([...PAIR_KINDS, 'llm', 'general']).describe('general: from `mix`, no page'),
  url: z.string(),
  anchor: z.string().nullable(),
  path: z.array(z.string()),
  pageId: Sha256,
  pairId: Sha256,
  documentSha256: Sha256,
});
export type Example = z.infer<typeof Example>;
