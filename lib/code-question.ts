// Questions about code, from the sentence that stands before it.
import { lacksArticle } from './article';
import { asReader, isInstruction, isPlural } from './grammar';
import { inContext } from './question';
import { isVerb, isVerbOnly } from './verbs';
import type { Subject } from './subject';

const DANGLING =
  /(?<![-\w`])(?:this|that|these|those|above|below|following|here|it|its|they|them|their|such|same|resulting|corresponding(?! to)|previous|latter|former|ones?|example|listing \d\S*|figure \d\S*|table \d\S*|do so|our|us|something|anything|some (?:operation|thing|work|action)s?)(?![-\w`])/i;
const FILLER =
  /^(?:(?:for example|for instance|alternatively|similarly|then|next|finally|first|second|also|or|and|now|likewise|additionally|in addition|so|thus|instead|however|e\.g\.),?\s+)+/i;
const TAIL =
  /[,;]?\s+(?:(?:as follows|as (?:shown|described|demonstrated)|by \p{L}+ing|using|via|by|with|of the form|as|like this|like so|for example|for instance|such as|e\.g\.|as in|with the following.*|by running|by using|using the following.*|in the following.*|the following.*|simply|instead|run|use|specify|execute|add|insert|(?:you|one) (?:can|could|may|might|would|should)\b.*|(?:is|are) (?:easy|simple|straightforward|possible|trivial)\b.*|just)\s*)$/iu;

/** The question that the code after a sentence answers: "To install it globally, run:" to "How do I install it ...?"; null when it says no deed. */
export const codeQuestion = (lead: string, subject: Subject): string | null => {
  const text = lead
    .replace(/\s*\[\d+\]/g, '')
    .replace(/\s+/g, ' ')
    .replace(/[.:]\s*$/, '')
    .replace(FILLER, '')
    .replace(/^(to|you can|you may) instead /i, '$1 ')
    .replace(TAIL, '')
    .trim();
  const aim =
    /^(?:if you (?:want|need|wish|would like|'d like) to|in order to|to) (.+)$/i.exec(text)?.[1] ??
    /\bhow to (.+)$/i.exec(text)?.[1] ??
    /\b(?:you can|you may|you could|it is possible to|it's possible to|allows? you to|lets you|be used to)(?: also| then| simply)? (.+)$/i.exec(
      text,
    )?.[1] ??
    (isInstruction(text) || /^(?:run|use|add|set|get|install|open|publish|save|show) /i.test(text) ? text : undefined);
  if (aim === undefined) return null;
  const deed = cutClause(aim)
    .replace(/^(?:just|simply|also|then|only) /i, '')
    // "To show X use a path", "To have Y you must define": what follows says how.
    .replace(/ (?:(?:use|run|type|call|write) (?:an?|the|this|`)|you (?:must|need|should|have to|will|simply|just)\b).*$/, '')
    .replace(TAIL, '')
    // "force it to go on by putting a plus sign before": what follows is the answer.
    .replace(/^(\S+ \S+ \S.*?) (?:simply )?by \p{L}+ing .*$/u, '$1')
    .replace(/\s*:$/, '')
    .trim();
  const [verb = '', ...rest] = deed.replace(/^\p{L}+ly /u, '').split(' ');
  if (
    rest.length < 2 ||
    !isVerb(verb) ||
    DANGLING.test(deed.replace(/`[^`]*`/g, ' ')) ||
    /^(?:be|have|see|also|do|note|notice|consider|suppose|imagine|assume|recall|remember|let|say)$/i.test(verb) ||
    (/(?:and|or) (\p{Ll}+)$/u.exec(deed)?.[1] !== undefined && isVerb(deed.split(' ').at(-1)!)) ||
    (deed.match(/\(/g) ?? []).length !== (deed.match(/\)/g) ?? []).length ||
    /\b(?:to \S+|of|from|in|for|a|an|the|and|or|like|into|onto|at|to|by|with|on|do|is|are|find out)$/i.test(deed) ||
    /^use (?:with|for|in|it)\b|^\S+ (?:into|onto|of)\b| how to /i.test(deed) ||
    /^\S+ \S+ (?:can|will|is|are|may|must)\b|\b(?:which|what|whose) \S+$/i.test(deed) ||
    // "Handle objects provide semantics": a sentence.
    (isPlural(rest[0]!) && isVerbOnly(rest[1]!)) ||
    // Prose leaves no article out but where its English is broken.
    lacksArticle(rest.join(' '), subject.lexicon) ||
    deed.length > 140
  )
    return null;
  const question = `How do I ${asReader(deed[0]!.toLowerCase() + deed.slice(1)).replace(/^setup /, 'set up ')}`;
  return `${question}${inContext(question, subject)}?`;
};

/** Up to the first comma, colon or dash outside code and parentheses. */
const cutClause = (text: string): string => {
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const unit = text[index]!;
    if (unit === '`') quoted = !quoted;
    else if (quoted) continue;
    else if (unit === '(') depth += 1;
    else if (unit === ')') depth -= 1;
    else if (
      depth === 0 &&
      ((unit === ',' && !/[\w\d]/.test(text[index + 1] ?? '')) ||
        unit === ';' ||
        (unit === ':' && text[index + 1] === ' ') ||
        text.startsWith(' - ', index) ||
        text.startsWith(' – ', index) ||
        text.startsWith(' -- ', index))
    )
      return text.slice(0, index);
  }
  return text;
};
