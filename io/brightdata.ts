// The calls of Bright Data that we need, as they are: the Fetch API's batch (trigger, progress, snapshot, cancel,
// list) and the Web Unlocker for one URL. What an answer means is brightdata-error.ts; who may send now is `turns`.
import type { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import type { Dispatcher } from 'undici';
import { z } from 'zod';
import { BrightDataError, outerError, unlockError } from './brightdata-error';
import type { Turns } from './brightdata-turns';
import { readBody } from './http-body';
import { HttpError, transportError } from './http-error';
import type { Secret } from './secret';

/** Fetch API: one record for each URL, no zone needed. */
const DATASET = 'gd_m6gjtfmeh43we6cqc';
const ANSWER_BYTES = 1024 * 1024;

export interface CallOptions {
  /** Ends the call with the signal's own reason. */
  signal: AbortSignal;
  /** Until the answer is whole; for a snapshot until its headers, and between two pieces of it. */
  timeoutMs: number;
}

export interface SnapshotProgress {
  state: 'waiting' | 'ready' | 'ended';
  /** The provider's word; the set of words is open. */
  status: string;
  message: string;
}

export interface BrightDataClient {
  /** Starts a batch, which is paid for. @returns its snapshot id: there is no other handle */
  trigger(urls: readonly string[], options: CallOptions): Promise<string>;
  progress(id: string, options: CallOptions): Promise<SnapshotProgress>;
  /** The rows as NDJSON bytes, in no order; null while it is being built, which may be so even after `ready`. */
  snapshot(id: string, options: CallOptions): Promise<AsyncIterable<Uint8Array> | null>;
  /** Batches triggered since a time (ISO 8601), newest last. */
  snapshots(since: string, options: CallOptions): Promise<{ id: string; created: string }[]>;
  /** The addresses that a batch was triggered with. */
  inputs(id: string, options: CallOptions): Promise<string[]>;
  cancel(id: string, options: CallOptions): Promise<void>;
  /** The account's active zones; costs nothing. */
  zones(options: CallOptions): Promise<{ name: string; type: string }[]>;
  /** One page as Markdown. */
  page(wanted: { url: string; zone: string; maxBytes: number }, options: CallOptions): Promise<Buffer>;
  close(): Promise<void>;
}

const Triggered = z.object({ snapshot_id: z.string().min(1) });
const Progress = z.object({ status: z.string(), error_message: z.string().optional() });
const Snapshots = z.array(z.object({ id: z.string().min(1), created: z.string() }));
const Inputs = z.array(z.object({ url: z.string() }));
const Zones = z.array(z.object({ name: z.string(), type: z.string().default('') }));
const ENDED = new Set(['failed', 'error', 'cancelled', 'canceled']);

const isAsync = (response: Dispatcher.ResponseData): boolean => response.statusCode === 202;

/** @throws BrightDataError from every call, or the signal's reason; no error holds the token */
export const createBrightData = ({
  url: base,
  token,
  turns,
  now,
}: {
  url: string;
  token: Secret;
  turns: Turns;
  /** Wall clock in ms, for Retry-After dates. */
  now: () => number;
}): BrightDataClient => {
  const agent = new Agent({ pipelining: 1, connect: { timeout: 10_000 }, headersTimeout: 0, bodyTimeout: 0, maxHeaderSize: 64 * 1024 });
  const clean = (text: string): string => text.replaceAll(token.reveal(), '[secret]').replace(/\s+/g, ' ').trim().slice(0, 200);

  const send = async (path: string, body: unknown, signal: AbortSignal, bodyTimeout: number): Promise<Dispatcher.ResponseData> =>
    request(`${base}${path}`, {
      dispatcher: agent,
      signal,
      bodyTimeout,
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${token.reveal()}`,
        ...(body === undefined || body === null ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined || body === null ? {} : { body: JSON.stringify(body) }),
    });

  /** One call in its turn; `read` gets answers of 2xx and has `timeoutMs` for all that it awaits. */
  const call = async <T>(
    wanted: { path: string; body?: unknown; subject: string },
    { signal, timeoutMs }: CallOptions,
    read: (response: Dispatcher.ResponseData, header: (name: string) => string | undefined, signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const { subject } = wanted;
    const leave = await turns.take({ subject, holdMs: timeoutMs, signal });
    let limited: { retryAfterMs: number | null } | null = null;
    const controller = new AbortController();
    const stop = (): void => controller.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const timer = setTimeout(() => controller.abort(new Error('late')), timeoutMs);
    try {
      const response = await send(wanted.path, wanted.body, controller.signal, timeoutMs);
      const header = (name: string): string | undefined => {
        const value = response.headers[name];
        return Array.isArray(value) ? value[0] : value;
      };
      if (response.statusCode < 200 || response.statusCode > 299) {
        const text = await readBody(response.body as Readable, undefined, { url: subject, maxBytes: 4096, onTooLarge: 'cut' }).catch(() =>
          Buffer.alloc(0),
        );
        throw outerError({ status: response.statusCode, header, subject, now: now() }, clean(text.toString('utf8')));
      }
      return await read(response, header, controller.signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof BrightDataError) {
        if (error.details.status === 429 && error.code === 'rate_limited') limited = { retryAfterMs: error.retryAfterMs };
        throw error;
      }
      throw ownError(error, subject, controller.signal.aborted, timeoutMs);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      await leave(limited);
    }
  };

  const readJson = async <S extends z.ZodType>(response: Dispatcher.ResponseData, subject: string, schema: S): Promise<z.output<S>> => {
    const bytes = await readBody(response.body, undefined, { url: subject, maxBytes: 32 * ANSWER_BYTES });
    try {
      return schema.parse(JSON.parse(bytes.toString('utf8')));
    } catch {
      throw new BrightDataError(
        'bad_response',
        'transient',
        `${subject}: Bright Data's answer is not what its documents say: ${clean(bytes.toString('utf8'))}`,
        {
          url: subject,
          status: response.statusCode,
          billing: 'perhaps',
        },
      );
    }
  };

  const path = (id: string, rest = ''): string => `/datasets/v3/snapshot/${encodeURIComponent(id)}${rest}`;

  return {
    trigger: (urls, options) => {
      const subject = `a batch of ${urls.length} URLs`;
      const wanted = {
        path: `/datasets/v3/trigger?dataset_id=${DATASET}&include_errors=true`,
        body: urls.map((url) => ({ url })),
        subject,
      };
      return call(wanted, options, async (response) => (await readJson(response, subject, Triggered)).snapshot_id);
    },
    progress: (id, options) => {
      const subject = `snapshot ${id}`;
      return call({ path: `/datasets/v3/progress/${encodeURIComponent(id)}`, subject }, options, async (response) => {
        const { status, error_message: message = '' } = await readJson(response, subject, Progress);
        return { status, message: clean(message), state: status === 'ready' ? 'ready' : ENDED.has(status) ? 'ended' : 'waiting' };
      });
    },
    async snapshot(id, options) {
      const subject = `snapshot ${id}`;
      return call({ path: path(id, '?format=ndjson'), subject }, options, async (response) => {
        if (isAsync(response)) {
          await response.body.dump();
          return null;
        }
        return pieces(response.body, subject, options.signal);
      });
    },
    snapshots: (since, options) => {
      const subject = 'the list of snapshots';
      const query = new URLSearchParams({ dataset_id: DATASET, from_date: since, limit: '1000' });
      return call({ path: `/datasets/v3/snapshots?${query.toString()}`, subject }, options, async (response) => {
        const rows = await readJson(response, subject, Snapshots);
        return rows.sort((a, b) => (a.created < b.created ? -1 : 1));
      });
    },
    inputs: (id, options) => {
      const subject = `the input of snapshot ${id}`;
      return call({ path: path(id, '/input'), subject }, options, async (response) =>
        (await readJson(response, subject, Inputs)).map(({ url }) => url),
      );
    },
    cancel: (id, options) =>
      call({ path: path(id, '/cancel'), body: null, subject: `snapshot ${id}` }, options, async (response) => {
        await response.body.dump();
      }),
    zones: (options) => {
      const subject = 'the list of zones';
      return call({ path: '/zone/get_active_zones', subject }, options, async (response) => readJson(response, subject, Zones));
    },
    page: ({ url, zone, maxBytes }, options) =>
      call(
        { path: '/request', body: { zone, url, format: 'raw', data_format: 'markdown' }, subject: url },
        options,
        async (response, header) => {
          const failed = unlockError({ status: response.statusCode, header, subject: url, now: now() });
          if (failed !== null) {
            response.body.on('error', () => undefined).destroy();
            throw failed;
          }
          const body = await readBody(response.body, header('content-encoding'), { url, maxBytes });
          if (body.toString('utf8').trim() === '')
            throw new BrightDataError('empty_body', 'transient', `${url}: an empty page came`, {
              url,
              status: response.statusCode,
              billing: 'perhaps',
            });
          return body;
        },
      ),
    close: () => agent.destroy(),
  };
};

/** Errors below HTTP: of this way to Bright Data, so never the page's own. */
const ownError = (error: unknown, subject: string, late: boolean, timeoutMs: number): BrightDataError => {
  if (late)
    return new BrightDataError('timeout', 'transient', `${subject}: Bright Data did not answer within ${timeoutMs} ms`, {
      url: subject,
      billing: 'perhaps',
    });
  const known = transportError(error, subject);
  if (known.code === 'too_large')
    return new BrightDataError('too_large', 'target', known.message, { url: subject, billing: 'yes', cause: error });
  const unsent = known.code === 'connection_refused' || known.code === 'unknown_host';
  const kind = error instanceof HttpError ? known.kind : 'transient';
  return new BrightDataError(known.code, kind, `${subject}: the connection to Bright Data failed (${known.code})`, {
    url: subject,
    billing: unsent ? 'no' : 'perhaps',
    cause: error,
  });
};

async function* pieces(body: Readable, subject: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const stop = (): void => void body.destroy(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const piece of body as AsyncIterable<Uint8Array>) yield piece;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw ownError(error, subject, false, 0);
  } finally {
    signal.removeEventListener('abort', stop);
    body.destroy();
  }
}
