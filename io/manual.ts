// npm's own manual as a web site, for the demo: the pages ship inside the npm package, so their addresses and
// bytes are the same on every machine, and the run still goes through real HTTP.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';

/** Any port of this name leads to the server below; `.localhost` never leaves the machine (RFC 6761). */
export const MANUAL_HOST = 'npm-manual.localhost';

export interface Manual {
  /** Starts the server on first use. @returns its port on 127.0.0.1 */
  port(): Promise<number>;
  close(): Promise<void>;
}

/** Folder of the manual in the installed npm. */
export const manualFolder = (): string => join(dirname(require.resolve('npm/package.json')), 'docs', 'output');

/** Addresses of all pages, sorted. */
export const manualUrls = async (folder = manualFolder()): Promise<string[]> => {
  const files = await readdir(folder, { recursive: true });
  return files
    .filter((file) => file.endsWith('.html'))
    .map((file) => `http://${MANUAL_HOST}/${file.split('\\').join('/')}`)
    .sort();
};

/** Only plain names inside the folder: nothing else of the disk can be asked for. */
const fileOf = (url: string | undefined): string | null => {
  const path = /^\/([\w-]+(?:\/[\w-]+)*\.html)(?:\?.*)?$/.exec(url ?? '')?.[1];
  return path ?? null;
};

const listen = async (folder: string): Promise<Server> => {
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const file = fileOf(request.url);
      const body = file === null ? null : await readFile(join(folder, file)).catch(() => null);
      if (body === null) return void response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
      // From the content alone: a reinstalled npm with other file times still answers 304.
      const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"`;
      if (request.headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end();
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': body.length, etag }).end(body);
    };
    void answer();
  });
  // The worker's life hangs neither on it nor on its idle connections.
  server.unref().on('connection', (socket) => socket.unref());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  return server;
};

/** @param folder where the pages lie; that of the installed npm by default */
export const createManual = (folder?: string): Manual => {
  let server: Promise<Server> | null = null;
  return {
    async port() {
      server ??= listen(folder ?? manualFolder());
      return ((await server).address() as AddressInfo).port;
    },
    async close() {
      const running = await server;
      running?.closeAllConnections();
      await new Promise<void>((resolve) => (running === null || running === undefined ? resolve() : running.close(() => resolve())));
      server = null;
    },
  };
};
