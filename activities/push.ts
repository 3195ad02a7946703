// Pushes what was prepared: compares with the Hub's head and commits a difference, once, also when the answer to the
// commit was lost. No manifest skips it: only the Hub knows what it holds.
import { createHash } from 'node:crypto';
import type { CpuActivities, PushResult } from '../contracts/activities';
import { ARTIFACT_SCHEMA, type Manifest, type StageRef } from '../contracts/artifacts';
import { failure } from '../contracts/errors';
import { type Repository, REPOSITORY_KINDS } from '../contracts/hub';
import type { Config } from '../io/config';
import { type Hub, HubError, openHub } from '../io/hub';
import { stageFolder } from '../io/manifest';
import { runFolder } from '../io/runs';
import type { Store } from '../io/store';
import { commitMark, commitText, compare, findMarked, gitBlobId, LIST_FILE, type LocalFile, madeBefore, needBlobId } from '../lib/publish';
import { hubFailure } from './hub-failure';
import { type Pulse, withPulse } from './pulse';
import { manifestOf, requireStore } from './stage';

export interface PushDeps {
  store: Store;
  config: Pick<Config, 'hub' | 'publishNamespaces'>;
}

type PushTask = Parameters<CpuActivities['push']>[0];

/** Note of a commit about to be sent: a later attempt of the same execution asks the Hub whether it arrived. */
interface Intent {
  schema: typeof ARTIFACT_SCHEMA;
  repository: string;
  prepared: string;
  parent: string;
}

interface Pushed {
  outcome: 'pushed' | 'same';
  commit: string;
}

export const createPush = ({ store, config }: PushDeps): Pick<CpuActivities, 'push'> => ({
  async push(task) {
    requireStore(store, task.storeId);
    const wanted = REPOSITORY_KINDS.flatMap((kind): Repository[] => {
      const name = task.publish[kind];
      return name === null ? [] : [{ kind, name }];
    });
    if (wanted.length === 0) return none('publish.model and publish.dataset are not set: prepared locally, nothing pushed');
    if (config.hub.token === null) return none('no HF_TOKEN on the worker: prepared locally, nothing pushed');
    const hub = openHub({ token: config.hub.token.reveal(), url: config.hub.endpoint });
    return withPulse(async (pulse) => {
      try {
        await requireNamespaces(hub, config.publishNamespaces, wanted, pulse.signal);
        const manifest = await manifestOf(store, task.prepared);
        const result: PushResult = { outcome: 'same', reason: 'the Hub holds the same files already', commits: {} };
        for (const repository of wanted) {
          pulse.details({ text: `${repository.kind} repository ${repository.name}` });
          const { outcome, commit } = await pushRepository({ store, hub, task, manifest, repository, pulse });
          if (outcome === 'pushed') Object.assign(result, { outcome, reason: null });
          result.commits[repository.kind] = `${config.hub.endpoint}/${repository.kind === 'dataset' ? 'datasets/' : ''}${repository.name}`;
          result.commits[`${repository.kind}Commit`] = commit;
        }
        return result;
      } catch (error) {
        if (error instanceof HubError) throw hubFailure(error);
        throw error;
      }
    });
  },
});

const none = (reason: string): PushResult => ({ outcome: 'none', reason, commits: {} });

/** A token often may write to more than runs should: the operator's list decides, by default only its own user. */
const requireNamespaces = async (hub: Hub, allowed: string[] | null, wanted: Repository[], signal: AbortSignal): Promise<void> => {
  const namespaces = allowed ?? [(await hub.account(signal)).name];
  for (const { kind, name } of wanted) {
    const namespace = name.split('/')[0] ?? '';
    if (!namespaces.includes(namespace))
      throw failure(
        'HubDenied',
        `publish.${kind} is ${name}, but runs may publish only to ${namespaces.join(', ')}: add ${namespace} to RETUNE_PUBLISH_NAMESPACES on the worker, or name another repository`,
      );
  }
};

interface PushContext {
  store: Store;
  hub: Hub;
  task: PushTask;
  manifest: Manifest;
  repository: Repository;
  pulse: Pulse;
}

