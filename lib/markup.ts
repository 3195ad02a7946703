// HTML that is escaped unless it was made here: text from pages and models goes into reports and previews.

/** A piece of HTML that is safe to embed. */
export class Markup {
  constructor(readonly html: string) {}
}

export type MarkupValue = Markup | string | number | null | readonly (Markup | string)[];

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text as it may stand in HTML, in an element or in a quoted attribute. NUL and lone surrogates become U+FFFD. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign).replace(/\0|\p{Surrogate}/gu, '\ufffd');

const rendered = (value: MarkupValue): string => {
  if (value === null) return '';
  if (value instanceof Markup) return value.html;
  if (typeof value === 'object') return value.map(rendered).join('');
  return escapeHtml(String(value));
};

/** A template whose values are escaped; Markup and lists of it are embedded, null is nothing. Not called `html`: Prettier would add spaces. */
export const markup = (parts: TemplateStringsArray, ...values: MarkupValue[]): Markup =>
  new Markup(parts.reduce((text, part, index) => text + rendered(values[index - 1] ?? null) + part));

/** The address if it may stand in a link: http and https only, so that no page can plant a script. */
export const safeHref = (url: string): string | null => (/^https?:\/\/[^\s"'<>]+$/i.test(url) ? url : null);
