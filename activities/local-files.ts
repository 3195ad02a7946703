// source.files: HTML and Markdown of the worker as pages, named by their place below RETUNE_FILES_ROOT.
import { readFile, stat } from 'node:fs/promises';
import type { CollectTask, CpuActivities } from '../contracts/activities';
import { failure } from '../contracts/errors';
import type { PipelineInput } from '../contracts/input';
import { type Fetch, RECORD_SCHEMA } from '../contracts/records';
import type { Clock } from '../io/clock';
import { createFilesRoot, FilesRootError } from '../io/files-root';
import type { Log } from '../io/log';
import { createPageShelf } from '../io/page-shelf';
import type { Store } from '../io/store';
import { droppedUrl, fileFormat } from '../lib/collect';
import { sha256 } from '../lib/hash';
import type { Intake } from '../lib/intake';
import { withHistory } from '../lib/page-history';
import { filesPath, filesUrl, pageId } from '../lib/url';
import { inLanes } from './lanes';
import { type Pulse, withPulse } from './pulse';
import { noteOutcome, readShard } from './shard';
import { fieldFailure } from './source-text';
import { requireStore } from './stage';

const MB = 1024 * 1024;
/** Files read at once: with maxBodyMb this bounds memory. */
const READS = 4;

/** @throws ConfigMissing when this worker may not read files, InvalidInput when the first of them is not there */
export const requireFilesRoot = async (filesRoot: string | null, [first]: readonly string[]): Promise<void> => {
  if (first === undefined) return;
  await createFilesRoot(filesRoot)
    .find(first)
    .catch((error: unknown) => {
      throw fieldFailure('source.files.0', error);
    });
};

/** Takes every HTML or Markdown file that the input names. @throws a failure that names the field */
export const findFiles = async (
  filesRoot: string | null,
  { files }: PipelineInput['source'],
  intake: Intake,
  { signal, details }: Pulse,
): Promise<void> => {
  const root = createFilesRoot(filesRoot);
  for (const [index, path] of files.entries()) {
    const field = `source.files.${index}`;
    try {
      for await (const { below } of root.files(path, (reason, name) => intake.refuse(reason, name))) {
        signal.throwIfAborted();
        if (fileFormat(below) === null) intake.refuse('no_html_or_markdown', below);
        else intake.own(filesUrl(below));
        details({ urls: intake.urls.size });
      }
    } catch (error) {
      throw fieldFailure(field, error);
    }
  }
};

export interface LocalFilesDeps {
  store: Store;
  clock: Clock;
  log: Pick<Log, 'debug'>;
  /** RETUNE_FILES_ROOT. */
  filesRoot: string | null;
}

/** Why a file gives no page, as `reason` and text for a person. */
class NoPage extends Error {
  constructor(
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

export const createLocalFiles = ({ store, clock, log, filesRoot }: LocalFilesDeps): Pick<CpuActivities, 'collectFiles'> => {
  const shelf = createPageShelf(store);
  const root = createFilesRoot(filesRoot);

  const read = async (url: string, maxBytes: number): Promise<Buffer> => {
    const { real } = await root.find(filesPath(url) ?? '').catch((error: unknown) => {
      if (!(error instanceof FilesRootError)) throw error;
      if (error.code.startsWith('FILES_ROOT')) throw failure('ConfigMissing', error.message, { cause: error });
      throw new NoPage(error.code === 'OUTSIDE' ? 'outside_files_root' : 'not_found', `${url}: ${error.message}`);
    });
    try {
      const { size } = await stat(real);
      if (size === 0) throw new NoPage('empty_body', `${url} is empty`);
      if (size > maxBytes) throw new NoPage('too_large', `${url} is larger than ${maxBytes} bytes (source.maxBodyMb)`);
      return await readFile(real);
    } catch (error) {
      if (error instanceof NoPage) throw error;
      throw new NoPage('unreadable', `${url} cannot be read (${String((error as NodeJS.ErrnoException).code)})`);
    }
  };

  const keep = async (task: CollectTask, url: string): Promise<void> => {
    const id = pageId(url);
    const known = await shelf.read(id);
    // By this very run, before a crash: files of the worker are always looked at anew, for nobody waits for them.
    if (known !== null && Date.parse(known.checkedAt) >= Date.parse(task.date)) return;
    const body = await read(url, task.source.maxBodyMb * MB);
    const now = new Date(Math.max(clock.now(), Date.parse(task.date))).toISOString();
    const bodySha256 = sha256(body);
    if (known?.page.bodySha256 === bodySha256) return shelf.touch(withHistory({ ...known, checkedAt: now }, known));
    const fresh: Fetch = {
      schema: RECORD_SCHEMA,
      id,
      url,
      finalUrl: url,
      status: 200,
      fetchedAt: now,
      checkedAt: now,
      etag: null,
      lastModified: null,
      provider: 'files',
      page: {
        schema: RECORD_SCHEMA,
        id,
        url,
        bodySha256,
        bodyBytes: body.length,
        format: fileFormat(url) ?? 'html',
        charset: null,
      },
    };
    return shelf.save(withHistory(fresh, known), body);
  };

  return {
    async collectFiles(task) {
      requireStore(store, task.storeId);
      return withPulse(async ({ signal, details }) => {
        const urls = (await readShard(store, task.shard)).filter((url) => filesPath(url) !== null);
        const counts = { files: urls.length, pages: 0, dropped: 0 };
        await inLanes(urls, READS, async (url) => {
          signal.throwIfAborted();
          try {
            await keep(task, url);
            counts.pages += 1;
          } catch (error) {
            if (!(error instanceof NoPage)) throw error;
            counts.dropped += 1;
            await noteOutcome({ store, log }, task, { dropped: droppedUrl(url, error.reason, error.message) });
          }
          details({ ...counts });
        });
        return counts;
      });
    },
  };
};
