// Rows of a Parquet file, a row group at a time: memory holds one group of the columns that are wanted, never the file.
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { type Compressors, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';

/** Bytes by place: a file of the disk or of a server that answers ranges. */
export interface Bytes {
  byteLength: number;
  /** From `start` up to but without `end`; the end of the file without it. */
  slice(start: number, end?: number): Promise<ArrayBuffer>;
}

/** `message` says what is wrong with the file, without its name. */
export class ParquetError extends Error {
  override readonly name = 'ParquetError';
}

/** Beside Snappy, which hyparquet reads itself. Zstandard is not in Node 20. */
const COMPRESSORS: Compressors = {
  GZIP: (input) => gunzipSync(input),
  BROTLI: (input) => brotliDecompressSync(input),
};

/**
 * @param wanted the columns to read; those that the file lacks are left out
 * @throws ParquetError for bytes that are no Parquet, a file with none of the columns, a compression that is not read
 */
export async function* parquetRows(file: Bytes, wanted: readonly string[]): AsyncGenerator<Record<string, unknown>, void, undefined> {
  const metadata = await parquetMetadataAsync(file).catch((error: unknown) => {
    throw new ParquetError('is no Parquet file', { cause: error });
  });
  const names = parquetSchema(metadata).children.map(({ element }) => element.name);
  const columns = names.filter((name) => wanted.includes(name));
  if (columns.length === 0) throw new ParquetError(`has the columns ${names.join(', ')}, and none of ${wanted.join(', ')}`);
  for (const { columns: chunks } of metadata.row_groups)
    for (const { meta_data: chunk } of chunks)
      if (chunk !== undefined && !['UNCOMPRESSED', 'SNAPPY', ...Object.keys(COMPRESSORS)].includes(chunk.codec))
        throw new ParquetError(`is compressed with ${chunk.codec}, which is not read: Snappy, GZIP and Brotli are`);
  let rowStart = 0;
  for (const { num_rows: rows } of metadata.row_groups) {
    const rowEnd = rowStart + Number(rows);
    try {
      yield* await parquetReadObjects({ file, metadata, columns, rowStart, rowEnd, compressors: COMPRESSORS });
    } catch (error) {
      throw new ParquetError(`cannot be read from row ${rowStart} on`, { cause: error });
    }
    rowStart = rowEnd;
  }
}
