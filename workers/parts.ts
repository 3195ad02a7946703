// What a worker is put together from: read once at its start.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger as Pino } from 'pino';
import { type Clock, systemClock } from '../io/clock';
import type { Config } from '../io/config';
import type { Store } from '../io/store';
import type { RunTrainer } from '../io/trainer';

export interface Parts {
  config: Config;
  store: Store;
  clock: Clock;
  log: Pino;
  host: string;
  runTrainer: RunTrainer;
}

/** Host name without its domain, in characters that a queue name may have. */
export const hostName = (): string => (hostname().split('.')[0] ?? 'host').toLowerCase().replace(/[^a-z0-9-]/g, '-');

const retuneVersion = (JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')) as { version: string }).version;

/** For manifests' facts. */
export const versions = (): Record<string, string> => ({
  retune: retuneVersion,
  node: process.version,
  unicode: process.versions['unicode'] ?? '',
});

export { systemClock };
