// Documents with duplicates of every kind, from a seed: exact copies, edited copies, a footer, sections that say nothing.
import { RECORD_SCHEMA, type Block, type Document } from '../../contracts/records';
import { digest, sha256 } from '../../lib/hash';
import { createRandom } from '../../lib/random';

const heading = (level: number, text: string): Block => ({ type: 'heading', level, text, anchor: null });
const prose = (text: string): Block => ({ type: 'prose', text });

/** `pages` documents of one host, about five sections each, a third of them duplicates. */
export const documentsWithDuplicates = (pages: number, seed: number): Document[] => {
  const random = createRandom(seed);
  const words = (count: number): string[] => Array.from({ length: count }, () => `w${random.below(20_000)}`);
  const said: string[][] = [];
  const text = (): string => {
    const earlier = said.length > 0 && random.below(3) === 0 ? [...said[random.below(said.length)]!] : null;
    if (earlier !== null) {
      const edits = random.below(4);
      for (let edit = 0; edit < edits; edit++) earlier[random.below(earlier.length)] = words(1)[0]!;
    }
    const made = earlier ?? words(20 + random.below(100));
    said.push(made);
    return made.join(' ');
  };
  return Array.from({ length: pages }, (_, page) => {
    const url = `http://docs.test/${seed}/${page}.html`;
    const blocks: Block[] = [heading(1, `Page ${page}`), prose(text())];
    for (let section = 0; section < 3; section++) blocks.push(heading(2, `Part ${page}.${section}`), prose(text()));
    blocks.push(
      heading(2, `End of ${page}`),
      prose(page % 3 === 0 ? `Bye ${page}` : text()),
      prose('Copyright the many people who wrote it.'),
    );
    const title = `Page ${page}`;
    const language = 'en';
    return { schema: RECORD_SCHEMA, id: sha256(url), url, sha256: digest({ title, language, blocks }), title, language, blocks };
  });
};
