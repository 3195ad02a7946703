// The token file: one safetensors file a split, unpacked, in example order. native/trainer/data.py writes and reads
// the same bytes: 8-byte little-endian header length; JSON header without spaces, its keys in the order below, padded
// with spaces to a multiple of 8; then ids, offsets, role, example, little-endian, without gaps.
import { ROLE } from './harmony';

const FORMAT_VERSION = '1';

/** The tokens of one example. */
export interface TokenRow {
  /** Id of the example, 64 hex digits. */
  example: string;
  ids: ArrayLike<number>;
  /** Loss role of each token: 0 context, 1 supervised format, 2 supervised content. */
  roles: ArrayLike<number>;
}

export interface TokenFileMeta {
  /** sha256 of the base's tokenizer.json, BaseModel.tokenizerDigest. */
  tokenizerSha256: string;
  /** BaseModel.templateDigest. */
  templateSha256: string;
  vocabSize: number;
  maxTokens: number;
  endTokenId: number;
}

export interface TokenFile {
  meta: TokenFileMeta;
  rows: TokenRow[];
}

/** Number of supervised tokens of an example. */
export const supervised = (roles: ArrayLike<number>): number => {
  let count = 0;
  for (let at = 0; at < roles.length; at++) if (roles[at] !== ROLE.context) count++;
  return count;
};

const checkRow = ({ example, ids, roles }: TokenRow, meta: TokenFileMeta): void => {
  const problem =
    ids.length !== roles.length
      ? 'ids and roles differ in length'
      : ids.length > meta.maxTokens
        ? `${ids.length} tokens, at most ${meta.maxTokens} are allowed`
        : supervised(roles) === 0
          ? 'no token is supervised'
          : roles[0] !== ROLE.context
            ? 'the first token is supervised, and nothing comes before it'
            : null;
  if (problem !== null) throw new RangeError(`example ${example}: ${problem}`);
  for (let at = 0; at < ids.length; at++) {
    const id = ids[at] ?? -1;
    if (!(id >= 0 && id < meta.vocabSize))
      throw new RangeError(`example ${example}: token id ${id} is not in the vocabulary of ${meta.vocabSize}`);
  }
};

/**
 * The bytes of a token file; the same rows give the same bytes on any machine.
 * @throws RangeError naming the example for a row that could not be trained on
 */
export const encodeTokenFile = (rows: readonly TokenRow[], meta: TokenFileMeta): Uint8Array => {
  for (const row of rows) checkRow(row, meta);
  const total = rows.reduce((sum, row) => sum + row.ids.length, 0);
  const sizes = { ids: 4 * total, offsets: 8 * (rows.length + 1), role: total, example: 32 * rows.length };
  const shapes = { ids: [total], offsets: [rows.length + 1], role: [total], example: [rows.length, 32] };
  const dtypes = { ids: 'I32', offsets: 'I64', role: 'U8', example: 'U8' };
  const header: Record<string, unknown> = {
    __metadata__: {
      formatVersion: FORMAT_VERSION,
      tokenizerSha256: meta.tokenizerSha256,
      templateSha256: meta.templateSha256,
      vocabSize: String(meta.vocabSize),
      maxTokens: String(meta.maxTokens),
      endTokenId: String(meta.endTokenId),
    },
  };
  let position = 0;
  for (const name of ['ids', 'offsets', 'role', 'example'] as const) {
    header[name] = { dtype: dtypes[name], shape: shapes[name], data_offsets: [position, position + sizes[name]] };
    position += sizes[name];
  }
  const json = JSON.stringify(header);
  const text = new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 8) * 8));
  const start = 8 + text.length;
  const bytes = new Uint8Array(start + position);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  const [offsetsAt, roleAt, exampleAt] = [start + sizes.ids, start + sizes.ids + sizes.offsets, start + position - sizes.example];
  view.setBigInt64(offsetsAt, 0n, true);
  let token = 0;
  rows.forEach((row, index) => {
    for (let at = 0; at < row.ids.length; at++, token++) {
      view.setInt32(start + 4 * token, row.ids[at] ?? 0, true);
      bytes[roleAt + token] = row.roles[at] ?? 0;
    }
    view.setBigInt64(offsetsAt + 8 * (index + 1), BigInt(token), true);
    for (let at = 0; at < 32; at++) bytes[exampleAt + 32 * index + at] = Number.parseInt(row.example.slice(2 * at, 2 * at + 2), 16);
  });
  return bytes;
};

interface Header {
  __metadata__: Record<string, string>;
  [name: string]: { data_offsets: [number, number] } | Record<string, string>;
}

/**
 * Reads what encodeTokenFile or the trainer wrote.
 * @throws RangeError when the bytes are no token file of this version
 */
export const decodeTokenFile = (bytes: Uint8Array): TokenFile => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length < 8 ? -1 : Number(view.getBigUint64(0, true));
  if (length < 0 || 8 + length > bytes.length) throw new RangeError('not a token file: its header is cut off');
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Header;
  const meta = header.__metadata__;
  if (meta.formatVersion !== FORMAT_VERSION)
    throw new RangeError(`token file of version ${meta.formatVersion}, this reads ${FORMAT_VERSION}`);
  const part = (name: string): DataView => {
    const [from = -1, to = -1] = (header[name]?.data_offsets ?? []) as number[];
    if (from < 0 || 8 + length + to > bytes.length) throw new RangeError(`token file: ${name} is missing or cut off`);
    return new DataView(bytes.buffer, bytes.byteOffset + 8 + length + from, to - from);
  };
  const [ids, offsets, role, example] = [part('ids'), part('offsets'), part('role'), part('example')];
  const offset = (at: number): number => Number(offsets.getBigInt64(8 * at, true));
  const rows = Array.from({ length: offsets.byteLength / 8 - 1 }, (_, index): TokenRow => {
    const [from, to] = [offset(index), offset(index + 1)];
    return {
      example: Array.from({ length: 32 }, (_byte, at) =>
        example
          .getUint8(32 * index + at)
          .toString(16)
          .padStart(2, '0'),
      ).join(''),
      ids: Int32Array.from({ length: to - from }, (_id, at) => ids.getInt32(4 * (from + at), true)),
      roles: Uint8Array.from({ length: to - from }, (_role, at) => role.getUint8(from + at)),
    };
  });
  const text = (name: string): string => meta[name] ?? '';
  return {
    meta: {
      tokenizerSha256: text('tokenizerSha256'),
      templateSha256: text('templateSha256'),
      vocabSize: Number(text('vocabSize')),
      maxTokens: Number(text('maxTokens')),
      endTokenId: Number(text('endTokenId')),
    },
    rows,
  };
};