const pushRepository = async (context: PushContext): Promise<Pushed> => {
  const { store, hub, task, manifest, repository, pulse } = context;
  const { signal } = pulse;
  const prepared = manifest.outputDigest;
  const mark = commitMark(task.run.executionId, repository.name, prepared);
  const intentPath = `${runFolder(task.run)}/push-${repository.kind}.json`;

  const earlier = await readIntent(store, intentPath);
  if (earlier !== null && earlier.repository === repository.name && earlier.prepared === prepared) {
    const landed = await arrived(hub, repository, earlier.parent, mark, signal);
    if (landed !== null) return { outcome: 'pushed', commit: landed };
  }

  const parent = await headOf(hub, repository, task.publish.private, signal);
  const files = localFiles(manifest, repository.kind);
  const remote = await hub.files(repository, parent, signal);
  const need = new Set(needBlobId(files, remote));
  for (const file of files)
    if (need.has(file.path)) file.sha1 = gitBlobId((await store.read(storePath(manifest, repository, file.path))) ?? Buffer.alloc(0));
  const made = remote.some((file) => file.path === LIST_FILE) ? madeBefore(await hub.read(repository, parent, LIST_FILE, signal)) : [];
  const change = compare(files, remote, made);
  if (change.add.length === 0 && change.remove.length === 0) return { outcome: 'same', commit: parent };

  const add = new Map<string, string>();
  for (const path of change.add) {
    const file = files.find((one) => one.path === path);
    const inStore = storePath(manifest, repository, path);
    if (file !== undefined) await requireWhole(store, inStore, file.sha256, task.prepared, signal);
    add.set(path, await store.local(inStore));
  }
  const intent: Intent = { schema: ARTIFACT_SCHEMA, repository: repository.name, prepared, parent };
  await store.putFile(intentPath, JSON.stringify(intent));
  try {
    const text = commitText(repository.kind, mark, prepared, manifest.facts.inputs, change);
    return { outcome: 'pushed', commit: await hub.commit({ repository, ...text, parent, add, remove: change.remove }, signal) };
  } catch (error) {
    if (!(error instanceof HubError && error.code === 'UNAVAILABLE')) throw error;
    // The connection broke: the commit may have been made all the same.
    const landed = await arrived(hub, repository, parent, mark, signal);
    if (landed === null) throw error;
    return { outcome: 'pushed', commit: landed };
  }
};

/** The marked commit after `parent`, if the Hub has it; a repository that is gone has nothing. */
const arrived = async (hub: Hub, repository: Repository, parent: string, mark: string, signal: AbortSignal): Promise<string | null> => {
  try {
    return findMarked(await hub.commitsSince(repository, parent, signal), mark)?.id ?? null;
  } catch (error) {
    if (error instanceof HubError && error.code === 'NOT_FOUND') return null;
    throw error;
  }
};

const headOf = async (hub: Hub, repository: Repository, isPrivate: boolean, signal: AbortSignal): Promise<string> => {
  const head = await hub.head(repository, signal);
  if (head !== null) return head;
  await hub.create(repository, isPrivate ? 'private' : 'public', signal);
  const first = await hub.head(repository, signal);
  if (first === null)
    throw failure('RemoteUnavailable', `the Hub does not show ${repository.kind} repository ${repository.name} that was just made`);
  return first;
};

const readIntent = async (store: Store, path: string): Promise<Intent | null> => {
  const data = await store.read(path);
  return data === null ? null : (JSON.parse(data.toString('utf8')) as Intent);
};

/** The prepared files of one repository, by their path in it. */
const localFiles = (manifest: Manifest, kind: Repository['kind']): LocalFile[] =>
  [
    ...manifest.content.outputs.map((output) => ({ ...output, companion: false })),
    ...manifest.facts.sidecars.map((output) => ({ ...output, companion: true })),
  ]
    .filter(({ name }) => name.startsWith(`${kind}/`))
    .map(({ name, bytes, sha256, companion }) => ({ path: name.slice(kind.length + 1), bytes, sha256, sha1: null, companion }));

const storePath = (manifest: Manifest, repository: Repository, path: string): string =>
  `${stageFolder('publish', manifest.facts.key, manifest.facts.fence)}/${repository.kind}/${path}`;

/** Nothing is published that is not, byte for byte, what its manifest says. */
const requireWhole = async (store: Store, path: string, sha256: string, prepared: StageRef, signal: AbortSignal): Promise<void> => {
  const hash = createHash('sha256');
  for await (const chunk of await store.open(path)) {
    signal.throwIfAborted();
    hash.update(chunk as Buffer);
  }
  if (hash.digest('hex') === sha256) return;
  await store.remove(`publish/${prepared.key}/manifest.json`);
  throw failure(
    'ArtifactCorrupt',
    `${path} is not what its manifest says; nothing of it was pushed. Start the run again: it is prepared anew`,
  );
};
