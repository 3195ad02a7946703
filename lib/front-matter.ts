// YAML of a card's head: the few shapes that the Hub reads, every string quoted where YAML could read it otherwise.

export type FrontMatter = string | number | boolean | readonly FrontMatter[] | { readonly [key: string]: FrontMatter | null };

const PLAIN = /^[A-Za-z][\w./-]*$/;
/** Words that YAML 1.1 or 1.2 takes for something else than a string. */
const RESERVED = /^(y|n|yes|no|on|off|true|false|null|nan|inf)$/i;

/** JSON's string is YAML's double-quoted one, but for signs that YAML forbids unescaped. */
const quoted = (text: string): string =>
  JSON.stringify(text).replace(/[\x7f-\x9f\u2028\u2029\ufeff]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
const scalar = (value: string | number | boolean): string =>
  typeof value !== 'string' ? String(value) : PLAIN.test(value) && !RESERVED.test(value) ? value : quoted(value);
const isScalar = (value: FrontMatter): value is string | number | boolean => typeof value !== 'object';

const lines = (value: FrontMatter, indent: string): string[] => {
  if (isScalar(value)) return [`${indent}${scalar(value)}`];
  if (Array.isArray(value)) {
    const items = value as readonly FrontMatter[];
    return items.flatMap((item) =>
      lines(item, `${indent}  `).map((line, at) => (at === 0 ? `${indent}- ${line.slice(indent.length + 2)}` : line)),
    );
  }
  return Object.entries(value as Record<string, FrontMatter | null>).flatMap(([key, field]) => {
    if (field === null || (Array.isArray(field) && field.length === 0)) return [];
    return isScalar(field)
      ? [`${indent}${scalar(key)}: ${scalar(field)}`]
      : [`${indent}${scalar(key)}:`, ...lines(field, Array.isArray(field) ? indent : `${indent}  `)];
  });
};

/** The block between two lines of dashes; null fields and empty lists are left out. */
export const frontMatter = (fields: { readonly [key: string]: FrontMatter | null }): string =>
  `---\n${lines(fields, '').join('\n')}\n---\n`;

/** Text as one cell of a Markdown table. */
export const cell = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_[\]<>|]/g, (sign) => `\\${sign}`)
    .trim();

/** A Markdown table. Cells are Markdown already. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
