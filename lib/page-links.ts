// What a page says of addresses: the one that it calls its own, and those that it leads to.
import { Parser } from 'htmlparser2';
import type { Page } from '../contracts/records';
import { decode } from './charset';
import { canonicalUrl } from './url';

type Form = Pick<Page, 'format' | 'charset'>;

/** A head is rarely longer; what comes after it has no say. */
const HEAD_BYTES = 256 * 1024;
const PIECE_CHARS = 64 * 1024;
/** Longer addresses are refused when they are collected, too. */
const MAX_URL = 2048;
/** Most links of one page: more is a trap, not a page. */
const MAX_LINKS = 50_000;
/** Files that cannot be pages, by their names; everything else is asked for and may turn out to be none. */
const NO_PAGE =
  /\.(?:png|jpe?g|gif|svg|webp|avif|ico|bmp|css|m?js|map|json|xml|rss|atom|pdf|ps|epub|zip|gz|tgz|bz2|xz|zst|7z|rar|tar|whl|jar|exe|msi|dmg|deb|rpm|apk|iso|bin|mp[34]|m4[av]|webm|og[gv]|wav|flac|avi|mov|woff2?|ttf|otf|eot|csv|tsv|xlsx?|docx?|pptx?|od[tsp])$/i;

const absolute = (href: string, base: string): string | null => {
  if (href.length > MAX_URL) return null;
  try {
    return canonicalUrl(new URL(href.trim(), base).href);
  } catch {
    return null;
  }
};

/** Where `<meta http-equiv="refresh" content="0; url=...">` leads: how generators without a server of their own redirect. */
const refreshTarget = (content: string | undefined): string | undefined =>
  /^\s*[\d.]+\s*[;,]\s*(?:url\s*=\s*)?(?:"([^"]*)|'([^']*)|([^"'].*))/is
    .exec(content ?? '')
    ?.slice(1)
    .find((target) => target !== undefined);

const words = (text: string | undefined): string[] => (text ?? '').toLowerCase().split(/[\s,]+/);

const targetOf = (name: string, attributes: Record<string, string>): string | undefined => {
  if (name === 'a' || name === 'area') return attributes['href'];
  if (name === 'frame') return attributes['src'];
  return name === 'meta' && attributes['http-equiv']?.toLowerCase() === 'refresh' ? refreshTarget(attributes['content']) : undefined;
};

interface Reading {
  canonical: string | null;
  nofollow: boolean;
  links: Set<string>;
}

/** @param wanted 'head': stops where the body begins */
const readHtml = (text: string, url: string, wanted: 'head' | 'all', obey = true): Reading => {
  const reading: Reading = { canonical: null, nofollow: false, links: new Set() };
  let base: string | null = null;
  let over = false;
  // Parts of a page that are somebody else's, or no markup: a link there is not the page's.
  let shut = 0;
  const SHUT = new Set(['svg', 'template', 'math']);
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (over) return;
        if (SHUT.has(name)) shut += 1;
        if (name === 'body' && wanted === 'head') over = true;
        const href = attributes['href'];
        if (name === 'base' && base === null && href !== undefined) base = absoluteBase(href, url);
        if (name === 'link' && reading.canonical === null && href !== undefined && words(attributes['rel']).includes('canonical'))
          reading.canonical = absolute(href, base ?? url);
        if (name === 'meta' && words(attributes['name']).includes('robots'))
          reading.nofollow ||= words(attributes['content']).some((word) => word === 'nofollow' || word === 'none');
        const target = targetOf(name, attributes);
        if (wanted === 'head' || shut > 0 || target === undefined || (obey && words(attributes['rel']).includes('nofollow'))) return;
        const link = absolute(target, base ?? url);
        if (link !== null && reading.links.size < MAX_LINKS) reading.links.add(link);
      },
      onclosetag(name) {
        if (SHUT.has(name) && shut > 0) shut -= 1;
      },
    },
    { decodeEntities: true },
  );
  for (let at = 0; at < text.length && !over; at += PIECE_CHARS) parser.write(text.slice(at, at + PIECE_CHARS));
  if (!over) parser.end();
  return reading;
};

/** The address that relative ones start from: like links, but with its fragment and query left alone. */
const absoluteBase = (href: string, url: string): string | null => {
  try {
    const base = new URL(href, url);
    return base.protocol === 'http:' || base.protocol === 'https:' ? base.href : null;
  } catch {
    return null;
  }
};

/** The address between brackets that begins at `from`: up to a space or the bracket that closes it. */
const bracketed = (line: string, from: number): string => {
  let depth = 0;
  let at = from;
  for (; at < line.length && at - from <= MAX_URL; at += 1) {
    const letter = line[at];
    if (letter === '(') depth += 1;
    if (letter === ' ' || letter === '\t' || letter === '>' || (letter === ')' && depth-- === 0)) break;
  }
  return line.slice(from, at);
};

const readMarkdown = (text: string, url: string): Set<string> => {
  const links = new Set<string>();
  let fence: string | null = null;
  const take = (href: string): void => {
    const link = absolute(href, url);
    if (link !== null && links.size < MAX_LINKS) links.add(link);
  };
  for (const line of text.split('\n')) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark !== undefined && (fence === null || (mark.startsWith(fence) && mark[0] === fence[0]))) fence = fence === null ? mark : null;
    if (fence !== null || mark !== undefined) continue;
    for (let at = line.indexOf(']('); at !== -1; at = line.indexOf('](', at + 2))
      take(bracketed(line, line[at + 2] === '<' ? at + 3 : at + 2));
    for (const [, href] of line.matchAll(/<(https?:[^>\s]{1,2048})>/gi)) take(href ?? '');
    const defined = /^ {0,3}\[[^\]]{1,999}\]:\s*<?([^\s>]+)/.exec(line)?.[1];
    if (defined !== undefined) take(defined);
  }
  return links;
};

/**
 * The address that an HTML page's head calls its own (rel=canonical); null without one.
 * @param url where it was found, after redirects
 */
export const canonicalLink = (body: Uint8Array, { format, charset }: Form, url: string): string | null => {
  if (format !== 'html') return null;
  let end = Math.min(body.length, HEAD_BYTES);
  // Not inside a character: half of one would make valid UTF-8 look like another charset.
  if (end < body.length) while (end > 0 && (body[end - 1] ?? 0) >= 0x80) end -= 1;
  return readHtml(decode(body.subarray(0, end), charset).text, url, 'head').canonical;
};

/**
 * Addresses that a page leads to: canonical, distinct, of whatever host, without those that cannot be pages.
 * @param obey rel=nofollow of a link and of the page (meta robots)
 */
export const pageLinks = (body: Uint8Array, { format, charset }: Form, url: string, obey: boolean): string[] => {
  const { text } = decode(body, charset);
  const reading = format === 'html' ? readHtml(text, url, 'all', obey) : { links: readMarkdown(text, url), nofollow: false };
  if (obey && reading.nofollow) return [];
  return [...reading.links].filter((link) => link.length <= MAX_URL && !NO_PAGE.test(new URL(link).pathname));
};
