// Patterns over addresses: the globs of source.include and source.exclude.

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

/**
 * A pattern as a test of addresses. `*` stands for any characters but '/', `**` for any at all; everything else for
 * itself ('?' too: it begins a query). A pattern that begins with '/' is compared with path and query, any other with
 * the whole address.
 */
export const compilePattern = (pattern: string): Matcher => {
  const parts = parse(pattern);
  const ofPath = pattern.startsWith('/');
  return (url) => matches(parts, ofPath ? (/^[a-z]+:\/\/[^/?]*(.*)$/i.exec(url)?.[1] ?? '') : url);
};

/** True when any of the patterns fits. */
export const compilePatterns = (patterns: readonly string[]): Matcher => {
  const matchers = patterns.map(compilePattern);
  return (url) => matchers.some((fits) => fits(url));
};
