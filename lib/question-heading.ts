// Headings that ask, as the reader would.
import { asReader, isWholeQuestion } from './grammar';
import { noun } from './question';
import { bareHeading, type Subject } from './subject';

const ABOUT_IT =
  /^((?:how|why|when|where|what) (?:does|is|did|can|do|should)|what is) (?:it|they)\b(?! (?:mean|possible|necessary|safe|legal|take)\b)/i;

/** "Lids of glass?" asks, and nobody knows what. */
const ASKS =
  /\b(?:what|why|when|where|which|who|whose|whom|how|is|are|was|were|am|do|does|did|can|could|should|shall|will|would|may|must|has|have|had)\b|n['’]t\b/i;

/** A heading that asks, as the reader would: null when it asks nothing a page answers. */
export const asQuestion = (heading: string, subject: Subject): string | null => {
  const text = asReader(
    bareHeading(heading)
      .replace(/[\s:?]+$/, '')
      .trim()
      // "How does it work?": what the page is about.
      .replace(ABOUT_IT, (_, begin: string) => `${begin} ${noun(subject)}`)
      .replace(/^(how (?:do|can|should) (?:I|you) \S+) it$/i, (all, begin: string) =>
        noun(subject).startsWith('"') ? all : `${begin} ${noun(subject)}`,
      ),
  );
  if (
    /^\S+ (?:\S+ )?(?:it|they|this|that|these|those)\b(?! (?:mean|possible|necessary|safe|legal|take)\b)/i.test(text) ||
    /^what about |^(?:why|when|where) (?:an?|the) |^what is the \w+$|^what to do$|^how (?:do|can|should) I \S+ it$/i.test(text) ||
    !isWholeQuestion(text) ||
    !ASKS.test(text)
  )
    return null;
  if (text.split(/\s+/).length < 3) return null;
  return text[0]!.toUpperCase() + text.slice(1);
};
