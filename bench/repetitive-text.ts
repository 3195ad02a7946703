// Documents of generated text that repeats itself as documentation does, any part of it made without the others.
import { RECORD_SCHEMA, type Block, type Document } from '../contracts/records';
import { sha256 } from '../lib/hash';
import { createRandom } from '../lib/random';

const VOCABULARY = 30_000;
export const SECTIONS_A_PAGE = 8;
/** Texts that stand on very many pages, as licences and notices do. */
const POPULAR = 20;

const wordsOf = (index: number): string[] => {
  const random = createRandom(index + 1);
  const count = 30 + random.below(120);
  // Rare words are rare: the cube bends a uniform draw towards the front of the vocabulary.
  return Array.from({ length: count }, () => `word${Math.floor(VOCABULARY * (random.next() / 2 ** 32) ** 3)}`);
};

/** 73 % texts of their own, 10 % copies, 15 % copies with one to three words changed, 2 % of the popular ones. */
const textOf = (index: number): string => {
  const random = createRandom(0x5eed ^ index);
  const lot = random.below(100);
  if (index === 0 || lot < 73) return wordsOf(index).join(' ');
  if (lot < 75) return wordsOf(random.below(POPULAR)).join(' ');
  const words = wordsOf(random.below(index));
  if (lot >= 85)
    for (let edit = 1 + random.below(3); edit > 0; edit--) words[random.below(words.length)] = `edit${random.below(VOCABULARY)}`;
  return words.join(' ');
};

export const pageOf = (page: number): Document => {
  const url = `http://docs.test/${page}.html`;
  const title = `Page ${page}`;
  const blocks: Block[] = [{ type: 'heading', level: 1, text: title, anchor: null }];
  for (let section = 0; section < SECTIONS_A_PAGE; section++)
    blocks.push(
      { type: 'heading', level: 2, text: `Part ${page}.${section}`, anchor: `p${section}` },
      { type: 'prose', text: textOf(page * SECTIONS_A_PAGE + section) },
    );
  blocks.push({ type: 'prose', text: 'Copyright the many people who wrote these pages, all rights reserved.' });
  return { schema: RECORD_SCHEMA, id: sha256(url), url, sha256: sha256(JSON.stringify(blocks)), title, language: 'en', blocks };
};
