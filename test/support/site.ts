// A web site on loopback whose pages misbehave as told, and which remembers every request.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

export interface PageSpec {
  status?: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** 'raw-deflate': deflate as some servers send it, without its zlib header. */
  encoding?: 'gzip' | 'br' | 'deflate' | 'raw-deflate' | 'nonsense';
  /** Before the headers. */
  delayMs?: number;
  /** Never answers, or sends its headers and half of its body and then nothing more. */
  hang?: 'headers' | 'body';
  /** The connection breaks in the middle of the body. */
  cut?: 'length' | 'chunked';
  etag?: string;
  lastModified?: string;
}

/** A page, or what to answer to its nth request (from 0). */
export type Route = PageSpec | ((count: number, request: IncomingMessage) => PageSpec);

export interface Visit {
  path: string;
  at: number;
  headers: IncomingMessage['headers'];
  /** 0 until the answer is complete. */
  status: number;
}

export interface Site {
  /** A name for tests to use with HttpOptions.own, so that private addresses stay refused for all others. */
  host: string;
  port: number;
  /** http://<host><path> */
  url: (path: string) => string;
  /** http://127.0.0.1:<port><path> */
  privateUrl: (path: string) => string;
  routes: Map<string, Route>;
  /** Adds to the routes. */
  serve: (routes: Record<string, Route>) => void;
  visits: Visit[];
  count: (path: string) => number;
  /** Requests in flight at once, at most, so far. */
  readonly peak: number;
  /** Made so far. */
  readonly connections: number;
  close(): Promise<void>;
}

const encode = {
  gzip: gzipSync,
  br: brotliCompressSync,
  deflate: deflateSync,
  'raw-deflate': deflateRawSync,
  nonsense: (body: Buffer) => body,
};

/** A small page of real prose. */
export const html = (title: string, text = `${title} is explained on this page. `.repeat(20)): string =>
  `<!doctype html><html><head><meta charset="utf-8"><title>${title}</title></head><body><main><h1>${title}</h1><p>${text}</p></main></body></html>`;

const answer = (page: PageSpec, request: IncomingMessage, response: ServerResponse): void => {
  const { status = 200, headers = {}, encoding, etag, lastModified } = page;
  const validators = { ...(etag === undefined ? {} : { etag }), ...(lastModified === undefined ? {} : { 'last-modified': lastModified }) };
  const same =
    (etag !== undefined && request.headers['if-none-match'] === etag) ||
    (etag === undefined && lastModified !== undefined && request.headers['if-modified-since'] === lastModified);
  if (status === 200 && same) return void response.writeHead(304, validators).end();
  const plain = typeof page.body === 'object' ? page.body : Buffer.from(page.body ?? '');
  const body = encoding === undefined ? plain : encode[encoding](plain);
  const sent =
    encoding === undefined
      ? {}
      : { 'content-encoding': encoding === 'raw-deflate' ? 'deflate' : encoding === 'nonsense' ? 'gzip' : encoding };
  const length = page.cut === 'chunked' ? {} : { 'content-length': String(body.length) };
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', ...length, ...sent, ...validators, ...headers });
  if (page.hang === 'body') return void response.write(body.subarray(0, body.length / 2));
  if (page.cut === undefined) return void response.end(body);
  response.write(body.subarray(0, body.length / 2), () => response.destroy());
};

/** Pages by path; a path without a route is 404, /robots.txt included. */
export const openSite = async (routes: Record<string, Route> = {}, host = 'site.test'): Promise<Site> => {
  const visits: Visit[] = [];
  const counts = new Map<string, number>();
  const table = new Map(Object.entries(routes));
  let open = 0;
  let peak = 0;
  let connections = 0;
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const visit: Visit = { path, at: Date.now(), headers: request.headers, status: 0 };
    visits.push(visit);
    peak = Math.max(peak, ++open);
    response.once('close', () => {
      open -= 1;
      visit.status = response.statusCode;
    });
    const count = counts.get(path) ?? 0;
    counts.set(path, count + 1);
    const route = table.get(path) ?? { status: 404, body: 'not found' };
    const page = typeof route === 'function' ? route(count, request) : route;
    if (page.hang === 'headers') return;
    if (page.delayMs === undefined) answer(page, request, response);
    else setTimeout(() => answer(page, request, response), page.delayMs);
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    host,
    port,
    url: (path) => `http://${host}${path}`,
    privateUrl: (path) => `http://127.0.0.1:${port}${path}`,
    routes: table,
    serve: (more) => {
      for (const [path, route] of Object.entries(more)) table.set(path, route);
    },
    visits,
    count: (path) => counts.get(path) ?? 0,
    get peak() {
      return peak;
    },
    get connections() {
      return connections;
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};
