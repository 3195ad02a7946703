// What the tokenizer says of a page, and to whom.
import type { Tag } from './tags';

/** The attributes that are read, null where absent; of two with one name the first counts. */
export interface Attributes {
  id: string | null;
  class: string | null;
  role: string | null;
  href: string | null;
  name: string | null;
  lang: string | null;
  hidden: string | null;
  ariaHidden: string | null;
  style: string | null;
  start: string | null;
  /** data-lang or data-language. */
  dataLang: string | null;
}

export interface HtmlHandler {
  /** `attributes` is valid during the call only. */
  open(tag: Tag, attributes: Readonly<Attributes>): void;
  /** Text with its references decoded. */
  text(data: string): void;
  close(tag: Tag): void;
}

export const noAttributes = (): Attributes => ({
  id: null,
  class: null,
  role: null,
  href: null,
  name: null,
  lang: null,
  hidden: null,
  ariaHidden: null,
  style: null,
  start: null,
  dataLang: null,
});
/** Of a tag without any. */
export const NO_ATTRIBUTES: Readonly<Attributes> = noAttributes();

/** Field by field: Object.assign looks each of them up by name, for every tag of a page. */
export const clearAttributes = (of: Attributes): Attributes => {
  of.id = null;
  of.class = null;
  of.role = null;
  of.href = null;
  of.name = null;
  of.lang = null;
  of.hidden = null;
  of.ariaHidden = null;
  of.style = null;
  of.start = null;
  of.dataLang = null;
  return of;
};
