// The text of a file about pages, a list or a sitemap: from the web or from below RETUNE_FILES_ROOT, gzip by content.
import { createReadStream } from 'node:fs';
import type { ApplicationFailure } from '@temporalio/activity';
import { failure } from '../contracts/errors';
import type { PipelineInput } from '../contracts/input';
import type { Clock } from '../io/clock';
import { createFilesRoot, FilesRootError } from '../io/files-root';
import { HttpError } from '../io/http-error';
import { pieces, plainText, TextTooLarge } from '../io/plain-text';
import { httpFailure } from './translate';
import { askPatiently, type Web } from './web';

export interface SourceTextDeps {
  web: Web;
  clock: Clock;
  /** RETUNE_FILES_ROOT. */
  filesRoot: string | null;
}

/** Largest transfer of such a file; the sitemap protocol allows 50 MB decompressed. */
export const MAX_TRANSFER_BYTES = 100 * 1024 * 1024;

export const webText = async (
  { web, clock }: SourceTextDeps,
  source: PipelineInput['source'],
  url: string,
  { maxBytes, signal }: { maxBytes: number; signal: AbortSignal },
): Promise<AsyncGenerator<string>> => {
  const request = {
    url,
    signal,
    maxBytes: Math.min(maxBytes, MAX_TRANSFER_BYTES),
    accept: 'application/xml, text/xml, text/plain, */*;q=0.5',
  };
  const { body } = await askPatiently(web, clock, source, request);
  return plainText(pieces(body ?? Buffer.alloc(0)), maxBytes);
};

export const fileText = async ({ filesRoot }: SourceTextDeps, path: string, maxBytes: number): Promise<AsyncGenerator<string>> => {
  const { real } = await createFilesRoot(filesRoot).find(path);
  return plainText(createReadStream(real) as AsyncIterable<Buffer>, maxBytes);
};

/** zlib's codes for what is no gzip, or not all of it. */
export const isBrokenGzip = (error: unknown): boolean => /^Z_/.test(String((error as { code?: unknown } | null)?.code));

/** An error about what a field of the input names, as the failure that says which field. Any other comes back as it is. */
export const fieldFailure = (field: string, error: unknown): unknown => {
  const named = (made: ApplicationFailure): ApplicationFailure => {
    made.message = `${field}: ${made.message}`;
    return made;
  };
  if (error instanceof HttpError) return named(httpFailure(error));
  if (error instanceof FilesRootError)
    return failure(error.code.startsWith('FILES_ROOT') ? 'ConfigMissing' : 'InvalidInput', `${field}: ${error.message}`, { cause: error });
  if (error instanceof TextTooLarge) return failure('InvalidInput', `${field}: the file is ${error.message}`, { cause: error });
  if (isBrokenGzip(error)) return failure('InvalidInput', `${field}: the file begins like gzip and does not decompress`, { cause: error });
  if ((error as NodeJS.ErrnoException | null)?.code === 'EISDIR') return failure('InvalidInput', `${field}: that is a folder, not a file`);
  return error;
};
