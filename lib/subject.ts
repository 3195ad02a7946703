// What a page is about, as a question would name it: a command, a file, a tool or a language.
import type { Section } from '../contracts/records';
import { CODE_SPAN, blockText, plain } from './blocks';
import { FUNCTION_WORD } from './grammar';
import { Lexicon } from './lexicon';
import { isVerb } from './verbs';

export interface Subject {
  /** The page's title without its section number; empty for one that only says what sort of page it is. */
  title: string;
  /** The title with its marks of code, where the page's first heading has them. */
  marked: string;
  /** Pages that tell what changed are asked so; an index answers nothing. */
  kind: 'manual' | 'changes' | 'index';
  /** The command that the page is the manual of: "npm ci". */
  command: string | null;
  /** The file that the page describes: "package.json". */
  file: string | null;
  /** The tool or language of the page: "npm", "Python". */
  tool: string | null;
  /** All prose of the page, to look words up in. */
  text: string;
  /** All code of the page, inline code a line each. */
  code: string;
  /** The page's one-line description: the prose right under its title. */
  summary: string | null;
  /** How its site uses words. */
  lexicon: Lexicon;
}

const LANGUAGES: ReadonlyMap<string, string> = new Map([
  ['python', 'Python'],
  ['pycon', 'Python'],
  ['javascript', 'JavaScript'],
  ['typescript', 'TypeScript'],
  ['ruby', 'Ruby'],
  ['rust', 'Rust'],
  ['go', 'Go'],
  ['java', 'Java'],
  ['kotlin', 'Kotlin'],
  ['swift', 'Swift'],
  ['c', 'C'],
  ['cpp', 'C++'],
  ['csharp', 'C#'],
  ['php', 'PHP'],
  ['perl', 'Perl'],
  ['sql', 'SQL'],
  ['haskell', 'Haskell'],
  ['lua', 'Lua'],
  ['r', 'R'],
]);

