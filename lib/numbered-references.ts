// "See Section 22.4 for details.": a place in a manual, which an answer that stands alone does not have.
import { sentences } from './sentences';
import { isParagraph, partsOf } from './shorten';

/** A numbered part of a document: "Section 22.4", "chapter 7", "Appendix B", "Table 9-2". */
const NUMBERED =
  /\b(?:[Ss]ections?|[Cc]hapters?|[Aa]ppend(?:ix|ices)|[Ff]igures?|[Tt]ables?|[Ll]istings?|[Ee]xamples?|[Cc]lauses?|[Pp]ages?) (?:\d[\d.-]*|[A-Z](?:[.-]\d[\d.-]*|\b(?! [a-z])))/;

/** A sentence that does nothing but send its reader on. */
const SENDS_ON =
  /^\(?(?:(?:please |also )*(?:see|refer to|consult|cf\.)\s|for (?:more|further|additional|other|complete|full|an?|details?|information|examples?|descriptions?|discussions?|explanations?)\b.*\b(?:see|refer to|consult)\s|(?:(?:more|further|additional) )?(?:details|information|examples|discussion)\b.*\bin\s)/i;

/** A sentence that says what a numbered part holds. */
const TELLS_OF =
  /^\(?(?:section|chapter|appendix|figure|table|listing|example) \S+ (?:also )?(?:contains?|covers?|describes?|discusses|explains?|gives?|illustrates?|lists?|outlines?|presents?|provides?|shows?|summari[sz]es?) /i;

/** "Section 10 of RFC 2616": of a document that is named, and can be found. */
const ELSEWHERE = /\d (?:of|in) (?!this\b|these\b|the (?:manual|documentation|document|guide)\b)/i;

/** Longer sentences say something of their own. */
const MAX_CHARS = 200;

/**
 * An answer in Markdown without the sentences that only send its reader to a numbered section, table or figure; one that stands in
 * the answer under its number may be spoken of, and references inside a sentence stay. Empty when nothing else was said.
 */
export const withoutNumberedReferences = (markdown: string): string => {
  if (!NUMBERED.test(markdown)) return markdown;
  const parts = partsOf(markdown);
  const isHere = (name: string): boolean => parts.some((part) => part.startsWith(name) && !TELLS_OF.test(part));
  const sendsOn = (sentence: string): boolean => {
    const name = sentence.length <= MAX_CHARS && !ELSEWHERE.test(sentence) ? NUMBERED.exec(sentence)?.[0] : undefined;
    return name !== undefined && (SENDS_ON.test(sentence) || TELLS_OF.test(sentence)) && !isHere(name.replace(/[.-]+$/, ''));
  };
  const kept = parts.map((part) => {
    if (!isParagraph(part) || !NUMBERED.test(part)) return part;
    const said = sentences(part);
    const own = said.filter((sentence) => !sendsOn(sentence));
    return own.length === said.length ? part : own.join(' ');
  });
  return kept.every((part, index) => part === parts[index]) ? markdown : kept.filter((part) => part !== '').join('\n\n');
};
