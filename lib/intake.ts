// What comes in as an address and what a run takes of it: canonical, each once, inside the patterns, not too many.
import type { Counts } from '../contracts/artifacts';
import type { PipelineInput } from '../contracts/input';
import { compilePatterns } from './pattern';
import { canonicalUrl, sameSite } from './url';

type Limits = Pick<PipelineInput['source'], 'include' | 'exclude' | 'maxPages'>;

/** False for a source that cannot give any page. */
export const namesPages = ({ urls, list, sitemaps, files }: PipelineInput['source']): boolean =>
  urls.length > 0 || list !== null || sitemaps.length > 0 || files.length > 0;

/** Named at most for each reason. */
const EXAMPLES = 5;
/** Longer addresses are refused by many servers, and by the sitemap protocol. */
const MAX_URL = 2048;

export interface Intake {
  /** Canonical addresses taken so far, in the order in which they came. */
  readonly urls: ReadonlySet<string>;
  /** True when maxPages are taken: more would only be counted. */
  readonly full: boolean;
  readonly reasons: Counts;
  readonly examples: Record<string, string[]>;
  /** Takes an address that a person named one by one: no pattern is asked. @returns false for what is no address */
  named(text: string): boolean;
  /**
   * Takes an address that was found somewhere, or counts why not.
   * @param site address of the place that must be of the same site when no `include` says what belongs to the run;
   * null: anywhere
   */
  found(text: string, site: string | null): void;
  /** As `found`, of an address that was checked already: only patterns and the number count. */
  own(canonical: string): void;
  /** Counts something else that brings no page. */
  refuse(reason: string, example: string): void;
}

/** An address as it may be shown: no password, not endless. */
const shown = (text: string): string => text.replace(/\/\/[^/?#]*@/, '//[password]@').slice(0, 200);
/** What is no address may hold a password anywhere: `user:pa/ss@host`, a line of another file. */
export const shownUnread = (text: string): string => text.replace(/^(https?:\/\/)?.*@/is, '$1[password]@').slice(0, 200);

export const createIntake = ({ include, exclude, maxPages }: Limits): Intake => {
  const urls = new Set<string>();
  const reasons: Counts = {};
  const examples: Record<string, string[]> = {};
  const included = compilePatterns(include);
  const excluded = compilePatterns(exclude);

  const refuse = (reason: string, example: string): void => {
    reasons[reason] = (reasons[reason] ?? 0) + 1;
    const list = (examples[reason] ??= []);
    if (list.length < EXAMPLES) list.push(shown(example));
  };
  const admit = (url: string): void => {
    if (urls.has(url)) return;
    if (urls.size >= maxPages) refuse('max_pages', url);
    else urls.add(url);
  };
  const own = (url: string): void => {
    if (include.length > 0 && !included(url)) refuse('not_included', url);
    else if (excluded(url)) refuse('excluded', url);
    else admit(url);
  };
  return {
    urls,
    get full() {
      return urls.size >= maxPages;
    },
    reasons,
    examples,
    refuse,
    own,
    named(text) {
      const url = canonicalUrl(text);
      if (url !== null) admit(url);
      return url !== null;
    },
    found(text, site) {
      const url = text.length > MAX_URL ? null : canonicalUrl(text);
      if (url === null) refuse(text.length > MAX_URL ? 'url_too_long' : 'not_a_url', shownUnread(text));
      else if (site !== null && include.length === 0 && !sameSite(url, site)) refuse('other_site', url);
      else own(url);
    },
  };
};
