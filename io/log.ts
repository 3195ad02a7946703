// Logs to stderr: one readable line on a terminal, one JSON object a line elsewhere. Known secrets are cut out.
import type { DestinationStream, Logger } from 'pino';
import { destination, pino, stdTimeFunctions } from 'pino';
import type { Secret } from './secret';

export type Log = Logger;

const LEVELS: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };
const OUR_FIELDS = new Set(['level', 'time', 'pid', 'hostname', 'name', 'msg', 'err']);

/** A JSON log line as a person reads it: time, level, name, message, the other fields. */
export const readable = (line: string): string => {
  const record = JSON.parse(line) as Record<string, unknown> & { name?: string; msg?: string; err?: { stack?: string; message?: string } };
  const fields = Object.entries(record).filter(([name]) => !OUR_FIELDS.has(name));
  return [
    String(record['time']).slice(11, 19),
    (LEVELS[record['level'] as number] ?? String(record['level'])).padEnd(5),
    ...(record.name === undefined ? [] : [`${record.name}:`]),
    ...(record.msg === undefined ? [] : [record.msg]),
    ...fields.map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`),
    ...(record.err === undefined ? [] : [`\n${record.err.stack ?? record.err.message ?? ''}`]),
  ].join(' ');
};

/**
 * @param secrets values cut out of every line, wherever they stand, also percent-encoded
 * @param pretty null: when stderr is a terminal
 * @param stream where lines go; stderr by default, written at once so that a dying process loses none
 */
export const createLog = (options: {
  name: string;
  level?: string;
  secrets?: readonly (Secret | null)[];
  pretty?: boolean | null;
  stream?: DestinationStream;
}): Log => {
  const values = (options.secrets ?? [])
    .flatMap((secret) =>
      secret === null ? [] : [secret.reveal(), encodeURIComponent(secret.reveal()), JSON.stringify(secret.reveal()).slice(1, -1)],
    )
    .filter((value) => value.length >= 4);
  const pretty = options.pretty ?? process.stderr.isTTY;
  const clean = (line: string): string => {
    const cut = values.reduce((text, value) => text.replaceAll(value, '[secret]'), line);
    return pretty ? `${readable(cut)}\n` : cut;
  };
  return pino(
    {
      name: options.name,
      level: options.level ?? 'info',
      timestamp: stdTimeFunctions.isoTime,
      redact: { paths: ['authorization', 'token', '*.authorization', '*.token', 'headers.cookie', '*.headers.cookie'], censor: '[secret]' },
      hooks: { streamWrite: clean },
    },
    options.stream ?? destination({ dest: 2, sync: true }),
  );
};
