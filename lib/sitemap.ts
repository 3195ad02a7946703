// A sitemap (sitemaps.org, protocol 0.9) as it comes in: XML of pages or of further sitemaps, or plain text. Its
// addresses are handed out piece by piece, so that neither its size nor its author decides how much memory it takes.
import { Parser } from 'htmlparser2';

export interface SitemapEntry {
  kind: 'page' | 'sitemap';
  /** As it stands there, trimmed; not checked. */
  address: string;
}

/** How a sitemap ended: whole, with its end missing, or no sitemap at all. */
export type SitemapEnd = 'whole' | 'truncated' | 'not_a_sitemap';

export interface SitemapReader {
  /** Takes a piece of the text. @returns the entries that are complete with it */
  write(text: string): SitemapEntry[];
  /** After the last piece. */
  end(): { entries: SitemapEntry[]; end: SitemapEnd };
}

/** The protocol's own limit is 2,048; what is longer is handed out cut, too long to be accepted by anybody. */
const MAX_ADDRESS = 4096;
/** urlset, url, loc is all that we read; extensions nest a few levels more. */
const MAX_DEPTH = 64;

const localName = (name: string): string => name.slice(name.indexOf(':') + 1).toLowerCase();
const OWNERS: Record<string, SitemapEntry['kind']> = { url: 'page', sitemap: 'sitemap' };

const xmlReader = (): SitemapReader => {
  let entries: SitemapEntry[] = [];
  let open: string[] = [];
  let root: string | null = null;
  let hopeless = false;
  let closed = false;
  let address: string | null = null;
  const parser = new Parser(
    {
      onopentagname(name) {
        if (hopeless) return;
        const local = localName(name);
        if (root === null) {
          root = local;
          if (local !== 'urlset' && local !== 'sitemapindex') hopeless = true;
        }
        // <image:loc> stands in <image:image>, so the parent tells the page's own address from others.
        if (local === 'loc' && (open.at(-1) ?? '') in OWNERS) address = '';
        open.push(local);
        if (open.length > MAX_DEPTH) hopeless = true;
      },
      ontext(text) {
        if (address !== null && address.length < MAX_ADDRESS) address += text.slice(0, MAX_ADDRESS);
      },
      onclosetag(_name, implied) {
        const local = open.pop();
        if (local === 'loc' && address !== null) {
          const kind = OWNERS[open.at(-1) ?? ''];
          // An address that the file's end has cut is another address.
          if (kind !== undefined && !implied && !hopeless) entries.push({ kind, address: address.trim() });
          address = null;
        }
        if (open.length === 0 && !implied) closed = true;
      },
    },
    // No DTD is read, so no entity can grow.
    { xmlMode: true, decodeEntities: true },
  );
  const take = (): SitemapEntry[] => {
    const taken = entries;
    entries = [];
    return taken;
  };
  return {
    write(text) {
      if (!hopeless) parser.write(text);
      return take();
    },
    end() {
      if (!hopeless) parser.end();
      open = [];
      const isNone = root !== 'urlset' && root !== 'sitemapindex';
      return { entries: take(), end: isNone ? 'not_a_sitemap' : closed && !hopeless ? 'whole' : 'truncated' };
    },
  };
};

const textReader = (): SitemapReader => {
  let rest = '';
  let good = 0;
  const take = (lines: readonly string[]): SitemapEntry[] => {
    const entries = lines
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .map((address) => ({ kind: 'page' as const, address: address.slice(0, MAX_ADDRESS) }));
    good += entries.filter(({ address }) => /^https?:\/\//i.test(address)).length;
    return entries;
  };
  return {
    write(text) {
      const lines = (rest + text).split('\n');
      rest = (lines.pop() ?? '').slice(0, MAX_ADDRESS);
      return take(lines);
    },
    end() {
      const entries = take([rest]);
      return { entries, end: good > 0 ? 'whole' : 'not_a_sitemap' };
    },
  };
};

/** XML when it begins like XML, else a text sitemap: one address a line. */
export const createSitemapReader = (): SitemapReader => {
  let head = '';
  let reader: SitemapReader | null = null;
  return {
    write(text) {
      if (reader !== null) return reader.write(text);
      head = (head + text).replace(/^[\uFEFF\s]+/, '');
      if (head === '') return [];
      reader = head.startsWith('<') ? xmlReader() : textReader();
      return reader.write(head);
    },
    end: () => reader?.end() ?? { entries: [], end: 'not_a_sitemap' },
  };
};
