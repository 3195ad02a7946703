// A document's sections: the blocks under one heading, with the headings above it.
import { RECORD_SCHEMA, type Document, type Section } from '../contracts/records';
import { plain } from './blocks';
import { digest } from './hash';

/**
 * In reading order; a heading with nothing before the next one makes no section, but stands in the paths below it.
 * A path begins with the page's title. `cluster` is the section's own id until dedup knows better.
 */
export const splitSections = (document: Document): Section[] => {
  const sections: Section[] = [];
  const above: { level: number; text: string }[] = [];
  let anchor: string | null = null;
  let open: Section | null = null;

  const start = (): Section => {
    const position = sections.length;
    const id = digest({ pageId: document.id, anchor, position });
    const headings = above.map((heading) => heading.text);
    const path =
      headings[0] !== undefined && plain(headings[0]) === document.title
        ? headings
        : [document.title, ...headings].filter((text) => text !== '');
    const section: Section = {
      schema: RECORD_SCHEMA,
      id,
      pageId: document.id,
      url: document.url,
      documentSha256: document.sha256,
      title: document.title,
      anchor,
      path,
      position,
      blocks: [],
      cluster: id,
    };
    sections.push(section);
    return section;
  };

  for (const block of document.blocks) {
    if (block.type === 'heading') {
      while (above.length > 0 && above.at(-1)!.level >= block.level) above.pop();
      above.push({ level: block.level, text: block.text });
      anchor = block.anchor;
      open = null;
    } else {
      open ??= start();
      open.blocks.push(block);
    }
  }
  return sections;
};
