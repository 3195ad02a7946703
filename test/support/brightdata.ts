// A stand-in for Bright Data on loopback: its contract as facts and documents tell it, faults as a test orders them,
// and a bill, so that a test can prove that nothing is paid for twice.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of a page: text, or the reason why it cannot be had. */
export type Fate =
  | { markdown: string; html?: string }
  /** Batch: an error row. Unlocker: 200, an empty body and these headers. */
  | { error: string; text?: string; status?: number; old?: boolean }
  /** The page's own status and text, passed through: billed. */
  | { own: number; body?: string }
  | 'empty';

/** One answer that comes instead of the right one. */
export interface Fault {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  delayMs?: number;
  /** The right answer, broken off in its middle. */
  cut?: boolean;
  /** Does the work and then breaks the connection: the caller cannot know. */
  lost?: boolean;
}

export type Endpoint = 'trigger' | 'progress' | 'snapshot' | 'input' | 'snapshots' | 'cancel' | 'request' | 'zones';

interface Snapshot {
  id: string;
  created: string;
  urls: string[];
  /** Answers of progress still to come; the last one stays. */
  words: string[];
  building: number;
  billed: boolean;
  /** include_errors of its trigger: without it a record that failed has no row. */
  errors: boolean;
}

export interface Call {
  endpoint: Endpoint | 'unknown';
  url: string | null;
  status: number;
  at: number;
}

/** The Fetch API's, from Bright Data's documents. */
const DATASET = 'gd_m6gjtfmeh43we6cqc';
export const TOKEN = 'brd-token-that-must-not-be-seen';
export const ZONE = 'unlocker_test';

export class BrightDataStandIn {
  url = '';
  readonly pages = new Map<string, Fate>();
  /** Other fates in a batch than alone; null: no row at all. */
  readonly inBatch = new Map<string, Fate | null>();
  /** Used up in order. */
  readonly faults = new Map<Endpoint, Fault[]>();
  readonly calls: Call[] = [];
  /** Times that each page was billed. */
  readonly billed = new Map<string, number>();
  readonly snapshots = new Map<string, Snapshot>();
  readonly cancelled: string[] = [];
  latencyMs = 0;
  words = ['starting', 'running', 'ready'];
  /** Answers of 202 after progress has said ready. */
  building = 0;
  shuffle = true;
  /** How a row repeats the address that it was asked for. */
  echo = (url: string): string => url;
  /** Rows of a snapshot beside the right ones, before and after them. */
  before: object[] = [];
  after: object[] = [];
  /** More at once get 429 with this header; null: without. */
  limit: { atOnce: number; retryAfter: number | null } | null = null;
  zones = [{ name: ZONE, type: 'unblocker' }];
  peak = 0;
  /** Bytes of right answers. */
  sent = 0;
  /** A request may have been sent before the 429 had arrived, or before another worker had heard of it from the store. */
  onItsWayMs = 100;
  /** Requests that came before the named time although the 429 had had time to arrive. */
  early = 0;
  private active = 0;
  private quietUntil = 0;
  private readonly refusals: number[] = [];
  private readonly server = createServer((request, response) => void this.answer(request, response));