/** Without "5.1. " and "A. " before (but not "A handle"), ":" and a permalink sign after. */
export const bareHeading = (text: string): string =>
  text
    .replace(/^\d+\.\d+\.? \d (?=\p{L})/u, '') // "3.10. 0 Flushing": numbered twice
    .replace(/^(?:Q: |(?:[a-z]|\d+(?:\.\d+)*|[IVX]+)\) |\d+[a-z]\. |(?=[IVX]+\.)(?:IX|IV|VI{0,3}|I{2,3}|X)\. )(?=\S)/, '') // "a) Lids", "II. Lids"
    .replace(/^(?:(?:chapter|appendix|part) (?:\d+|[A-Z])(?:\.\d+)*\.?|(?:\d+(?:\.\d+)*\.?|[A-Z](?:\.(?:\d+\.?)*))|§)\s+(?=\S)/i, '')
    .replace(/^(?:Q?\d+(?:-\d+)?\. (?=\p{L})|[:–—-]\s+|(?:\d+|[IVX]+) [–—-] (?=\S))/u, '') // "4.1. 2. Lids", "Q1. Why?", "II - Lids"
    .replace(/\s*\p{Extended_Pictographic}\uFE0F?/gu, '')
    .replace(/(?:\s*[:¶#]|(?<=\p{L}\p{L})\.)\s*$/u, '')
    .trim();

const codeOf = (section: Section): string[] => {
  const spans = (text: string): string[] => (text.includes('`') ? Array.from(text.matchAll(CODE_SPAN), (match) => match[3]!.trim()) : []);
  const lines = section.blocks.flatMap((block) => {
    if (block.type === 'code' && LANGUAGES.has(block.language ?? '')) return [];
    if (block.type === 'code') return block.text.split('\n').map((line) => line.replace(/^\s*[$>%]\s+/, ''));
    if (block.type === 'prose' || block.type === 'definition') return spans(block.text);
    if (block.type === 'list') return block.items.flatMap(spans);
    return block.type === 'table' ? block.rows.flat().flatMap(spans) : [];
  });
  return [...section.path.slice(1).flatMap(spans), ...lines];
};

/** First words of commands ("npm" of `npm install`) among lines of code, with how often they stand. */
const commandWords = (lines: readonly string[]): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const line of lines) {
    const word = /^([a-z][a-z0-9_-]*) (?:[a-z]|-|<|\[)/.exec(line)?.[1];
    if (
      word !== undefined &&
      !/^(?:cd|ls|cat|echo|class|struct|union|enum|static|typedef|void|const|let|var|function|async|await|new|sudo|the|a|an)$/.test(word) &&
      !FUNCTION_WORD.test(word) &&
      // "create table": what a language does is no tool.
      !isVerb(word) &&
      !/^(?:def|else|return|while)$/.test(word)
    )
      counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
};

const leader = (counts: ReadonlyMap<string, number>, least: number): string | null => {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const [best] = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return best !== undefined && best[1] >= least && best[1] * 2 > total ? best[0] : null;
};

/** The language of more than half of the page's code blocks. */
const languageLeader = (sections: readonly Section[]): string | null => {
  const counts = new Map<string, number>();
  for (const section of sections)
    for (const block of section.blocks) {
      if (block.type !== 'code') continue;
      const name = LANGUAGES.get(block.language ?? '') ?? '';
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  const name = leader(counts, 2);
  return name === '' ? null : name;
};

/** What the pages of a host have in common. */
export interface SiteSubject {
  /** First words of commands, with how often they stand. */
  commands: ReadonlyMap<string, number>;
  /** The name that the site's prose gives its own matter: "SQLite", "Node.js". */
  name: string | null;
  /** The language of code of most pages. */
  language: string | null;
  lexicon: Lexicon;
}

/** Capitalised in mid-sentence, and no abbreviation: a name. */
const NAME_IN_TEXT = /[\p{Ll},] (\p{Lu}[\p{L}\d]*\p{Ll}[\p{L}\d]*(?:\.js|\+\+)?)(?![\p{L}\d-])/gu;
const NO_SUBJECT =
  /^(?:API|APIs|URLs?|JavaScript|Unix|Linux|Windows|English|Internet|January|February|March|April|May|June|July|August|September|October|November|December)$/;

const proseOf = (blocks: Section['blocks']): string => blocks.flatMap((block) => (block.type === 'prose' ? [block.text] : [])).join('\n');

/** Names that a page's prose writes in mid-sentence. */
const namesOf = (sections: readonly Section[]): Set<string> => {
  const names = new Set<string>();
  for (const section of sections)
    for (const block of section.blocks)
      if (block.type === 'prose') for (const [, name] of block.text.matchAll(NAME_IN_TEXT)) names.add(name!);
  return names;
};

/** Words of a page's title and headings, each once, and what stands before their hyphens. */
const headWords = (sections: readonly Section[]): string[] => {
  const words = new Set(
    sections.flatMap(({ title, path }) => [title, ...path].flatMap((text) => text.toLowerCase().match(/[a-z][a-z0-9_-]*/g) ?? [])),
  );
  return [...words].flatMap((word) => [...new Set([word, word.split('-')[0]!])]);
};

/**
 * Page by page, so that no more than words is kept of them.
 * @param pages all sections of one host, a page each
 */
export const siteSubject = (pages: Iterable<readonly Section[]>): SiteSubject => {
  const commands = new Map<string, number>();
  const heads = new Map<string, number>();
  const names = new Map<string, number>();
  const count = (counts: Map<string, number>, word: string, times = 1): Map<string, number> =>
    counts.set(word, (counts.get(word) ?? 0) + times);
  const languages = new Map<string, number>();
  const lexicon = new Lexicon();
  let size = 0;
  for (const page of pages) {
    size += 1;
    const language = languageLeader(page);
    if (language !== null) count(languages, language);
    for (const { blocks } of page) lexicon.read(proseOf(blocks));
    for (const [word, times] of commandWords(page.flatMap(codeOf))) count(commands, word, times);
    for (const word of headWords(page)) count(heads, word);
    const own = namesOf(page);
    lexicon.readNames(own);
    for (const name of own) if (!NO_SUBJECT.test(name)) count(names, name);
  }
  const [best] = [...names].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return {
    // Words that a tenth of the pages write in a title or heading: "npm", and not "typedef".
    commands: new Map([...commands].filter(([word]) => (heads.get(word) ?? 0) >= 0.1 * size)),
    // A name on nearly half of the pages.
    name: size >= 5 && best !== undefined && best[1] >= 0.4 * size ? best[0] : null,
    language: [...languages].find(([, pages]) => 2 * pages > size)?.[0] ?? null,
    lexicon,
  };
};

/** The word as the site's prose writes it: "Git" for git where the prose says so, "Node.js" for node. */
const spelledBySite = (word: string, { name }: SiteSubject): string =>
  name !== null && name.toLowerCase().replace(/\.js$/, '') === word ? name : (LANGUAGES.get(word) ?? word);

/** Titles that say what sort of page it is, not what it is about. */
const SORT_OF_PAGE =
  /^(?:\w*glossary|faq|frequently asked questions|changelog|release (?:notes|history)|news|index|overview|introduction|(?:api )?reference|<?no title>?|untitled|(?!\S+ing )\S+(?: v?\d[\d.]*)? documentation)$/i;

/** "SocketCAN - Controller Area Network": what the page is about, with what that is. */
const EXPLAINED = /^((?:[A-Z][\w/+]*)(?: \S+)?) [-–—] \S.*$/;

/** "sqldiff.exe: Database Difference Utility", "apxs - APache eXtenSion tool": the name of what the page is about. */
const NAMED = /^((?=\p{Ll}|\d\w*\p{L}|\S*[\p{L}\d][._]\p{L})[\w.+-]+)(?: [-–—]|:) \S/u;

/** A name in running text has its own capital: "apache module mod_env" is Apache's, and not git-daemon. */
export const spellTool = (text: string, tool: string | null): string =>
  tool !== null && /^\p{Lu}\p{L}+$/u.test(tool)
    ? text.replace(new RegExp(`(?<![\\w."“-])${tool}(?![\\w-]|\\.\\w)(?=(?:[^\`]*\`[^\`]*\`)*[^\`]*$)`, 'gi'), tool)
    : text;

/**
 * @param sections all sections of one page
 * @param site what its host's pages have in common, for a page that names no tool
 */
export const subjectOf = (sections: readonly Section[], site: SiteSubject): Subject => {
  const named = sections[0]?.title ?? '';
  const whole = bareHeading(plain(named === '' ? (sections[0]?.path[0] ?? '') : named))
    .replace(/\(\d\w?\)(?: manual page)?$/i, '')
    .replace(/(?: (?:by|-) (?:\p{Lu}[\p{L}.]* ){1,3})?<\S+@\S+>$| \[[\w.]+\]$/u, '') // who wrote it, where it was printed first
    .trim();
  const title = NAMED.exec(whole)?.[1] ?? EXPLAINED.exec(whole)?.[1] ?? whole;
  const heading = bareHeading(sections[0]?.path[0] ?? '');
  const lines = sections.flatMap(codeOf);
  const code = lines.join('\n');
  const inCode = (name: string): boolean => `\n${code}`.includes(`\n${name}`);
  const words = /^([a-z][a-z0-9]*)[- ]([a-z0-9][a-z0-9-]*)$/.exec(title);
  const spaced = words === null ? null : `${words[1]} ${words[2]}`;
  const single = /^[a-z][a-z0-9-]*$/.test(title);
  const command =
    spaced !== null && inCode(spaced)
      ? spaced
      : single &&
          new RegExp(`(?:^|\\n)${title}(?: [-<\\[a-z]|\\n|$)`).test(code) &&
          sections.some((section) => /^(?:synopsis|usage)$/i.test(section.path.at(-1) ?? ''))
        ? title
        : null;
  const file = /^\.?[\w-]+(?:\.[\w-]+)*\.(?:json|ya?ml|toml|ini|conf|cfg|lock|xml|config|rc)$|^\.[a-z]+rc$|^[A-Z]\w+file$/.test(title)
    ? title
    : null;
  // A word at the start of many lines of code is a tool only where the page's title says so too.
  const often = leader(commandWords(lines), 3);
  const headed = often !== null && new RegExp(`\\b${often}\\b`).test(whole.toLowerCase()) ? often : null;
  const around = leader(site.commands, 10);
  const tool = command !== null && spaced === command ? command.split(' ')[0]! : ((site.name === null ? headed : null) ?? around);
  const text = sections.flatMap((section) => section.blocks.filter((block) => block.type !== 'code').map(blockText)).join('\n');
  const intro = sections.find((section) => section.path.length === 1)?.blocks[0];
  const byName = sections.find((section) => /^name$/i.test(section.path.at(-1) ?? ''))?.blocks[0];
  const summary =
    intro?.type === 'prose' && intro.text.length <= 200
      ? intro.text
      : byName?.type === 'prose'
        ? (/^\S[^\n]{0,60}? (?:-|–|—) (\S[^\n]{0,200})$/.exec(byName.text)?.[1] ?? null)
        : null;
  return {
    title: SORT_OF_PAGE.test(title) ? '' : title,
    marked: heading.includes('`') && plain(heading) === title ? heading : title,
    kind: /^(?:what.?s new|changelog|change log|release (?:notes|history|log)|news\b|history$|changes\b)|\b(?:release \d|release (?:history|notes)|news|changelog)/i.test(
      title,
    )
      ? 'changes'
      : /^(?:(?:general |module |keyword |command )?index\b|site ?map|(?:table of )?contents$|search$)|\bcross-?reference$|\b(?:website|document title|keyword|alphabetical|permuted|function|subject) index$|^(?:to-?do(?: list)?|(?:history and )?licen[cs]es?|credits|preface|foreword|colophon|authors|acknowledge?ments|contributors|maintainers)$/i.test(
            title,
          )
        ? 'index'
        : 'manual',
    command,
    file,
    tool: tool !== null ? spelledBySite(tool, site) : (site.name ?? site.language),
    text,
    code,
    summary,
    lexicon: site.lexicon,
  };
};
