// Pairs of pages that are not in English: questions in the page's own language, simpler than English ones, since only
// English headings are taken apart by grammar.
import type { Block, Section } from '../contracts/records';
import { answer } from './answer';
import { inlineCode, renderMeaning } from './blocks';
import type { Candidate } from './kinds';
import { choose, isAsking } from './question';
import { bareHeading, type Subject } from './subject';

/** {x} is what is asked for, {p} the page. */
const WORDINGS: Record<string, { topic: readonly string[]; term: readonly string[] }> = {
  de: {
    topic: ['Was sollte ich über „{x}“ wissen ({p})?', 'Kannst du „{x}“ erklären ({p})?'],
    term: ['Was bedeutet {x} ({p})?', 'Was ist {x} ({p})?'],
  },
  fr: {
    topic: ['Que faut-il savoir sur « {x} » ({p}) ?', 'Peux-tu expliquer « {x} » ({p}) ?'],
    term: ['Que signifie {x} ({p}) ?', 'À quoi correspond {x} ({p}) ?'],
  },
  es: {
    topic: ['¿Qué debo saber sobre «{x}» ({p})?', '¿Puedes explicar «{x}» ({p})?'],
    term: ['¿Qué significa {x} ({p})?', '¿Qué es {x} ({p})?'],
  },
  it: {
    topic: ['Che cosa devo sapere su «{x}» ({p})?', 'Puoi spiegare «{x}» ({p})?'],
    term: ['Che cosa significa {x} ({p})?', "Che cos'è {x} ({p})?"],
  },
  pt: {
    topic: ['O que devo saber sobre “{x}” ({p})?', 'Pode explicar “{x}” ({p})?'],
    term: ['O que significa {x} ({p})?', 'O que é {x} ({p})?'],
  },
  nl: {
    topic: ['Wat moet ik weten over “{x}” ({p})?', 'Kun je “{x}” uitleggen ({p})?'],
    term: ['Wat betekent {x} ({p})?', 'Wat is {x} ({p})?'],
  },
  pl: { topic: ['Co warto wiedzieć o „{x}” ({p})?'], term: ['Co oznacza {x} ({p})?'] },
  sv: { topic: ['Vad bör jag veta om ”{x}” ({p})?'], term: ['Vad betyder {x} ({p})?'] },
  ru: { topic: ['Что нужно знать о «{x}» ({p})?', 'Можешь объяснить «{x}» ({p})?'], term: ['Что означает {x} ({p})?'] },
  ja: { topic: ['{p}の「{x}」について教えてください。', '{p}の「{x}」とは何ですか？'], term: ['{p}の{x}とは何ですか？'] },
  zh: { topic: ['{p}中的“{x}”是什么？', '请解释{p}中的“{x}”。'], term: ['{p}中的{x}是什么意思？'] },
  ko: { topic: ['{p}의 "{x}"에 대해 설명해 주세요.'], term: ['{p}에서 {x}은(는) 무엇인가요?'] },
};

/** A language without wordings is asked by the heading itself. */
const NEUTRAL = { topic: ['{p}: {x}'], term: ['{p}: {x}'] };

const fill = (wordings: readonly string[], seed: string, x: string, page: string): string =>
  choose(seed, wordings)
    .replace('{p}', () => (page === '' ? '…' : page))
    .replace('{x}', () => x)
    .replace(/ ?\(…\)|^…(?:の|中的|의 |에서 |: )|(?<=请解释)…中的/u, '');

/** Headings and definitions of a section, asked for in `language`. */
export const foreignCandidates = (section: Section, subject: Subject, language: string, maxChars: number): Candidate[] => {
  const wordings = WORDINGS[language] ?? NEUTRAL;
  const made: Candidate[] = [];
  const first = section.blocks.findIndex((block) => block.type === 'definition');
  const own = first < 0 ? section.blocks : section.blocks.slice(0, first);
  const heading = bareHeading(section.path.at(-1) ?? '');
  const response = answer(own, maxChars);
  if (heading !== '' && response !== null) {
    const asking = isAsking(heading) || /[？؟]$/.test(heading);
    const page = section.path.length > 1 && heading !== subject.title ? subject.title : '';
    made.push({
      kind: asking ? 'faq' : 'heading',
      instruction: asking ? heading : fill(wordings.topic, `${section.pageId} ${section.position}`, heading.replaceAll('`', ''), page),
      response,
      anchor: section.anchor,
    });
  }
  const definitions = section.blocks.filter((block): block is Extract<Block, { type: 'definition' }> => block.type === 'definition');
  for (const block of definitions) {
    const meaning = renderMeaning(block);
    if (meaning === '' || meaning.length > maxChars || block.term.length > 120) continue;
    const isOption = block.term.startsWith('-');
    const term = block.signature || isOption ? inlineCode(block.term) : `“${block.term}”`;
    made.push({
      kind: isOption ? 'option' : block.signature ? 'signature' : 'definition',
      instruction: fill(wordings.term, `${section.pageId} ${block.anchor ?? block.term}`, term, subject.title),
      response: meaning,
      anchor: block.anchor ?? section.anchor,
    });
  }
  return made;
};
