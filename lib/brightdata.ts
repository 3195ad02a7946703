// A batch's row as a page or the reason why there is none, and what pages cost.
import { z } from 'zod';
import { canonicalUrl } from './url';

/** Pay as you go, per record or request that brought a page (May to October 2026); plans and premium domains differ. */
const USD_PER_THOUSAND = 1.5;

/** Codes of a record that a single request would meet again; failed records are not billed. */
const FINAL = new Set(['dead_page', 'not_found', 'invalid_url', 'http_404', 'http_410']);

const optional = z.string().nullish();
const Row = z.object({
  input: z.object({ url: z.string() }).nullish(),
  final_url: optional,
  markdown: optional,
  page_html: optional,
  error: optional,
  error_code: optional,
});

export type BatchRow =
  | { url: string; body: string; format: 'html' | 'markdown'; finalUrl: string }
  | { url: string; reason: string; detail: string; final: boolean };

const filled = (text: string | null | undefined): text is string => text != null && text.trim() !== '';

/**
 * Reads a line of a snapshot. Rows come in any order and without absent values, so a row says by its `input.url` whose
 * it is, or is of no use. HTML is preferred: our own cleaner knows headings and code that the provider's Markdown loses.
 * @returns null for a line that is no row of a known address
 */
export const readBatchRow = (line: string): BatchRow | null => {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  const parsed = Row.safeParse(value);
  const url = canonicalUrl(parsed.data?.input?.url ?? '');
  if (parsed.data === undefined || url === null) return null;
  const { error, error_code: code, page_html: html, markdown, final_url: finalUrl } = parsed.data;
  if (filled(code) || filled(error)) {
    const reason = filled(code) ? code.toLowerCase().replace(/\W+/g, '_') : 'not_delivered';
    return {
      url,
      reason,
      detail: `${url}: Bright Data's batch has no page (${filled(error) ? error.slice(0, 200) : reason})`,
      final: FINAL.has(reason),
    };
  }
  const landed = (filled(finalUrl) ? canonicalUrl(finalUrl) : null) ?? url;
  if (filled(html)) return { url, body: html, format: 'html', finalUrl: landed };
  if (filled(markdown)) return { url, body: markdown, format: 'markdown', finalUrl: landed };
  return { url, reason: 'empty_body', detail: `${url}: Bright Data's batch has an empty page`, final: false };
};

/** The same for spellings that a service may have tidied: letter case, a last slash, http or https. */
const loose = (url: string): string =>
  url
    .toLowerCase()
    .replace(/^https?:/, '')
    .replace(/\/(?=\?|$)/, '');

/**
 * Whose a row is. Bright Data repeats the address as it was sent, by its documents; one that was tidied on its way is still
 * told where only one page can be meant: else that page would be paid for twice.
 * @param urls canonical, what was asked for
 */
export const rowOwner = (urls: readonly string[]): ((url: string) => string | null) => {
  const asked = new Set(urls);
  const meant = new Map<string, string | null>();
  for (const url of asked) {
    const name = loose(url);
    meant.set(name, meant.has(name) ? null : url);
  }
  return (url) => (asked.has(url) ? url : (meant.get(loose(url)) ?? null));
};

/** At the list price, to a hundredth of a cent. */
export const estimatedCostUsd = (billed: number): number => Math.round(billed * USD_PER_THOUSAND * 10) / 10_000;
