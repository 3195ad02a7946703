// One page under several addresses: redirects, and rel=canonical inside one site. One of them stays, the others are
// duplicates of it, whatever the order in which they were found.
import type { Fetch } from '../contracts/records';
import { canonicalUrl, sameSite } from './url';

/** Steps from one name to the next; longer chains are followed in parts. */
const MAX_STEPS = 20;

const isFront = (url: string): boolean => /^\/(?:index\.\w+)?$/.test(new URL(url).pathname);

/** The other address that a page says it has: its canonical link, or where its redirect led. Null: only its own. */
export const otherName = ({ url, finalUrl, canonical }: Pick<Fetch, 'url' | 'finalUrl' | 'canonical'>): string | null => {
  const landed = canonicalUrl(finalUrl) ?? url;
  // A template that names the front page on every page is a common mistake: it would leave one page of a site.
  const believed = canonical != null && sameSite(canonical, landed) && (!isFront(canonical) || isFront(landed));
  const name = believed ? canonical : landed;
  return name === url ? null : name;
};

/** Where the names lead in the end; of names that lead in a circle the least one. */
const rootOf = (url: string, names: ReadonlyMap<string, string>): string => {
  const way = [url];
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const next = names.get(way.at(-1) ?? '');
    if (next === undefined) break;
    const before = way.indexOf(next);
    if (before !== -1) return way.slice(before).sort()[0] ?? next;
    way.push(next);
  }
  return way.at(-1) ?? url;
};

/**
 * Which pages are another's duplicates.
 * @param names page to its other name
 * @param isPage whether an address that no page of `names` has is that of a page of the run
 * @returns duplicate to the page that stays
 */
export const foldVariants = (names: ReadonlyMap<string, string>, isPage: (url: string) => boolean): Map<string, string> => {
  const groups = new Map<string, string[]>();
  for (const url of names.keys()) {
    const root = rootOf(url, names);
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [url]);
    else group.push(url);
  }
  const folded = new Map<string, string>();
  for (const [root, members] of groups) {
    // A name that brought no page itself: the first of those that share it stands for it.
    const stays = names.has(root) || isPage(root) ? root : (members.sort()[0] ?? root);
    for (const member of members) if (member !== stays) folded.set(member, stays);
  }
  return folded;
};

/** Names outside `names` that pages lead to: what has to be looked up before folding. */
export const outerRoots = (names: ReadonlyMap<string, string>): Set<string> =>
  new Set([...names.keys()].map((url) => rootOf(url, names)).filter((root) => !names.has(root)));
