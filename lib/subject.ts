// What a page is about, as a question would name it: a command, a file, a tool or a language.
import type { Section } from '../contracts/records';
import { CODE_SPAN, blockText, plain } from './blocks';

export interface Subject {
  /** The page's title without its section number. */
  title: string;
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

/** Without "5.1. " and "A. " before, ":" and a permalink sign after. */
export const bareHeading = (text: string): string =>
  text
    .replace(/^(?:(?:\d+|[A-Z])(?:\.\d+)*\.?|§)\s+(?=\S)/, '')
    .replace(/\s*[:¶#]\s*$/u, '')
    .trim();

const codeOf = (section: Section): string[] => {
  const spans = (text: string): string[] => [...text.matchAll(CODE_SPAN)].map((match) => match[3]!.trim());
  const lines = section.blocks.flatMap((block) => {
    if (block.type === 'code' && LANGUAGES.has(block.language ?? '')) return [];
    if (block.type === 'code') return block.text.split('\n').map((line) => line.replace(/^\s*[$>%]\s+/, ''));
    if (block.type === 'prose' || block.type === 'definition') return spans(block.text);
    if (block.type === 'list') return block.items.flatMap(spans);
    return block.type === 'table' ? block.rows.flat().flatMap(spans) : [];
  });
  return [...section.path.slice(1).flatMap(spans), ...lines];
};

/** First words of commands ("npm" of `npm install`) with how often they stand. */
export const commandWords = (sections: readonly Section[]): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const section of sections) {
    for (const line of codeOf(section)) {
      const word = /^([a-z][a-z0-9_-]*) (?:[a-z]|-|<|\[)/.exec(line)?.[1];
      if (
        word !== undefined &&
        !/^(?:cd|ls|cat|echo|if|for|while|def|class|import|from|return|const|let|var|function|export|async|await|new|sudo|the|and|or|not|in|is|a|an|to)$/.test(
          word,
        )
      )
        counts.set(word, (counts.get(word) ?? 0) + 1);
    }
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

/**
 * @param sections all sections of one page
 * @param around command words of all pages of the host, for a page that names none
 */
export const subjectOf = (sections: readonly Section[], around: ReadonlyMap<string, number>): Subject => {
  const title = bareHeading(plain(sections[0]?.title ?? ''))
    .replace(/\(\d\w?\)(?: manual page)?$/i, '')
    .trim();
  const code = sections.flatMap(codeOf).join('\n');
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
  const tool =
    (command !== null && spaced === command ? command.split(' ')[0]! : null) ??
    languageLeader(sections) ??
    leader(commandWords(sections), 3) ??
    leader(around, 10);
  const text = sections.flatMap((section) => section.blocks.filter((block) => block.type !== 'code').map(blockText)).join('\n');
  const intro = sections.find((section) => section.path.length === 1)?.blocks[0];
  const summary = intro?.type === 'prose' && intro.text.length <= 200 ? intro.text : null;
  return { title, command, file, tool, text, code, summary };
};
