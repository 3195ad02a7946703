// source.sitemaps: from an origin or a sitemap to pages, through robots.txt and indexes. What can heal is waited for:
// half a site must not look like a site that shrank. What cannot is counted with its reason.
import { failure } from '../contracts/errors';
import type { PipelineInput } from '../contracts/input';
import { HttpError } from '../io/http-error';
import { TextTooLarge } from '../io/plain-text';
import type { Intake } from '../lib/intake';
import { createSitemapReader, type SitemapEntry } from '../lib/sitemap';
import { canonicalUrl } from '../lib/url';
import type { Pulse } from './pulse';
import { fieldFailure, isBrokenGzip, type SourceTextDeps, webText } from './source-text';

/** The protocol's limit of one file, decompressed. */
const MAX_BYTES = 50 * 1024 * 1024;
/** An index inside an index is not allowed by the protocol, and yet some sites nest one or two. */
const MAX_DEPTH = 4;
/** Sitemaps of one run: with 50,000 pages each, more than any run takes. */
const MAX_SITEMAPS = 10_000;

/** Of an index asked for at once, each in its turn at its host: bodies that wait to be read bound this. */
const AHEAD = 4;

interface Visit {
  url: string;
  depth: number;
  /** What the person named: pages of other sites are none of it. */
  site: string;
  field: string;
}

const ROBOTS_PATIENCE_MS = 60_000;

export const createSitemapWalk = (deps: SourceTextDeps, source: PipelineInput['source'], intake: Intake, { signal, details }: Pulse) => {
  const seen = new Set<string>();
  /** Asked for before their turn to be read. */
  const ahead = new Map<string, Promise<AsyncGenerator<string>>>();
  /** What was asked for ahead and is not wanted any more. */
  const rest = new AbortController();
  const asking = AbortSignal.any([signal, rest.signal]);
  let read = 0;

  const ask = (url: string): Promise<AsyncGenerator<string>> => webText(deps, source, url, { maxBytes: MAX_BYTES, signal: asking });
  const askAhead = (addresses: readonly string[]): void => {
    for (const address of addresses) {
      const url = canonicalUrl(address);
      if (url === null || seen.has(url) || ahead.has(url)) continue;
      const text = ask(url);
      text.catch(() => undefined); // heard when it is read
      ahead.set(url, text);
    }
  };

  /** What a named address stands for. */
  const roots = async (address: string): Promise<string[]> => {
    const { pathname, search, origin } = new URL(address);
    if (pathname !== '/' || search !== '') return [address];
    const limits = { timeoutMs: source.timeoutSeconds * 1000, width: source.perHost, patienceMs: ROBOTS_PATIENCE_MS, signal };
    const { sitemaps } = await deps.web.robots.rules(address, source.userAgent, limits);
    return sitemaps.length > 0 ? sitemaps : [`${origin}/sitemap.xml`];
  };

  /** @returns the sitemaps that it names */
  const readOne = async ({ url, site, depth, field }: Visit): Promise<string[]> => {
    const nested: string[] = [];
    const take = (entries: readonly SitemapEntry[]): void => {
      for (const { kind, address } of entries)
        if (kind === 'page') intake.found(address, site);
        else if (nested.length < MAX_SITEMAPS) nested.push(address);
        else intake.refuse('too_many_sitemaps', address);
    };
    const reader = createSitemapReader();
    const stopped = (reason: string): void => {
      intake.refuse(reason, url);
      broken = true;
    };
    let broken = false;
    try {
      const asked = ahead.get(url) ?? ask(url);
      ahead.delete(url);
      for await (const piece of await asked) {
        signal.throwIfAborted();
        take(reader.write(piece));
        details({ sitemaps: read, urls: intake.urls.size });
      }
    } catch (error) {
      if (error instanceof TextTooLarge) stopped('sitemap_too_large');
      else if (isBrokenGzip(error)) stopped('sitemap_broken');
      // What a person named has to be there; what a sitemap names is the site's own affair.
      else if (error instanceof HttpError && error.kind === 'target' && !error.isForLater && depth > 0) stopped(`sitemap_${error.code}`);
      else throw fieldFailure(field, error);
    }
    const { entries, end } = reader.end();
    take(entries);
    if (broken) return nested;
    if (end === 'not_a_sitemap') {
      if (depth === 0)
        throw failure('InvalidInput', `${field}: ${url} is no sitemap (XML with urlset or sitemapindex, or one address a line)`);
      intake.refuse('not_a_sitemap', url);
    } else if (end === 'truncated') intake.refuse('sitemap_truncated', url);
    return nested;
  };

  const visit = async (at: Visit): Promise<void> => {
    const url = canonicalUrl(at.url);
    if (url === null) return intake.refuse('sitemap_not_a_url', at.url);
    if (seen.has(url)) return;
    seen.add(url);
    if (intake.full) return intake.refuse('sitemap_not_read', url);
    if (at.depth > MAX_DEPTH) return intake.refuse('sitemap_too_deep', url);
    if (read >= MAX_SITEMAPS) return intake.refuse('too_many_sitemaps', url);
    read += 1;
    const nested = await readOne({ ...at, url });
    // Asked for together, once the first has shown that it is not enough, and read in their order: what maxPages takes
    // must not depend on who answers first.
    for (const [index, next] of nested.entries()) {
      if (index > 0 && !intake.full && at.depth < MAX_DEPTH) askAhead(nested.slice(index, index + AHEAD));
      await visit({ ...at, url: next, depth: at.depth + 1 });
    }
  };

  /** Walks all that the input names, in its order. @returns how many sitemaps were read */
  return async (): Promise<number> => {
    try {
      for (const [index, address] of source.sitemaps.entries()) {
        const field = `source.sitemaps.${index}`;
        const urls = await roots(address).catch((error: unknown) => {
          throw fieldFailure(field, error);
        });
        for (const url of urls) await visit({ url, site: address, depth: 0, field });
      }
      return read;
    } finally {
      rest.abort();
    }
  };
};
