// Bytes of token ids for any model whose tokenizer.json is a byte-level or SentencePiece-like BPE: what a mask preview
// needs. Generation text is decoded by the trainer.
import { z } from 'zod';

const TokenizerJson = z.looseObject({
  model: z.looseObject({ vocab: z.record(z.string(), z.int()) }),
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string() })).default([]),
});

/** GPT-2's bytes_to_unicode: printable bytes stand for themselves, the others for U+0100 and up. */
const BYTE_OF = new Map<string, number>();
for (let byte = 0, next = 256; byte < 256; byte++) {
  const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  BYTE_OF.set(String.fromCodePoint(printable ? byte : next++), byte);
}

const utf8 = new TextEncoder();
const BYTE_TOKEN = /^<0x([0-9A-F]{2})>$/;

/**
 * @param json the parsed tokenizer.json
 * @returns id to bytes; an unknown id gives the text `<?id>`
 * @throws ZodError when it is no tokenizer.json with a vocabulary
 */
export const readVocabulary = (json: unknown): ((id: number) => Uint8Array) => {
  const { model, added_tokens: added } = TokenizerJson.parse(json);
  const pieces = new Map(Object.entries(model.vocab).map(([piece, id]) => [id, piece]));
  const special = new Map(added.map(({ id, content }) => [id, utf8.encode(content)]));
  const sentencePiece = pieces.size > 0 && [...pieces.values()].some((piece) => BYTE_TOKEN.test(piece));
  return (id) => {
    const known = special.get(id);
    if (known !== undefined) return known;
    const piece = pieces.get(id);
    if (piece === undefined) return utf8.encode(`<?${id}>`);
    const byte = BYTE_TOKEN.exec(piece)?.[1];
    if (byte !== undefined) return Uint8Array.of(Number.parseInt(byte, 16));
    if (sentencePiece) return utf8.encode(piece.replaceAll('\u2581', ' '));
    const bytes = [...piece].map((sign) => BYTE_OF.get(sign));
    return bytes.some((one) => one === undefined) ? utf8.encode(piece) : Uint8Array.from(bytes as number[]);
  };
};
