import { decodeTokenFile, encodeTokenFile, supervised, type TokenRow } from '../../lib/token-file';
import { sha256 } from '../../lib/hash';

const meta = { tokenizerSha256: 'a'.repeat(64), templateSha256: 'b'.repeat(64), vocabSize: 201088, maxTokens: 8, endTokenId: 200002 };
const rows: TokenRow[] = [
  { example: sha256('one'), ids: [200006, 1, 2, 200002], roles: [0, 0, 2, 1] },
  { example: sha256('two'), ids: [5, 201087, 7], roles: [0, 2, 2] },
];

test('rows come back as they were written', () => {
  const read = decodeTokenFile(encodeTokenFile(rows, meta));
  expect(read.meta).toEqual(meta);
  expect(read.rows.map(({ example, ids, roles }) => ({ example, ids: Array.from(ids), roles: Array.from(roles) }))).toEqual(rows);
});

test('the layout is the one that the trainer writes, byte for byte', () => {
  const bytes = Buffer.from(encodeTokenFile(rows, meta));
  const header = bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString();
  expect(header.trimEnd()).toBe(
    `{"__metadata__":{"formatVersion":"1","tokenizerSha256":"${'a'.repeat(64)}","templateSha256":"${'b'.repeat(64)}","vocabSize":"201088","maxTokens":"8","endTokenId":"200002"},` +
      '"ids":{"dtype":"I32","shape":[7],"data_offsets":[0,28]},"offsets":{"dtype":"I64","shape":[3],"data_offsets":[28,52]},' +
      '"role":{"dtype":"U8","shape":[7],"data_offsets":[52,59]},"example":{"dtype":"U8","shape":[2,32],"data_offsets":[59,123]}}',
  );
  expect(header.length % 8).toBe(0);
  expect(bytes.length).toBe(8 + header.length + 123);
  expect(sha256(bytes)).toBe(sha256(encodeTokenFile(rows, meta)));
});

test.each<[string, Partial<TokenRow>]>([
  ['no token is supervised', { roles: [0, 0, 0, 0] }],
  ['differ in length', { roles: [0, 1] }],
  ['is not in the vocabulary', { ids: [1, 2, 3, 201088] }],
  ['the first token is supervised', { roles: [1, 1, 1, 1] }],
  ['at most 8 are allowed', { ids: new Array<number>(9).fill(1), roles: [0, ...new Array<number>(8).fill(2)] }],
])('a row is refused by name: %s', (problem, change) => {
  expect(() => encodeTokenFile([{ ...rows[0]!, ...change }], meta)).toThrow(problem);
  expect(() => encodeTokenFile([{ ...rows[0]!, ...change }], meta)).toThrow(sha256('one'));
});

test('cut or foreign bytes are refused', () => {
  const bytes = encodeTokenFile(rows, meta);
  expect(() => decodeTokenFile(bytes.subarray(0, bytes.length - 1))).toThrow('cut off');
  expect(() => decodeTokenFile(new Uint8Array(4))).toThrow('not a token file');
  expect(supervised([0, 1, 2, 0])).toBe(2);
});
