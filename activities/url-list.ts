// source.list: a file of addresses, one a line, read as a stream.
import type { PipelineInput } from '../contracts/input';
import { textLines } from '../io/plain-text';
import type { Intake } from '../lib/intake';
import type { Pulse } from './pulse';
import { fieldFailure, fileText, type SourceTextDeps, webText } from './source-text';

/** 10 million addresses of 100 characters and more. */
const MAX_BYTES = 2 * 1024 ** 3;
/** A longer line is no address; lib/intake says so. */
const MAX_LINE = 4096;

/** As against a path below RETUNE_FILES_ROOT. */
export const isWebAddress = (place: string): boolean => /^https?:/i.test(place);

/** Takes every address of the list, or counts why not. @throws a failure that names the field */
export const readList = async (
  deps: SourceTextDeps,
  source: PipelineInput['source'],
  intake: Intake,
  { signal, details }: Pulse,
): Promise<void> => {
  const { list } = source;
  if (list === null) return;
  try {
    const text = isWebAddress(list)
      ? await webText(deps, source, list, { maxBytes: MAX_BYTES, signal })
      : await fileText(deps, list, MAX_BYTES);
    for await (const line of textLines(text, MAX_LINE)) {
      signal.throwIfAborted();
      const address = line.trim();
      if (address !== '' && !address.startsWith('#')) intake.found(address, null);
      details({ urls: intake.urls.size });
    }
  } catch (error) {
    throw fieldFailure('source.list', error);
  }
};
