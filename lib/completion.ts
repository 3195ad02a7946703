// Reads what a GPT-OSS model generated after `<|start|>assistant`: which channel, which text, was it ended well.
import { CONTROL, createTextDecoder, isControl } from './tokens';

export interface Completion {
  /** Channel of the last message; null when none was named. */
  channel: string | null;
  /** Text of the final channel, '' when there is none. */
  text: string;
  /** Text of the analysis and commentary channels, in order. */
  thinking: string;
  /** True when generation stopped at `<|return|>`. */
  ended: boolean;
  /** False when a control token stood where the format allows none, or a channel is unknown or missing. */
  valid: boolean;
}

const CHANNELS = new Set(['analysis', 'commentary', 'final']);

/**
 * An incremental reader: `push` gives the new text of the message under way (null while there is none), `result`
 * what was read so far. It never throws on what a model may emit.
 */
export const createCompletionReader = (): {
  push: (id: number) => { channel: string | null; text: string } | null;
  result: () => Completion;
} => {
  let state: 'header' | 'content' | 'between' | 'done' = 'header';
  let first = true;
  let header = '';
  let mark: number | null = null;
  let channel: string | null = null;
  let valid = true;
  let ended = false;
  let decoder = createTextDecoder();
  const texts = { final: '', thinking: '' };

  const append = (text: string): { channel: string | null; text: string } => {
    texts[channel === 'final' ? 'final' : 'thinking'] += text;
    return { channel, text };
  };
  const openMessage = (): void => {
    const [role = '', named = ''] = mark === null ? [header, ''] : header.split('\u0000');
    channel = mark === null ? null : (named.trim().split(/\s/)[0] ?? null);
    valid &&= channel !== null && CHANNELS.has(channel) && (first ? role === '' : role.split(/\s/)[0] === 'assistant');
    if (channel === 'final') texts.final = '';
    [state, first, decoder] = ['content', false, createTextDecoder()];
  };
  const inHeader = (id: number): void => {
    if (id === CONTROL.message) openMessage();
    else if (id === CONTROL.channel && mark === null) [mark, header] = [id, `${header}${decoder.end()}\u0000`];
    else if (isControl(id) && id !== CONTROL.constrain) valid = false;
    else if (!isControl(id)) header += decoder.push(id);
  };

  return {
    push: (id) => {
      if (state === 'header') inHeader(id);
      else if (state === 'content') {
        if (!isControl(id)) return append(decoder.push(id));
        const rest = append(decoder.end());
        if (id === CONTROL.end) state = 'between';
        else {
          state = 'done';
          ended = id === CONTROL.return;
          valid &&= ended || id === CONTROL.call;
        }
        return rest.text === '' ? null : rest;
      } else if (state === 'between' && id === CONTROL.start) {
        [state, header, mark, decoder] = ['header', '', null, createTextDecoder()];
      } else valid = false;
      return null;
    },
    result: () => ({
      channel,
      text: texts.final,
      thinking: texts.thinking,
      ended,
      valid: valid && !first,
    }),
  };
};

/** The whole output of one generation, without the prompt. */
export const parseCompletion = (ids: Iterable<number>): Completion => {
  const reader = createCompletionReader();
  for (const id of ids) reader.push(id);
  return reader.result();
};