  static async open(): Promise<BrightDataStandIn> {
    const standIn = new BrightDataStandIn();
    await new Promise<void>((resolve) => standIn.server.listen(0, '127.0.0.1', resolve));
    standIn.url = `http://127.0.0.1:${(standIn.server.address() as AddressInfo).port}`;
    return standIn;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  fail(endpoint: Endpoint, ...faults: Fault[]): void {
    this.faults.set(endpoint, [...(this.faults.get(endpoint) ?? []), ...faults]);
  }

  count(endpoint: Call['endpoint'], url?: string): number {
    return this.calls.filter((call) => call.endpoint === endpoint && (url === undefined || call.url === url)).length;
  }

  /** [records billed, pages billed more than once] */
  get bill(): [number, number] {
    const times = [...this.billed.values()];
    return [times.reduce((sum, one) => sum + one, 0), times.filter((one) => one > 1).length];
  }

  private charge(url: string): void {
    this.billed.set(url, (this.billed.get(url) ?? 0) + 1);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = Date.now();
    const body = await text(request);
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    const [, snapshotId, rest] = /^\/datasets\/v3\/snapshot\/([^/]+)(\/input|\/cancel)?$/.exec(pathname) ?? [];
    const progressId = /^\/datasets\/v3\/progress\/([^/]+)$/.exec(pathname)?.[1];
    const endpoint = endpointOf(pathname, snapshotId, rest, progressId);
    const wanted = endpoint === 'request' ? ((JSON.parse(body) as { url?: string }).url ?? null) : null;
    const call: Call = { endpoint, url: wanted, status: 0, at };
    this.calls.push(call);
    response.on('finish', () => (call.status = response.statusCode));
    this.active += 1;
    this.peak = Math.max(this.peak, this.active);
    try {
      if (this.refused(request, response, at)) return;
      const fault = endpoint === 'unknown' ? undefined : this.faults.get(endpoint)?.shift();
      await new Promise((resolve) => setTimeout(resolve, fault?.delayMs ?? this.latencyMs).unref());
      if (fault?.status !== undefined || fault?.headers !== undefined) {
        if (fault.status === 429) this.refuse(fault.headers?.['retry-after'] ?? null);
        return void response.writeHead(fault.status ?? 200, fault.headers ?? {}).end(fault.body ?? '');
      }
      const sent = this.right(endpoint, snapshotId ?? progressId ?? '', body, searchParams);
      if (fault?.lost === true) return void response.destroy();
      const bytes = Buffer.from(sent.body);
      this.sent += bytes.length;
      response.writeHead(sent.status, { ...sent.headers, 'content-length': String(bytes.length) });
      if (fault?.cut !== true) return void response.end(bytes);
      response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
    } finally {
      this.active -= 1;
    }
  }

  private refuse(retryAfter: string | null): void {
    this.refusals.push(Date.now());
    this.quietUntil = Math.max(this.quietUntil, Date.now() + Number(retryAfter ?? '0') * 1000);
  }

  /** Before any work: the block, the token, the rate. */
  private refused(request: IncomingMessage, response: ServerResponse, at: number): boolean {
    if (this.refusals.filter((time) => time > at - 300_000).length >= 25)
      return Boolean(response.writeHead(403).end('Your IP is blocked, contact support'));
    const lastRefusal = this.refusals.at(-1) ?? Infinity;
    if (at < this.quietUntil && at > lastRefusal + this.onItsWayMs) this.early += 1;
    if (request.headers.authorization !== `Bearer ${TOKEN}`)
      return Boolean(response.writeHead(401).end(`Invalid token ${request.headers.authorization ?? ''}`));
    if (this.limit === null || this.active <= this.limit.atOnce) return false;
    const { retryAfter } = this.limit;
    this.refuse(retryAfter === null ? null : String(retryAfter));
    return Boolean(response.writeHead(429, retryAfter === null ? {} : { 'retry-after': String(retryAfter) }).end('Too many requests'));
  }

  private right(
    endpoint: Call['endpoint'],
    id: string,
    body: string,
    query: URLSearchParams,
  ): { status: number; headers?: Record<string, string>; body: string } {
    const json = (value: unknown, status = 200) => ({
      status,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(value),
    });
    if (endpoint === 'zones') return json(this.zones);
    if (endpoint === 'snapshots')
      return json([...this.snapshots.values()].map(({ id: one, created }) => ({ id: one, created, status: 'running' })));
    if (endpoint === 'trigger') {
      if (query.get('dataset_id') !== DATASET) return { status: 400, body: 'dataset_id is required' };
      const urls = (JSON.parse(body) as { url: string }[]).map(({ url }) => url);
      const made = {
        id: `s_${this.snapshots.size + 1}`,
        created: new Date().toISOString(),
        urls,
        words: [...this.words],
        building: this.building,
        billed: false,
        errors: query.get('include_errors') === 'true',
      };
      this.snapshots.set(made.id, made);
      return json({ snapshot_id: made.id });
    }
    if (endpoint === 'request') return this.unlock(JSON.parse(body) as { url: string; zone: string });
    const snapshot = this.snapshots.get(id);
    if (snapshot === undefined || endpoint === 'unknown') return { status: 404, body: 'Snapshot not found' };
    if (endpoint === 'input') return json(snapshot.urls.map((url) => ({ url: this.echo(url) })));
    if (endpoint === 'cancel') {
      this.cancelled.push(id);
      snapshot.words = ['cancelled'];
      return { status: 200, body: 'OK' };
    }
    const word = snapshot.words.length > 1 && endpoint === 'progress' ? snapshot.words.shift() : snapshot.words[0];
    if (word === 'ready' && !snapshot.billed) {
      snapshot.billed = true;
      for (const url of snapshot.urls) if (isPage(this.batchFate(url))) this.charge(url);
    }
    if (endpoint === 'progress')
      return json({ snapshot_id: id, dataset_id: 'gd', status: word, ...(word === 'failed' ? { error_message: 'crawl failed' } : {}) });
    if (word !== 'ready' || snapshot.building-- > 0)
      return json({ status: 'building', message: 'Snapshot is building, try again in 10s' }, 202);
    return {
      status: 200,
      headers: { 'content-type': 'application/x-ndjson' },
      body: this.rows(snapshot, query.get('format') === 'ndjson'),
    };
  }

  private batchFate(url: string): Fate | null {
    const other = this.inBatch.get(url);
    return other === undefined ? (this.pages.get(url) ?? { error: 'dead_page' }) : other;
  }

  private rows({ urls, errors }: Snapshot, lines: boolean): string {
    const order = this.shuffle ? [...urls].reverse() : urls;
    const right = order.flatMap((url): object[] => {
      const fate = this.batchFate(url);
      if (fate === null || (!errors && typeof fate === 'object' && !isPage(fate))) return [];
      const about = { input: { url: this.echo(url) }, timestamp: '2026-11-24T03:00:00.000Z' };
      if (fate === 'empty') return [{ ...about, markdown: '' }];
      if ('error' in fate) return [{ ...about, error: fate.text ?? 'not had', error_code: fate.error }];
      if ('own' in fate) return [{ ...about, error: `status ${fate.own}`, error_code: 'http_status' }];
      return [{ ...about, url, markdown: fate.markdown, ...(fate.html === undefined ? {} : { page_html: fate.html }) }];
    });
    const rows = [...this.before, ...right, ...this.after];
    return lines ? rows.map((row) => `${JSON.stringify(row)}\n`).join('') : JSON.stringify(rows);
  }

  private unlock({ url, zone }: { url: string; zone: string }): { status: number; headers?: Record<string, string>; body: string } {
    if (!this.zones.some(({ name }) => name === zone)) return { status: 400, body: `zone "${zone}" not found` };
    const fate = this.pages.get(url) ?? { error: 'http_status', text: 'response status was rejected: 404 status code', status: 502 };
    if (fate === 'empty') return { status: 200, headers: { 'x-brd-status-code': '200' }, body: '' };
    if ('error' in fate) {
      const { error, text: said = 'not unlocked', status = 502, old = false } = fate;
      const headers: Record<string, string> = old
        ? { 'x-luminati-error': said, 'x-luminati-error-code': error }
        : /^(?:policy|client)_/.test(error)
          ? { 'x-brd-err-msg': said, 'x-brd-err-code': error, 'x-brd-status-code': String(status) }
          : { 'x-brd-error': said, 'x-brd-error-code': error, 'x-brd-status-code': String(status) };
      return { status: 200, headers, body: '' };
    }
    // A transfer that breaks is on the bill all the same.
    this.charge(url);
    if ('own' in fate) return { status: 200, headers: { 'x-brd-status-code': String(fate.own) }, body: fate.body ?? 'Not found' };
    return { status: 200, headers: { 'x-brd-status-code': '200', 'content-type': 'text/markdown' }, body: fate.markdown };
  }
}

const isPage = (fate: Fate | null): boolean => fate !== null && typeof fate === 'object' && 'markdown' in fate;

const text = async (request: IncomingMessage): Promise<string> => {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
};

const endpointOf = (pathname: string, snapshotId?: string, rest?: string, progressId?: string): Call['endpoint'] => {
  if (progressId !== undefined) return 'progress';
  if (snapshotId !== undefined) return rest === '/input' ? 'input' : rest === '/cancel' ? 'cancel' : 'snapshot';
  const names: Record<string, Endpoint> = {
    '/datasets/v3/trigger': 'trigger',
    '/datasets/v3/snapshots': 'snapshots',
    '/request': 'request',
    '/zone/get_active_zones': 'zones',
  };
  return names[pathname] ?? 'unknown';
};
