// The o200k vocabulary of GPT-OSS and its control tokens. Breaks "lib does no work at import": the table of gpt-tokenizer
// is read when this file is loaded (0.3 s), so only rooms that need tokens import it.
import bytePairs from 'gpt-tokenizer/bpeRanks/o200k_base';
import { createBytePairEncoder } from './bpe';
import { isAscii } from './unicode';

/** Size of the embedding of GPT-OSS: ordinary tokens, control tokens and the reserved rest. */
export const VOCABULARY_SIZE = 201088;

/** SHA-256 of o200k_base.tiktoken as OpenAI publishes it; openai-harmony checks the same value. */
export const O200K_SHA256 = '446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d';

/** Control tokens of the harmony format (openai/harmony, src/tiktoken_ext/public_encodings.rs). */
export const CONTROL = {
  startoftext: 199998,
  endoftext: 199999,
  return: 200002,
  constrain: 200003,
  channel: 200005,
  start: 200006,
  end: 200007,
  message: 200008,
  call: 200012,
} as const;

const CONTROL_NAMES = new Map<number, string>(Object.entries(CONTROL).map(([name, id]) => [id, name]));
const utf8 = new TextEncoder();
/** UTF-8 as a string of one character a byte. */
const binary = (text: string): string => {
  if (isAscii(text)) return text;
  let bytes = '';
  for (const byte of utf8.encode(text)) bytes += String.fromCharCode(byte);
  return bytes;
};

const encodePiece = createBytePairEncoder(
  new Map(bytePairs.map((piece, rank) => [typeof piece === 'string' ? binary(piece) : String.fromCharCode(...piece), rank])),
);

// The pattern of o200k_base (openai/tiktoken, openai_public.py) in JavaScript's words: White_Space for \s, which here
// would take U+FEFF and leave U+0085; the contractions ignore case as Unicode does, so a long s counts.
const CONTRACTION = String.raw`(?:'(?:[sSſtTmMdD]|[rR][eE]|[vV][eE]|[lL][lL]))?`;
const UPPER = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const LOWER = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
const PIECES = new RegExp(
  [
    String.raw`[^\r\n\p{L}\p{N}]?${UPPER}*${LOWER}+${CONTRACTION}`,
    String.raw`[^\r\n\p{L}\p{N}]?${UPPER}+${LOWER}*${CONTRACTION}`,
    String.raw`\p{N}{1,3}`,
    String.raw` ?[^\p{White_Space}\p{L}\p{N}]+[\r\n/]*`,
    String.raw`\p{White_Space}*[\r\n]+`,
    String.raw`\p{White_Space}+(?!\P{White_Space})`,
    String.raw`\p{White_Space}+`,
  ].join('|'),
  'gu',
);

/**
 * Text to token ids, as tiktoken's encode_ordinary gives them. Spellings of control tokens (`<|end|>`) stay text, so no
 * page can inject one. Our own instead of gpt-tokenizer's encode: 4.0.0 loses U+FEFF and takes quadratic time.
 * @param text lone surrogates become U+FFFD
 */
export const encodeText = (text: string): number[] => {
  const ids: number[] = [];
  const pieces = text.match(PIECES) ?? [];
  if (isAscii(text)) for (const piece of pieces) encodePiece(piece, ids);
  else for (const piece of pieces) encodePiece(binary(piece), ids);
  return ids;
};

/** Number of o200k tokens of a text. */
export const countTokens = (text: string): number => encodeText(text).length;

/** True for ids that carry no text: control tokens and the reserved rest of the vocabulary. */
export const isControl = (id: number): boolean => id >= bytePairs.length;

/**
 * The bytes of one token; control tokens give their spelling.
 * @throws RangeError for an id outside the vocabulary
 */
export const tokenBytes = (id: number): Uint8Array => {
  const piece = bytePairs[id];
  if (piece !== undefined) return typeof piece === 'string' ? utf8.encode(piece) : Uint8Array.from(piece);
  if (!Number.isInteger(id) || id < 0 || id >= VOCABULARY_SIZE) throw new RangeError(`${id} is no token of o200k_harmony`);
  return utf8.encode(`<|${CONTROL_NAMES.get(id) ?? `reserved_${id}`}|>`);
};

/**
 * Turns a stream of ids into text, holding back the bytes of a character that is not whole yet. Our own instead of
 * gpt-tokenizer's decode: 4.0.0 shares one streaming decoder between calls, so a text that is cut inside a character
 * spoils the next one.
 */
export const createTextDecoder = (): { push: (id: number) => string; end: () => string } => {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return { push: (id) => decoder.decode(tokenBytes(id), { stream: true }), end: () => decoder.decode() };
};

/** Token ids to text; bytes that are no UTF-8 become U+FFFD. */
export const decodeIds = (ids: Iterable<number>): string => {
  const decoder = createTextDecoder();
  let text = '';
  for (const id of ids) text += decoder.push(id);
  return text + decoder.end();
};
