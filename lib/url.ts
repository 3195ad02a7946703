// One spelling for each page, its id, and the shard it belongs to.
import { sha256 } from './hash';

/** Query parameters that say where a visitor came from; no page depends on them. */
const TRACKING = /^(?:utm_[a-z]+|gclid|dclid|fbclid|msclkid|mc_cid|mc_eid|yclid|igshid)$/i;
const UNRESERVED = /^[A-Za-z0-9\-._~]$/;

/** %7E and %7e mean ~ and nothing else (RFC 3986, 6.2.2); other escapes only get upper-case digits. */
export const normalEscapes = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (escape) => {
    const character = String.fromCharCode(parseInt(escape.slice(1), 16));
    return UNRESERVED.test(character) ? character : escape.toUpperCase();
  });

/** Not URL.canParse: once Node 20.20 has optimised its caller, it refuses every address with a Latin-1 letter. */
const parse = (text: string): URL | null => {
  try {
    return new URL(text);
  } catch {
    return null;
  }
};

/**
 * The canonical spelling of a page's address: absolute http(s), host in lower case, no default port, no fragment,
 * no tracking parameters, normal escapes. The order of other parameters is kept: some servers depend on it.
 * @returns null for what is no such address; addresses with a user or password are refused, since ids and
 * addresses travel into datasets
 */
export const canonicalUrl = (text: string): string | null => {
  const url = parse(text.trim());
  if (url === null) return null;
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  if (url.username !== '' || url.password !== '' || url.hostname === '') return null;
  url.hash = '';
  if (url.search !== '') {
    const kept = url.search
      .slice(1)
      .split('&')
      .filter((part) => part !== '' && !TRACKING.test(part.split('=', 1)[0] ?? ''));
    url.search = kept.join('&');
  }
  url.pathname = normalEscapes(url.pathname);
  url.search = normalEscapes(url.search);
  // An emptied query leaves its question mark in href.
  return url.search === '' ? `${url.origin}${url.pathname}` : `${url.origin}${url.pathname}${url.search}`;
};

const siteOf = (url: string): string => {
  const { hostname, port } = new URL(url);
  return `${hostname.replace(/^www\./, '')}:${port}`;
};

/** True for addresses of one site: the same host and port, whether http or https, with or without `www.`. */
export const sameSite = (a: string, b: string): boolean => siteOf(a) === siteOf(b);

const FILES = 'files:///';

/**
 * Address of a page that is a file below RETUNE_FILES_ROOT: the same on every machine, wherever that folder lies.
 * @param below path below the root, with '/'
 */
export const filesUrl = (below: string): string => `${FILES}${below.split('/').map(encodeURIComponent).join('/')}`;

/** The path below the root that filesUrl was given; null for any other address. */
export const filesPath = (url: string): string | null => (url.startsWith(FILES) ? decodeURIComponent(url.slice(FILES.length)) : null);

/** @param canonical what canonicalUrl returned */
export const pageId = (canonical: string): string => sha256(canonical);

/**
 * The bucket of a page: the leading bits of its id, so that doubling the buckets splits each into two neighbours.
 * @param buckets a power of two, at most 2^30
 * @returns 0 to buckets - 1
 */
export const bucketOf = (id: string, buckets: number): number => {
  if (!Number.isInteger(Math.log2(buckets)) || buckets > 2 ** 30) throw new RangeError(`buckets must be a power of two, not ${buckets}`);
  return Math.floor((parseInt(id.slice(0, 8), 16) / 2 ** 32) * buckets);
};

/** Name of a bucket in workflow ids: `3-of-8`. */
export const bucketName = (bucket: number, buckets: number): string => `${bucket}-of-${buckets}`;

/** The part of all ids, from 0 to 1, that a bucket holds. @param name what bucketName returned */
export const bucketRange = (name: string): { from: number; to: number } => {
  const [bucket = 0, buckets = 1] = name.split('-of-').map(Number);
  return { from: bucket / buckets, to: (bucket + 1) / buckets };
};

/** The least power of two that leaves at most `most` pages in every bucket. */
export const bucketCount = (ids: readonly string[], most: number): number => {
  for (let buckets = 1; ; buckets *= 2) {
    const sizes = new Array<number>(buckets).fill(0);
    for (const id of ids) {
      const bucket = bucketOf(id, buckets);
      sizes[bucket] = (sizes[bucket] ?? 0) + 1;
    }
    if (sizes.every((size) => size <= most)) return buckets;
  }
};
