// Where the pages of a run come from, and how they are fetched.
import { z } from 'zod';
import { Fraction, outside } from './input-fields';

const WebUrl = z.url({ protocol: /^https?$/, error: 'must be an http(s) address' });
/** Whether any address can begin as the pattern does up to its first star. */
const canFit = (pattern: string): boolean => {
  const start = pattern.split('*', 1)[0]?.toLowerCase() ?? '';
  return (
    start.startsWith('/') || ['http://', 'https://', 'files:///'].some((scheme) => scheme.startsWith(start) || start.startsWith(scheme))
  );
};
const Pattern = z
  .string()
  .min(1)
  .max(500)
  .refine(canFit, { error: 'fits no address: it must begin with / (a path), with http:// or https:// (a whole address), or with *' });
const Patterns = z.array(Pattern).max(100).default([]);

export const Source = z.strictObject({
  urls: z.array(WebUrl).max(5000).default([]).describe('pages to collect, taken as they are named; more than 5,000: list'),
  list: z
    .string()
    .min(1)
    .max(2000)
    .nullable()
    .default(null)
    .describe(
      'a file of addresses, one a line, # begins a comment, gzip allowed: an http(s) address, or a path below RETUNE_FILES_ROOT of the worker',
    ),
  sitemaps: z
    .array(WebUrl)
    .max(100)
    .default([])
    .describe(
      'sitemaps (XML, index or text, gzip allowed); a bare origin such as https://example.org means those that its robots.txt names, else /sitemap.xml',
    ),
  files: z
    .array(z.string().min(1).max(2000))
    .max(1000)
    .default([])
    .describe(
      'HTML and Markdown files of the worker, or folders of such, below its RETUNE_FILES_ROOT; their address is files:///path/below/it',
    ),
  links: z
    .strictObject({
      depth: z
        .int()
        .min(0)
        .max(10)
        .default(0)
        .describe(
          'how many links away from the pages named above; 0: only those. Links marked nofollow are not followed unless robots is ignore',
        ),
    })
    .prefault({})
    .describe('links to follow: of the same site, or what include says'),
  include: Patterns.describe(
    'only addresses that match one of these patterns; * is any run of characters without /, ** any run; a pattern from / on is for path and query, any other for the whole address. Not for urls. Empty: all of the same site',
  ),
  exclude: Patterns.describe('addresses left out, in the same patterns; stronger than include'),
  maxPages: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(100_000)
    .describe('most addresses a run takes, in the order urls, list, sitemaps, files, links; the rest is counted'),
  provider: z
    .enum(['auto', 'direct', 'brightdata'])
    .default('auto')
    .describe('who fetches; auto: Bright Data when the worker has BRIGHTDATA_API_TOKEN, else direct'),
  robots: z.enum(['obey', 'ignore']).default('obey').describe('direct: robots.txt of each host'),
  userAgent: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, 'must be printable ASCII, as an HTTP header carries it')
    .default('retune/0.1')
    .describe('direct: the name we give'),
  maxAgeHours: z
    .number()
    .min(0)
    .max(8760)
    .nullable()
    .default(null)
    .describe('a page younger than this is not asked for again; null: 0 for direct (it revalidates), 20 for brightdata'),
  minSuccess: Fraction.default(0.5).describe('least share of URLs that must bring a page'),
  maxBodyMb: z.int().min(1).max(100).default(20).describe('largest page, after decompression'),
  timeoutSeconds: z.int().min(1).max(600).default(30).meta(outside).describe('of one request'),
  perHost: z.int().min(1).max(32).default(4).meta(outside).describe('requests at once to one host'),
  batchMinutes: z
    .number()
    .positive()
    .max(1440)
    .default(30)
    .meta(outside)
    .describe('brightdata: longest wait for a batch, then its URLs are asked for one by one'),
  retries: z.int().min(0).max(20).default(3).meta(outside).describe('further tries of a single URL for what can heal'),
});
