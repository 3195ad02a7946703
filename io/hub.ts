// The Hugging Face Hub as publishing needs it: read the head and its files, make a repository, one locked commit.
// The client never retries: what was uploaded is skipped by its hash, so doing the call again is the resume.
import { pathToFileURL } from 'node:url';
import { commit, createRepo, datasetInfo, downloadFile, HubApiError, listCommits, listFiles, modelInfo, whoAmI } from '@huggingface/hub';
import type { HubFile, Repository } from '../contracts/hub';

export interface HubCommitRequest {
  repository: Repository;
  title: string;
  description: string;
  /** The head that was compared with: any other one refuses the commit (CONFLICT). */
  parent: string;
  /** Path in the repository to local file. */
  add: ReadonlyMap<string, string>;
  remove: readonly string[];
}

/**
 * DENIED: token or rights. NOT_FOUND: no such repository for this token. CONFLICT: the head has moved.
 * UNAVAILABLE: network, rate limit or 5xx; after a commit its outcome is unknown. REFUSED: any other no.
 */
export type HubErrorCode = 'DENIED' | 'NOT_FOUND' | 'CONFLICT' | 'UNAVAILABLE' | 'REFUSED';

export class HubError extends Error {
  override readonly name = 'HubError';

  constructor(
    readonly code: HubErrorCode,
    message: string,
    readonly status: number | null = null,
    /** The Hub's own wish, from Retry-After. */
    readonly retryAfterMs: number | null = null,
  ) {
    super(message);
  }
}

export interface Hub {
  /** The token's user, with the organisations it belongs to. */
  account(signal?: AbortSignal): Promise<{ name: string; organizations: string[] }>;
  /** Newest commit of main; null: no such repository. */
  head(repository: Repository, signal?: AbortSignal): Promise<string | null>;
  /** Every file of a commit, sorted by path. */
  files(repository: Repository, revision: string, signal?: AbortSignal): Promise<HubFile[]>;
  /** A small file's text; null: not there. */
  read(repository: Repository, revision: string, path: string, signal?: AbortSignal): Promise<string | null>;
  /** Makes the repository; one that is there already is left as it is. */
  create(repository: Repository, visibility: 'private' | 'public', signal?: AbortSignal): Promise<void>;
  /** @returns the new commit */
  commit(request: HubCommitRequest, signal?: AbortSignal): Promise<string>;
  /** Titles of the commits after `ancestor`, newest first. */
  commitsSince(repository: Repository, ancestor: string, signal?: AbortSignal): Promise<{ id: string; title: string }[]>;
}

export interface HubOptions {
  token: string;
  /** HF_ENDPOINT; undefined: the Hub itself. */
  url?: string;
  fetch?: typeof fetch;
}

/** Seconds or an HTTP date; only a sane wish (at most an hour) is passed on. */
const retryAfterMs = (header: string | null, now: number): number | null => {
  if (header === null || header.trim() === '') return null;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) && ms >= 0 && ms <= 3_600_000 ? ms : null;
};

const codeOf = (status: number): HubErrorCode => {
  if (status === 401 || status === 403) return 'DENIED';
  if (status === 404) return 'NOT_FOUND';
  if (status === 409 || status === 412) return 'CONFLICT';
  return status === 408 || status === 429 || status >= 500 ? 'UNAVAILABLE' : 'REFUSED';
};

