// The processing of the Bright Data + Unsloth tutorial, as it is described: the peer of clean, dedup, pair and format.
// Its input is Markdown; it gets ours of the main content, free of navigation, which favours it.

export interface TutorialPair {
  /** Index of its page. */
  page: number;
  instruction: string;
  response: string;
}

/** HTML tags, images, links (text kept), code, Markdown signs, escapes, addresses and words with a dot go; white space folds. */
export const tutorialClean = (markdown: string): string =>
  markdown
    .replace(/<[^>]+>/g, '')
    .replace(/!\[[^\]]*\]\([^)]*\)/g, '')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/```[\s\S]*?```/g, '')
    .replace(/`[^`]*`/g, '')
    .replace(/[#*_~>`|-]/g, '')
    .replace(/\\(.)/g, '$1')
    .replace(/https?:\/\/\S+/g, '')
    .replace(/\b\w+\.\w+\b/g, '')
    .replace(/\s+/g, ' ')
    .trim();

const NAVIGATION = /navigation|copyright|index|previous|next|click here|download|share/i;

/** Split after . ! or ? and a space; sentences of more than 30 characters without a word of navigation. */
export const tutorialSentences = (text: string): string[] =>
  text
    .split(/(?<=[.!?])\s+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence.length > 30 && !NAVIGATION.test(sentence));

/** Each sentence asks, the one after it answers: at most 200 and 300 characters. */
const consecutive = (page: number, sentences: readonly string[]): TutorialPair[] =>
  sentences.slice(1).flatMap((next, index) => {
    const instruction = sentences[index]!.slice(0, 200).trim();
    const response = next.slice(0, 300).trim();
    return instruction.length > 20 && response.length > 30 ? [{ page, instruction, response }] : [];
  });

const ascii = (text: string): string =>
  text
    .replace(/[^a-zA-Z0-9\s.,?!]/g, '')
    .replace(/\s+/g, ' ')
    .trim();

/** Its validation: every other character is deleted, short ones and repeated instructions go. */
const validated = (pairs: readonly TutorialPair[]): TutorialPair[] => {
  const seen = new Set<string>();
  return pairs.flatMap((pair) => {
    const [instruction, response] = [ascii(pair.instruction), ascii(pair.response)];
    if (instruction.length <= 10 || response.length <= 20 || seen.has(instruction.toLowerCase())) return [];
    seen.add(instruction.toLowerCase());
    return [{ ...pair, instruction, response }];
  });
};

/** Pages as Markdown to pairs; a pair lies within one page. */
export const tutorialPairs = (pages: readonly string[]): TutorialPair[] =>
  validated(pages.flatMap((page, index) => consecutive(index, tutorialSentences(tutorialClean(page)))));
