// Patterns over addresses: the globs of source.include and source.exclude.
import { normalEscapes } from './url';

/** A part of a pattern: a letter that must stand there, or a run of any letters, with or without '/'. */
type Part = string | { crosses: boolean };

export type Matcher = (canonicalUrl: string) => boolean;

const parse = (pattern: string): Part[] => {
  const parts: Part[] = [];
  for (const [stars] of pattern.matchAll(/\*+|[^*]/gsu)) {
    if (stars.startsWith('*')) parts.push({ crosses: stars.length > 1 });
    else parts.push(...stars);
  }
  return parts;
};

/** All places of the pattern that the text so far can have reached: no order of stars makes it slow, as a RegExp would be. */
const matches = (parts: readonly Part[], text: string): boolean => {
  let here = new Uint8Array(parts.length + 1);
  const reach = (states: Uint8Array, at: number): void => {
    // A star may stand for nothing.
    for (let place = at; states[place] === 0; place += 1) {
      states[place] = 1;
      if (typeof parts[place] !== 'object') return;
    }
  };
  reach(here, 0);
  for (const letter of text) {
    const next = new Uint8Array(parts.length + 1);
    let alive = false;
    for (const [place, part] of parts.entries()) {
      if (here[place] === 0) continue;
      if (typeof part === 'string' ? part !== letter : !part.crosses && letter === '/') continue;
      reach(next, typeof part === 'string' ? place + 1 : place);
      alive = true;
    }
    if (!alive) return false;
    here = next;
  }
  return here[parts.length] === 1;
};

/** A host as addresses have it: lower case, Punycode, no default port. With a star in it: lower case. */
const canonicalHost = (scheme: string, host: string): string => {
  try {
    if (!host.includes('*')) return new URL(`${scheme}${host}`).host;
  } catch {
    // no host: such a pattern fits nothing
  }
  return host.toLowerCase();
};

/** Spelled as canonicalUrl spells addresses: `/café/**` and `https://Example.org/**` would fit none of them. */
const canonical = (pattern: string): string => {
  const [, scheme = '', host = '', rest = pattern] = /^(https?:\/\/)([^/?]*)(.*)$/is.exec(pattern) ?? [];
  const begin = scheme === '' ? '' : scheme.toLowerCase() + canonicalHost(scheme, host);
  return begin + normalEscapes(rest.replace(/[^\x21-\x7e]+/gu, (text) => encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\uFFFD'))));
};

/**
 * A pattern as a test of addresses. `*` stands for any characters but '/', `**` for any at all; everything else for
 * itself ('?' too: it begins a query). A pattern that begins with '/' is compared with path and query, any other with
 * the whole address.
 */
export const compilePattern = (pattern: string): Matcher => {
  const parts = parse(canonical(pattern));
  const ofPath = pattern.startsWith('/');
  return (url) => matches(parts, ofPath ? (/^[a-z]+:\/\/[^/?]*(.*)$/i.exec(url)?.[1] ?? '') : url);
};

/** True when any of the patterns fits. */
export const compilePatterns = (patterns: readonly string[]): Matcher => {
  const matchers = patterns.map(compilePattern);
  return (url) => matchers.some((fits) => fits(url));
};
