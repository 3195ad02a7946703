// Manifests in the store: <verb>/<key>/manifest.json, written last and once.
import { ARTIFACT_SCHEMA, Manifest, type Verb } from '../contracts/artifacts';
import type { Store } from './store';

export class ManifestError extends Error {
  readonly code = 'MANIFEST';
  constructor(path: string, problem: string) {
    super(`${path} ${problem}`);
    this.name = 'ManifestError';
  }
}

const manifestPath = (verb: Verb, key: string): string => `${verb}/${key}/manifest.json`;

/** Where the outputs of one holder of a stage's lease lie. */
export const stageFolder = (verb: Verb, key: string, fence: number): string => `${verb}/${key}/${fence}`;

/**
 * @returns null when the stage is not done
 * @throws ManifestError for one of a newer release, or one that is no manifest
 */
export const readManifest = async (store: Store, verb: Verb, key: string): Promise<Manifest | null> => {
  const bytes = await store.read(manifestPath(verb, key));
  if (bytes === null) return null;
  const path = manifestPath(verb, key);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new ManifestError(path, 'is no JSON');
  }
  const schema = (value as { schema?: unknown } | null)?.schema;
  if (typeof schema === 'number' && schema > ARTIFACT_SCHEMA)
    throw new ManifestError(path, `is of schema ${schema}, this release reads ${ARTIFACT_SCHEMA}: update it`);
  const parsed = Manifest.safeParse(value);
  if (!parsed.success)
    throw new ManifestError(
      path,
      `is no manifest: ${parsed.error.issues[0]?.path.join('.') ?? ''} ${parsed.error.issues[0]?.message ?? ''}`,
    );
  return parsed.data;
};

/**
 * Writes a manifest if none stands.
 * @returns the one that stands afterwards: the first writer's
 */
export const writeManifest = async (store: Store, manifest: Manifest): Promise<Manifest> => {
  const { stage } = manifest.content;
  const { key } = manifest.facts;
  if (await store.createExclusive(manifestPath(stage, key), `${JSON.stringify(manifest, null, 2)}\n`)) return manifest;
  const standing = await readManifest(store, stage, key);
  if (standing === null) throw new ManifestError(manifestPath(stage, key), 'was removed while it was written');
  return standing;
};
