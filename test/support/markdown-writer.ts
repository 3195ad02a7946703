// Blocks as the Markdown of a converter that escapes what Markdown would read: what clean gets through Bright Data.
import type { Block } from '../../contracts/records';
import { CODE_SPAN, renderBlocks } from '../../lib/blocks';

const sign = (text: string): string =>
  text
    .replace(/[\\`*_<[\]~]/g, '\\$&')
    .replace(/^(\s*)(\d+)([.)])(?=\s)/gm, '$1$2\\$3')
    .replace(/^(\s*)([#>+-])(?=\s)/gm, '$1\\$2');

const escaped = (text: string): string => {
  let out = '';
  let last = 0;
  for (const match of text.matchAll(CODE_SPAN)) {
    out += sign(text.slice(last, match.index)) + match[0];
    last = match.index + match[0].length;
  }
  return out + sign(text.slice(last));
};

/** Marks of nested lists stay what they are. */
const item = (text: string): string =>
  text
    .split('\n')
    .map((line) => {
      const [, mark = '', rest = ''] = /^( *(?:- |\d+\. )?)(.*)$/.exec(line) ?? [];
      return mark + escaped(rest);
    })
    .join('\n');

const written = (block: Block): Block => {
  switch (block.type) {
    case 'heading':
    case 'prose':
      return { ...block, text: escaped(block.text) };
    case 'list':
      return { ...block, items: block.items.map(item) };
    case 'table':
      return { ...block, header: block.header.map(escaped), rows: block.rows.map((row) => row.map(escaped)) };
    default:
      return block;
  }
};

export const writeMarkdown = (blocks: readonly Block[]): string => renderBlocks(blocks.map(written));
