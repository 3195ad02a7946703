// The harmony format of GPT-OSS: ids and loss roles built piece by piece, never by encoding rendered text.
// Spec: openai/harmony docs/format.md; native/tests/test_harmony_parity.py compares with openai-harmony id for id.
import type { Message } from '../contracts/records';
import { CONTROL, encodeText } from './tokens';

export interface HarmonyOptions {
  /** Current date of the system message, YYYY-MM-DD; null: the line is left out. Never today's. */
  date: string | null;
  reasoning: 'low' | 'medium' | 'high';
}

/** Loss roles of a token. */
export const ROLE = { context: 0, format: 1, content: 2 } as const;

/** Ids and their loss roles, of equal length. */
export interface Rendered {
  ids: number[];
  roles: number[];
}

/** Ids that end a generation: the end of the answer, or a tool call. `<|end|>` only ends a message. */
export const STOP_IDS: readonly number[] = [CONTROL.return, CONTROL.call];

/** The fixed system text; what a person calls the system prompt is the developer message. */
export const systemText = ({ date, reasoning }: HarmonyOptions): string =>
  [
    'You are ChatGPT, a large language model trained by OpenAI.',
    'Knowledge cutoff: 2024-06',
    ...(date === null ? [] : [`Current date: ${date}`]),
    '',
    `Reasoning: ${reasoning}`,
    '',
    '# Valid channels: analysis, commentary, final. Channel must be included for every message.',
  ].join('\n');

/** Ids of the words of the format itself: every example has them. */
const WORDS = new Map<string, readonly number[]>();
const wordIds = (word: Message['role'] | 'final'): readonly number[] => {
  let ids = WORDS.get(word);
  if (ids === undefined) WORDS.set(word, (ids = encodeText(word)));
  return ids;
};

const framed = (role: Message['role'], content: string, channel: 'final' | null, end: number): number[] => [
  CONTROL.start,
  ...wordIds(role),
  ...(channel === null ? [] : [CONTROL.channel, ...wordIds(channel)]),
  CONTROL.message,
  ...encodeText(content),
  end,
];

let system: { text: string; ids: readonly number[] } | null = null;

/** The system message's ids, remembered: every example of a run begins with them. */
const systemIds = (options: HarmonyOptions): readonly number[] => {
  const text = systemText(options);
  if (system?.text !== text) system = { text, ids: framed('system', text, null, CONTROL.end) };
  return system.ids;
};

const contextIds = (messages: readonly Message[], options: HarmonyOptions): number[] => {
  const ids = [...systemIds(options)];
  for (const { role, content } of messages) {
    if (role === 'system') throw new RangeError('harmony takes instructions as a developer message; its system text is fixed');
    const text = role === 'developer' ? `# Instructions\n\n${content}` : content;
    ids.push(...framed(role, text, role === 'assistant' ? 'final' : null, CONTROL.end));
  }
  return ids;
};

/**
 * Prompt ids for a generation, ending in `<|start|>assistant`.
 * @param messages developer (instructions), user and earlier assistant messages
 */
export const renderPrompt = (messages: readonly Message[], options: HarmonyOptions): number[] => [
  ...contextIds(messages, options),
  CONTROL.start,
  ...wordIds('assistant'),
];

/**
 * A training example: supervised is everything after the last `<|start|>assistant`, so that the model also learns to
 * choose the final channel and to end with `<|return|>`.
 * @param answerIds ids of the answer's text, where they are known already
 * @throws RangeError when the last message is not the assistant's, or has no text
 */
export const renderExample = (messages: readonly Message[], options: HarmonyOptions, answerIds?: ArrayLike<number>): Rendered => {
  const answer = messages.at(-1);
  if (answer?.role !== 'assistant') throw new RangeError('a training example ends with an assistant message');
  const ids = renderPrompt(messages.slice(0, -1), options);
  const header = [CONTROL.channel, ...wordIds('final'), CONTROL.message];
  const content = answerIds ?? encodeText(answer.content);
  if (content.length === 0) throw new RangeError('nothing to supervise: the assistant message is empty');
  const from = ids.length + header.length;
  const roles = new Array<number>(from + content.length + 1).fill(ROLE.content, from);
  roles.fill(ROLE.context, 0, ids.length).fill(ROLE.format, ids.length, from);
  roles[from + content.length] = ROLE.format;
  ids.push(...header);
  for (let at = 0; at < content.length; at++) ids.push(content[at]!);
  ids.push(CONTROL.return);
  return { ids, roles };
};

const FORMAT_CHECKS: Record<string, readonly number[]> = {
  '<|start|>user': [CONTROL.start, ...encodeText('user')],
  '<|start|>assistant': [CONTROL.start, ...encodeText('assistant')],
  '<|channel|>': [CONTROL.channel],
  '<|message|>': [CONTROL.message],
};

const contains = (ids: readonly number[], part: readonly number[]): boolean => {
  for (let at = ids.indexOf(part[0]!); at >= 0; at = ids.indexOf(part[0]!, at + 1))
    if (part.every((id, offset) => ids[at + offset] === id)) return true;
  return false;
};

/** The four marks that every example must have (the tutorial's format checks); returns the names of missing ones. */
export const missingMarks = (ids: readonly number[]): string[] =>
  Object.keys(FORMAT_CHECKS).filter((name) => !contains(ids, FORMAT_CHECKS[name] ?? []));
