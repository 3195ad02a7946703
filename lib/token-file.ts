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

/** Rows that can be gone through again, in the same order. */
export interface TokenRows {
  rows: number;
  /** Of all rows together. */
  tokens: number;
  each: () => Iterable<TokenRow>;
}

const headerOf = ({ rows, tokens }: TokenRows, meta: TokenFileMeta): Uint8Array => {
  const sizes = { ids: 4 * tokens, offsets: 8 * (rows + 1), role: tokens, example: 32 * rows };
  const shapes = { ids: [tokens], offsets: [rows + 1], role: [tokens], example: [rows, 32] };
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
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text]);
};

/** Little-endian on any machine. */
const idBytes = (ids: ArrayLike<number>): Uint8Array => {
  const bytes = Buffer.allocUnsafe(4 * ids.length);
  for (let at = 0; at < ids.length; at++) bytes.writeInt32LE(ids[at]!, 4 * at);
  return bytes;
};

/**
 * The bytes of a token file piece by piece; the same rows give the same bytes on any machine.
 * @throws RangeError naming the example for a row that could not be trained on
 */
export function* tokenFileChunks(file: TokenRows, meta: TokenFileMeta): Generator<Uint8Array, void, undefined> {
  yield headerOf(file, meta);
  for (const row of file.each()) {
    checkRow(row, meta);
    yield idBytes(row.ids);
  }
  const offset = Buffer.alloc(8);
  yield offset;
  let end = 0;
  for (const { ids } of file.each()) {
    end += ids.length;
    const next = Buffer.alloc(8);
    next.writeBigInt64LE(BigInt(end));
    yield next;
  }
  for (const { roles } of file.each()) yield Uint8Array.from(roles);
  for (const { example } of file.each()) yield Buffer.from(example, 'hex');
}

/** A token file in memory. */
export const encodeTokenFile = (rows: readonly TokenRow[], meta: TokenFileMeta): Uint8Array => {
  const tokens = rows.reduce((sum, row) => sum + row.ids.length, 0);
  return new Uint8Array(Buffer.concat([...tokenFileChunks({ rows: rows.length, tokens, each: () => rows }, meta)]));
};

interface Header {
  __metadata__: Record<string, string>;
  [name: string]: { data_offsets: [number, number] } | Record<string, string>;
}

/** Rows looked up at once. */
const BLOCK = 1024;

/**
 * Reads what tokenFileChunks or the trainer wrote, row after row.
 * @param bytes of the whole file
 * @param read a part of it, in a buffer of its own
 * @throws RangeError when the bytes are no token file of this version
 */
export const readTokenFile = (
  bytes: number,
  read: (start: number, bytes: number) => Buffer<ArrayBuffer>,
): { meta: TokenFileMeta; rows: () => Generator<TokenRow, void, undefined> } => {
  const length = bytes < 8 ? -1 : Number(read(0, 8).readBigUInt64LE());
  if (length < 0 || 8 + length > bytes) throw new RangeError('not a token file: its header is cut off');
  const header = JSON.parse(read(8, length).toString()) as Header;
  const meta = header.__metadata__;
  if (meta.formatVersion !== FORMAT_VERSION)
    throw new RangeError(`token file of version ${meta.formatVersion}, this reads ${FORMAT_VERSION}`);
  const part = (name: string): { start: number; bytes: number } => {
    const [from = -1, to = -1] = (header[name]?.data_offsets ?? []) as number[];
    if (from < 0 || 8 + length + to > bytes) throw new RangeError(`token file: ${name} is missing or cut off`);
    return { start: 8 + length + from, bytes: to - from };
  };
  const [ids, offsets, role, example] = [part('ids'), part('offsets'), part('role'), part('example')];
  const rows = function* (): Generator<TokenRow, void, undefined> {
    const size = offsets.bytes / 8 - 1;
    for (let first = 0; first < size; first += BLOCK) {
      const count = Math.min(BLOCK, size - first);
      const ends = read(offsets.start + 8 * first, 8 * (count + 1));
      const names = read(example.start + 32 * first, 32 * count);
      for (let row = 0; row < count; row++) {
        const [from, to] = [Number(ends.readBigInt64LE(8 * row)), Number(ends.readBigInt64LE(8 * (row + 1)))];
        const own = read(ids.start + 4 * from, 4 * (to - from));
        yield {
          example: names.toString('hex', 32 * row, 32 * (row + 1)),
          ids: Int32Array.from({ length: to - from }, (_, at) => own.readInt32LE(4 * at)),
          roles: new Uint8Array(read(role.start + from, to - from)),
        };
      }
    }
  };
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

/** A token file in memory, read. */
export const decodeTokenFile = (bytes: Uint8Array): TokenFile => {
  const { meta, rows } = readTokenFile(bytes.length, (start, size) => Buffer.from(bytes.subarray(start, start + size)));
  return { meta, rows: [...rows()] };
};
