// A stand-in for the Hugging Face Hub over real HTTP: the calls that @huggingface/hub and Python's huggingface_hub
// make to create, read and commit, with the Hub's own checks, and faults on request.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gitBlobId, type HubFile, HubRepository, isLfs, sha256, treeEntry } from './hub-repository';

export const HUB_TOKEN = 'hf_standInTokenOfTheTests';

/** What goes wrong, for the first `times` requests that match. */
export interface Fault {
  method: string;
  path: RegExp;
  times?: number;
  /** An answer instead of the real one, or a connection cut before or after the work is done, or a wait before it. */
  does: { status: number; headers?: Record<string, string>; error?: string } | 'cut-before' | 'cut-after' | { delayMs: number };
  /** Called when it strikes, before anything else. */
  strikes?: () => void;
}

export interface StandInOptions {
  user?: string;
  orgs?: string[];
  /** Entries a page of the tree and commits calls. */
  pageSize?: number;
  /** Bytes a part of a multipart LFS upload; undefined: one PUT. */
  partBytes?: number | undefined;
}

const PART_BYTES = 256 * 1024;

interface Reply {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Reply => ({ status, body, headers });
const refuse = (status: number, error: string, code?: string): Reply =>
  json({ error }, status, { 'x-error-message': error, ...(code === undefined ? {} : { 'x-error-code': code }) });

const readBody = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

/** False when the client went away first. */
const waited = async (request: IncomingMessage, ms: number): Promise<boolean> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), ms);
    request.socket.once('close', () => {
      clearTimeout(timer);
      resolve(false);
    });
  });

export class HubStandIn {
  readonly requests: string[] = [];
  readonly authorizations: (string | undefined)[] = [];
  /** The Range header of each request. */
  readonly ranges: (string | undefined)[] = [];
  /** Milliseconds between parts of 256 KiB of a download; 0: all at once. */
  partEveryMs = 0;
  private readonly repositories = new Map<string, HubRepository>();
  private readonly parts = new Map<string, Map<number, Buffer>>();
  private readonly faults: Fault[] = [];
  private readonly server: Server;

  private constructor(private readonly options: Required<Omit<StandInOptions, 'partBytes'>> & { partBytes: number | undefined }) {
    this.server = createServer((request, response) => {
      void this.serve(request, response).catch((error: unknown) => {
        if (!response.headersSent) response.writeHead(500);
        response.end(String(error));
      });
    });
  }

  static async start(options: StandInOptions = {}): Promise<HubStandIn> {
    const hub = new HubStandIn({ user: 'tester', orgs: ['team'], pageSize: 1000, ...options, partBytes: options.partBytes });
    await new Promise<void>((resolve) => hub.server.listen(0, '127.0.0.1', resolve));
    return hub;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  inject(fault: Fault): void {
    this.faults.push(fault);
  }

  repository(kind: 'model' | 'dataset', name: string): HubRepository {
    const found = this.repositories.get(`${kind}:${name}`);
    if (found === undefined) throw new Error(`no ${kind} repository ${name}`);
    return found;
  }

  has(kind: 'model' | 'dataset', name: string): boolean {
    return this.repositories.has(`${kind}:${name}`);
  }

  /** What somebody else does in the repository. */
  edit(kind: 'model' | 'dataset', name: string, path: string, content: string): void {
    const data = Buffer.from(content);
    this.repository(kind, name).commit(`Update ${path}`, '', [{ path, content: data, lfs: isLfs(path, data.length) }], []);
  }

  remove(kind: 'model' | 'dataset', name: string): void {
    this.repositories.delete(`${kind}:${name}`);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const line = `${request.method} ${url.pathname}`;
    this.requests.push(line);
    this.authorizations.push(request.headers.authorization);
    this.ranges.push(request.headers.range);
    const fault = this.faults.find((one) => one.method === request.method && one.path.test(url.pathname) && (one.times ?? 1) > 0);
    if (fault !== undefined) {
      fault.times = (fault.times ?? 1) - 1;
      fault.strikes?.();
    }
    const body = await readBody(request);
    const does = fault?.does;
    if (does === 'cut-before') return void request.socket.destroy();
    if (typeof does === 'object' && 'status' in does)
      return this.send(response, { ...refuse(does.status, does.error ?? 'injected'), headers: does.headers ?? {} });
    if (typeof does === 'object' && 'delayMs' in does && !(await waited(request, does.delayMs))) return;
    const reply = this.answer(request, url, body);
    if (does === 'cut-after') return void request.socket.destroy();
    this.send(response, reply);
  }

  private send(response: ServerResponse, reply: Reply): void {
    const raw = Buffer.isBuffer(reply.body);
    const data = raw ? (reply.body as Buffer) : reply.body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(reply.body));
    response.writeHead(reply.status, {
      'content-type': raw ? 'application/octet-stream' : 'application/json',
      'content-length': data.length,
      'x-request-id': 'stand-in',
      ...reply.headers,
    });
    if (response.req.method === 'HEAD') response.end();
    else if (raw && this.partEveryMs > 0) this.trickle(response, data);
    else response.end(data);
  }

