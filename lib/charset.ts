// Bytes of an HTML or Markdown page to text: byte order mark, HTTP header, declaration in the page, UTF-8 if the
// bytes are valid, a later declaration, else windows-1252 (the WHATWG order, with a UTF-8 check before its last guesses).
import { TextDecoder } from 'node:util';

export interface Decoded {
  text: string;
  /** WHATWG name of the encoding, in lower case. */
  charset: string;
}

/** How far a declaration is looked for; WHATWG's prescan reads as many bytes. */
const PRESCAN_BYTES = 1024;
/** How far in what is no UTF-8: browsers go back for a declaration that they meet later (behind scripts, a licence). */
const LATE_BYTES = 64 * 1024;

const byteOrderMark = (bytes: Uint8Array): string | null => {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  // Markup without a mark whose first letter takes two bytes; no other charset has a NUL there.
  if (bytes[0] === 0x3c && bytes[1] === 0) return 'utf-16le';
  return bytes[0] === 0 && bytes[1] === 0x3c ? 'utf-16be' : null;
};

/** `<meta charset>`, `<meta http-equiv content="...charset=...">` or the XML declaration; null if there is none. */
const declared = (bytes: Uint8Array, within: number): string | null => {
  // One character a byte: every declaration is ASCII.
  const head = Buffer.from(bytes.subarray(0, within))
    .toString('latin1')
    .replace(/<!--[\s\S]*?(?:-->|$)/g, '');
  const label =
    /^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([^"'>]+)["']/i.exec(head)?.[1] ??
    /<meta\s[^<>]*?charset\s*=\s*["']?\s*([^\s"'/>;]+)/i.exec(head)?.[1];
  if (label === undefined) return null;
  // A declaration that could be read as ASCII is not UTF-16, whatever it says (WHATWG prescan, last steps).
  if (/^utf-?16/i.test(label)) return 'utf-8';
  return /^x-user-defined$/i.test(label) ? 'windows-1252' : label;
};

const decoderOf = (label: string, fatal: boolean): TextDecoder | null => {
  try {
    return new TextDecoder(label, { fatal });
  } catch {
    return null; // an unknown label, or one that Node was built without: go on as if it were not there
  }
};

/** @returns null when `fatal` and the bytes are not valid */
const decodeAs = (bytes: Uint8Array, label: string, fatal = false): Decoded | null => {
  const decoder = decoderOf(label, fatal);
  if (decoder === null) return null;
  try {
    // The streaming form on purpose: without it Node 20.20 decodes windows-1252 as ISO 8859-1 (0x93 gives U+0093).
    return { text: decoder.decode(bytes, { stream: true }) + decoder.decode(), charset: decoder.encoding };
  } catch {
    return null;
  }
};

/**
 * @param bytes the body after content decoding (gzip and so on)
 * @param headerCharset `charset` of the Content-Type header, or null
 * @returns text without a byte order mark; bytes that mean nothing in the charset become U+FFFD
 */
export const decode = (bytes: Uint8Array, headerCharset: string | null): Decoded => {
  const mark = byteOrderMark(bytes);
  if (mark !== null) return decodeAs(bytes, mark) as Decoded;
  const named = (label: string | null): Decoded | null => (label === null ? null : decodeAs(bytes, label.trim()));
  return (
    named(headerCharset) ??
    named(declared(bytes, PRESCAN_BYTES)) ??
    decodeAs(bytes, 'utf-8', true) ??
    named(declared(bytes, LATE_BYTES)) ??
    (decodeAs(bytes, 'windows-1252') as Decoded)
  );
};

/** `charset` of a Content-Type header, as it stands there; null without one. */
export const charsetOf = (contentType: string | null): string | null =>
  /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;"]+))/i
    .exec(contentType ?? '')
    ?.slice(1)
    .find((label) => label !== undefined && label !== '') ?? null;
