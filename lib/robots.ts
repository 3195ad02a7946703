// robots.txt (RFC 9309): may we, and how fast. Rules come from robots-parser; here is how a missing file is read.
import robotsParser from 'robots-parser';

/** What a host's robots.txt says to one user agent. */
export interface Robots {
  /** @param url a page of the same origin */
  allowed(url: string): boolean;
  /** Pause between two requests that the host asks for; null: none asked. */
  crawlDelayMs: number | null;
  sitemaps: string[];
}

/** RFC 9309, 2.5: at least 500 KiB are read; what follows is ignored, and so is the line that the limit cuts. */
export const ROBOTS_MAX_BYTES = 500 * 1024;

/** RFC 9309, 2.3.1.3: no file, no rules. */
export const ALLOW_ALL: Robots = { allowed: () => true, crawlDelayMs: null, sitemaps: [] };

/** Address of the robots.txt that governs a page: one for each scheme, host and port. */
export const robotsUrl = (pageUrl: string): string => new URL('/robots.txt', pageUrl).href;

/** Half of `Disallow: /private` would close a whole host. */
const wholeLines = (text: string): string =>
  Buffer.byteLength(text) < ROBOTS_MAX_BYTES ? text : text.slice(0, Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1);

/** An address that begins with `/`, which the protocol does not know and many files hold. */
const absolute = (sitemap: string, address: string): string => (/^\/(?!\/)/.test(sitemap) ? new URL(sitemap, address).href : sitemap);

/**
 * @param address where the file was asked for (robotsUrl), which its rules are bound to
 * @param text its content, at most ROBOTS_MAX_BYTES of it
 * @param userAgent our full name; the product token before '/' decides
 */
export const parseRobots = (address: string, text: string, userAgent: string): Robots => {
  const rules = robotsParser(address, wholeLines(text).replace(/^\uFEFF/, ''));
  const seconds = rules.getCrawlDelay(userAgent);
  return {
    allowed: (url) => {
      const answer = rules.isAllowed(url, userAgent);
      // robots-parser answers undefined for another origin, which must not be read as "no rule".
      if (answer === undefined) throw new RangeError(`${address} has no say over ${url}`);
      return answer;
    },
    crawlDelayMs: seconds !== undefined && Number.isFinite(seconds) && seconds > 0 ? Math.round(seconds * 1000) : null,
    sitemaps: rules.getSitemaps().map((sitemap) => absolute(sitemap, address)),
  };
};

export type RobotsReading = 'rules' | 'allow' | 'unavailable';

/**
 * How the answer to a robots.txt request is read: rules in a 2xx; a 4xx means no rules (RFC 9309, 2.3.1.3);
 * 5xx means unknown, so nothing may be fetched yet (2.3.1.4). 429 is the host asking us to wait, not a missing file.
 */
export const readRobotsStatus = (status: number): RobotsReading => {
  if (status >= 200 && status < 300) return 'rules';
  return status >= 400 && status < 500 && status !== 429 ? 'allow' : 'unavailable';
};
