// What to collect, out of everything that can name pages: addresses, a list, sitemaps, files of the worker.
import type { CpuActivities } from '../contracts/activities';
import { failure } from '../contracts/errors';
import type { PipelineInput } from '../contracts/input';
import type { Clock } from '../io/clock';
import type { Store } from '../io/store';
import { createIntake, type Intake, namesPages, shownUnread } from '../lib/intake';
import { canonicalUrl } from '../lib/url';
import { findFiles, requireFilesRoot } from './local-files';
import { withPulse } from './pulse';
import { writeShards } from './shard-lists';
import { createSitemapWalk } from './sitemaps';
import { reasonText, requireStore } from './stage';
import { isWebAddress, readList } from './url-list';
import type { Web } from './web';

/** Named at most in one message. */
const EXAMPLES = 5;

export interface ResolveSourceDeps {
  store: Store;
  clock: Clock;
  web: Web;
  /** RETUNE_FILES_ROOT. */
  filesRoot: string | null;
}

const takeNamed = (urls: readonly string[], intake: Intake): void => {
  const bad = urls.filter((url) => !intake.named(url));
  if (bad.length === 0) return;
  const examples = bad.slice(0, EXAMPLES).map(shownUnread);
  throw failure(
    'InvalidInput',
    `source.urls: ${bad.length} of ${urls.length} are no http(s) address without a password: ${examples.join(', ')}`,
  );
};

/** Of lists and sitemaps: what fails with them is told with their address. */
const requireNoPassword = ({ list, sitemaps }: PipelineInput['source']): void => {
  const named = [...sitemaps.map((address, index) => [`sitemaps.${index}`, address] as const), ['list', list ?? ''] as const];
  for (const [field, address] of named)
    if (isWebAddress(address) && canonicalUrl(address) === null)
      throw failure('InvalidInput', `source.${field}: must be an http(s) address without a password, not ${shownUnread(address)}`);
};

/** Why nothing is left, for the person who named the sources. */
const nothing = (source: PipelineInput['source'], { reasons, examples }: Intake): string => {
  if (!namesPages(source)) return 'source names no page: give source.urls, list, sitemaps or files';
  const first = Object.values(examples)[0]?.[0];
  const why = Object.keys(reasons).length === 0 ? 'they are empty' : `${reasonText(reasons)}, for example ${first ?? ''}`;
  return `source: nothing to collect is left of what it names: ${why}`;
};

export const createResolveSource = (deps: ResolveSourceDeps): Pick<CpuActivities, 'resolveSource'> => ({
  async resolveSource({ run, storeId, source }) {
    requireStore(deps.store, storeId);
    return withPulse(async (pulse) => {
      // Before anything is fetched: a worker without RETUNE_FILES_ROOT is no place for this run.
      await requireFilesRoot(deps.filesRoot, source.files);
      const intake = createIntake(source);
      takeNamed(source.urls, intake);
      requireNoPassword(source);
      await readList(deps, source, intake, pulse);
      const sitemaps = await createSitemapWalk(deps, source, intake, pulse)();
      await findFiles(deps.filesRoot, source, intake, pulse);
      const { urls, reasons, examples } = intake;
      if (urls.size === 0) throw failure('SourceEmpty', nothing(source, intake), { details: { reasons, examples } });
      const leftOut = Object.values(reasons).reduce((sum, count) => sum + count, 0);
      return {
        shards: await writeShards(deps.store, run, urls),
        summary: {
          counts: { ...(sitemaps > 0 ? { sitemaps } : {}), ...(leftOut > 0 ? { left_out: leftOut } : {}) },
          reasons,
          examples,
        },
      };
    });
  },
});