  private trickle(response: ServerResponse, data: Buffer): void {
    if (response.destroyed || data.length === 0) return void response.end();
    response.write(data.subarray(0, PART_BYTES));
    setTimeout(() => this.trickle(response, data.subarray(PART_BYTES)), this.partEveryMs);
  }

  private answer(request: IncomingMessage, url: URL, body: Buffer): Reply {
    const path = decodeURIComponent(url.pathname);
    const stored = /^\/_lfs\/(model|dataset)\/([^/]+\/[^/]+)\/([0-9a-f]{64})(?:\/(\d+))?$/.exec(path);
    if (stored !== null) return this.store(request.method ?? '', stored, body); // presigned: no token
    if (request.headers.authorization !== `Bearer ${HUB_TOKEN}`) return refuse(401, 'Invalid username or password.');
    if (path === '/api/whoami-v2') return json(this.whoAmI());
    if (path === '/api/validate-yaml') return json({ errors: [], warnings: [] });
    if (path === '/api/repos/create') return this.create(JSON.parse(body.toString()) as Record<string, unknown>);
    const api = /^\/api\/(model|dataset)s\/([^/]+\/[^/]+)(?:\/(revision|tree|commits|preupload|commit)\/([^/]+)(?:\/(.+))?)?$/.exec(path);
    const batch = /^\/(datasets\/)?([^/]+\/[^/]+)\.git\/info\/lfs\/objects\/batch$/.exec(path);
    const resolve = /^\/(datasets\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const kind = api?.[1] ?? ((batch ?? resolve)?.[1] === undefined ? 'model' : 'dataset');
    const repository = this.repositories.get(`${kind}:${api?.[2] ?? batch?.[2] ?? resolve?.[2]}`);
    if (repository === undefined) return refuse(404, 'Repository not found', 'RepoNotFound');
    if (batch !== null) return this.batch(repository, JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] });
    if (resolve !== null) return this.resolve(repository, resolve[3] ?? '', resolve[4] ?? '', request.headers.range);
    if (api === null) return refuse(404, 'no such call');
    const at = repository.at(api[4] ?? 'main');
    if (at === undefined) return refuse(404, 'Invalid rev id', 'RevisionNotFound');
    switch (api[3]) {
      case undefined:
      case 'revision':
        return json({
          _id: '0',
          id: repository.name,
          private: repository.isPrivate,
          sha: at.id,
          downloads: 0,
          likes: 0,
          gated: false,
          lastModified: at.date,
          tags: [],
          siblings: [...at.tree.keys()].map((rfilename) => ({ rfilename })),
        });
      case 'tree':
        return this.page(url, [...at.tree.values()].map(treeEntry));
      case 'commits':
        return this.page(
          url,
          [...repository.commits].reverse().map((commit) => ({
            id: commit.id,
            title: commit.title,
            message: commit.message,
            date: commit.date,
            authors: [{ user: this.options.user, avatar: '' }],
          })),
        );
      case 'preupload':
        return json({
          commitOid: at.id,
          files: (JSON.parse(body.toString()) as { files: { path: string; size: number }[] }).files.map((file) => {
            const current = at.tree.get(file.path);
            return {
              path: file.path,
              uploadMode: isLfs(file.path, file.size) ? 'lfs' : 'regular',
              shouldIgnore: false,
              ...(current === undefined ? {} : { oid: current.lfs ? sha256(current.content) : gitBlobId(current.content) }),
            };
          }),
        });
      default:
        return this.commit(repository, body);
    }
  }

  private whoAmI(): unknown {
    const orgs = this.options.orgs.map((name) => ({ name, type: 'org', roleInOrg: 'admin' }));
    return {
      type: 'user',
      id: '0',
      name: this.options.user,
      orgs,
      auth: { type: 'access_token', accessToken: { displayName: 'tests', role: 'write', createdAt: '2026-01-01T00:00:00.000Z' } },
    };
  }

  private create(wanted: Record<string, unknown>): Reply {
    const kind = wanted['type'] === 'dataset' ? 'dataset' : 'model';
    const owner = (wanted['organization'] as string | undefined) ?? this.options.user;
    if (owner !== this.options.user && !this.options.orgs.includes(owner))
      return refuse(403, `You don't have the rights to create a ${kind} under the namespace "${owner}".`);
    const name = `${owner}/${wanted['name'] as string}`;
    if (this.has(kind, name)) return refuse(409, 'You already created this repo');
    this.repositories.set(
      `${kind}:${name}`,
      new HubRepository(kind, name, wanted['visibility'] === 'private' || wanted['private'] === true),
    );
    return json({ url: `${this.url}/${kind === 'dataset' ? 'datasets/' : ''}${name}`, id: name, name });
  }

  private page(url: URL, entries: unknown[]): Reply {
    const from = Number(url.searchParams.get('cursor') ?? 0);
    const next = from + this.options.pageSize;
    if (next >= entries.length) return json(entries.slice(from));
    const link = new URL(url);
    link.searchParams.set('cursor', String(next));
    return json(entries.slice(from, next), 200, { link: `<${link.href}>; rel="next"` });
  }

  private batch(repository: HubRepository, wanted: { objects: { oid: string; size: number }[] }): Reply {
    const { partBytes } = this.options;
    const objects = wanted.objects.map(({ oid, size }) => {
      if (repository.objects.has(oid)) return { oid, size };
      const href = `${this.url}/_lfs/${repository.kind}/${repository.name}/${oid}`;
      if (partBytes === undefined || size <= partBytes)
        return { oid, size, actions: { upload: { href: `${href}?X-Amz-Signature=presigned` } } };
      const parts = Array.from({ length: Math.ceil(size / partBytes) }, (_, index) => [
        String(index + 1).padStart(5, '0'),
        `${href}/${index + 1}?X-Amz-Signature=presigned`,
      ]);
      return {
        oid,
        size,
        actions: { upload: { href, header: { chunk_size: String(partBytes), ...(Object.fromEntries(parts) as Record<string, string>) } } },
      };
    });
    return json({ transfer: partBytes === undefined ? 'basic' : 'multipart', objects });
  }

  /** The bytes of LFS objects: PUT of a whole or of a part, POST to join the parts. */
  private store(method: string, [, kind, name, oid, part]: string[], body: Buffer): Reply {
    const repository = this.repository(kind as 'model' | 'dataset', name ?? '');
    if (method === 'PUT' && part !== undefined) {
      const parts = this.parts.get(oid ?? '') ?? new Map<number, Buffer>();
      this.parts.set(oid ?? '', parts.set(Number(part), body));
      return { status: 200, headers: { etag: `"${sha256(body).slice(0, 32)}"` } };
    }
    const parts = this.parts.get(oid ?? '') ?? new Map<number, Buffer>();
    const content = method === 'PUT' ? body : Buffer.concat([...parts.entries()].sort(([a], [b]) => a - b).map(([, data]) => data));
    if (sha256(content) !== oid) return refuse(400, 'the bytes do not hash to the oid');
    repository.objects.set(oid, content);
    return { status: 200 };
  }

  private resolve(repository: HubRepository, revision: string, path: string, range: string | undefined): Reply {
    const commit = repository.at(revision);
    const file = commit?.tree.get(path);
    if (commit === undefined) return refuse(404, 'Invalid rev id', 'RevisionNotFound');
    if (file === undefined) return refuse(404, 'Entry not found', 'EntryNotFound');
    const headers = {
      etag: `"${file.lfs ? sha256(file.content) : gitBlobId(file.content)}"`,
      'x-repo-commit': commit.id,
      'accept-ranges': 'bytes',
    };
    const asked = /^bytes=(\d+)-(\d*)$/.exec(range ?? '');
    if (asked === null) return { status: 200, body: file.content, headers };
    const from = Number(asked[1]);
    const to = Math.min(asked[2] === '' ? Infinity : Number(asked[2]), file.content.length - 1);
    return {
      status: 206,
      body: file.content.subarray(from, to + 1),
      headers: { ...headers, 'content-range': `bytes ${from}-${to}/${file.content.length}` },
    };
  }

  private commit(repository: HubRepository, body: Buffer): Reply {
    const lines = body
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { key: string; value: Record<string, string> });
    const header = lines.find((line) => line.key === 'header')?.value ?? {};
    if (header['parentCommit'] !== undefined && header['parentCommit'] !== repository.head.id)
      return refuse(412, 'A commit has happened since. Please refresh and try again.');
    const add: HubFile[] = [];
    for (const { key, value } of lines) {
      const path = value['path'] ?? '';
      if (key === 'file') add.push({ path, content: Buffer.from(value['content'] ?? '', 'base64'), lfs: false });
      if (key !== 'lfsFile') continue;
      const content = repository.objects.get(value['oid'] ?? '');
      if (content === undefined) return refuse(400, `LFS object of ${path} was not uploaded`);
      add.push({ path, content, lfs: true });
    }
    const remove = lines.filter((line) => line.key === 'deletedFile').map((line) => line.value['path'] ?? '');
    const missing = remove.find((path) => !repository.head.tree.has(path));
    if (missing !== undefined) return refuse(400, `cannot delete ${missing}: not there`);
    const commit = repository.commit(header['summary'] ?? '', header['description'] ?? '', add, remove);
    return json({ success: true, commitOid: commit.id, commitUrl: `${this.url}/${repository.name}/commit/${commit.id}`, hookOutput: '' });
  }
}