/** Opens the Hub with one account. Nothing is asked until the first call. */
export const openHub = ({ token, url, fetch: send = fetch }: HubOptions): Hub => {
  const hubUrl = url?.replace(/\/+$/, '') ?? 'https://huggingface.co';
  // Presigned upload addresses carry a signature in their query.
  const tidy = (text: string): string => text.replaceAll(token, '[secret]').replace(/(https?:\/\/[^\s?]+)\?[^\s"']*/g, '$1');

  /** Runs one call of the client: with the signal on every request, and every error as a HubError. */
  const call = async <T>(
    what: string,
    signal: AbortSignal | undefined,
    act: (client: { accessToken: string; hubUrl: string; fetch: typeof fetch }) => Promise<T>,
  ): Promise<T> => {
    let wait: string | null = null;
    const watched: typeof fetch = async (input, init) => {
      const signals = [signal, init?.signal].filter((one): one is AbortSignal => one != null);
      const response = await send(input, signals.length === 0 ? init : { ...init, signal: AbortSignal.any(signals) });
      if (!response.ok) wait = response.headers.get('retry-after');
      return response;
    };
    try {
      signal?.throwIfAborted();
      return await act({ accessToken: token, hubUrl, fetch: watched });
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      if (error instanceof HubApiError)
        throw new HubError(
          codeOf(error.statusCode),
          tidy(`${what}: ${error.message} (HTTP ${error.statusCode})`),
          error.statusCode,
          retryAfterMs(wait, Date.now()),
        );
      const text = error instanceof Error ? error.message : String(error);
      if (text.includes("must start with 'hf_'"))
        throw new HubError('DENIED', `${what}: the token does not look like one of the Hub (hf_...)`);
      const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
      throw new HubError('UNAVAILABLE', tidy(`${what}: ${text}${cause}`));
    }
  };

  const designation = ({ kind, name }: Repository): { type: 'model' | 'dataset'; name: string } => ({ type: kind, name });
  const label = ({ kind, name }: Repository): string => `${kind} repository ${name} on ${hubUrl}`;

  return {
    account: async (signal) => {
      const who = await call(`who am I on ${hubUrl}`, signal, whoAmI);
      return { name: who.name, organizations: 'orgs' in who ? who.orgs.map((org) => org.name) : [] };
    },

    head: async (repository, signal) => {
      try {
        return await call(`read the head of ${label(repository)}`, signal, async (client) => {
          const request = { ...client, name: repository.name, revision: 'main', additionalFields: ['sha'] as 'sha'[] };
          const { sha } = repository.kind === 'model' ? await modelInfo(request) : await datasetInfo(request);
          return sha;
        });
      } catch (error) {
        if (error instanceof HubError && error.code === 'NOT_FOUND') return null;
        throw error;
      }
    },

    files: async (repository, revision, signal) => {
      const files = await call(`list ${label(repository)}`, signal, async (client) => {
        const found: HubFile[] = [];
        for await (const entry of listFiles({ ...client, repo: designation(repository), revision, recursive: true })) {
          if (entry.type !== 'file') continue;
          found.push({
            path: entry.path,
            bytes: entry.size,
            sha1: entry.lfs === undefined ? (entry.oid ?? null) : null,
            sha256: entry.lfs?.oid ?? null,
          });
        }
        return found;
      });
      return files.sort((a, b) => (a.path < b.path ? -1 : 1));
    },

    read: async (repository, revision, path, signal) =>
      call(`read ${path} of ${label(repository)}`, signal, async (client) => {
        const file = await downloadFile({ ...client, repo: designation(repository), revision, path });
        return file === null ? null : file.text();
      }),

    create: async (repository, visibility, signal) => {
      try {
        await call(`create ${label(repository)}`, signal, async (client) =>
          createRepo({ ...client, repo: designation(repository), visibility }),
        );
      } catch (error) {
        if (!(error instanceof HubError && error.status === 409)) throw error;
      }
    },

    commit: async ({ repository, title, description, parent, add, remove }, signal) =>
      call(`commit to ${label(repository)}`, signal, async (client) => {
        const done = await commit({
          ...client,
          repo: designation(repository),
          title,
          description,
          parentCommit: parent,
          // Xet uploads of client 2.17.5 do not take the abort signal.
          useXet: false,
          ...(signal === undefined ? {} : { abortSignal: signal }),
          operations: [
            ...remove.map((path) => ({ operation: 'delete' as const, path })),
            ...[...add].map(([path, file]) => ({ operation: 'addOrUpdate' as const, path, content: pathToFileURL(file) })),
          ],
        });
        if (done === undefined) throw new Error('the Hub answered without a commit');
        return done.commit.oid;
      }),

    commitsSince: async (repository, ancestor, signal) =>
      call(`list the commits of ${label(repository)}`, signal, async (client) => {
        const newer: { id: string; title: string }[] = [];
        for await (const one of listCommits({ ...client, repo: designation(repository), revision: 'main' })) {
          if (one.oid === ancestor) break;
          newer.push({ id: one.oid, title: one.title });
        }
        return newer;
      }),
  };
};
