// Which Temporal server a command talks to: the one named by TEMPORAL_* or temporal.toml, else that of a live `up`.
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { Config } from '../io/config';
import { readUp } from '../io/up-file';
import { CommandFailed, UsageError } from './exit';

export interface Server {
  client: Client;
  connection: Connection;
  address: string;
  namespace: string;
  uiUrl: string | null;
  /** Ours: started by `retune up`, whose workers are on this machine. */
  own: boolean;
  close(): Promise<void>;
}

interface Named {
  address: string;
  namespace: string;
  uiUrl: string | null;
  own: boolean;
}

const CONNECT_WITHIN_MS = 10_000;

/** The server that the environment or temporal.toml names; null when neither does. */
export const namedServer = (): Named | null => {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const { address } = connectionOptions;
  return address === undefined ? null : { address, namespace: namespace ?? 'default', uiUrl: null, own: false };
};

/** @throws CommandFailed when it does not answer */
export const connectTo = async (named: Named): Promise<Server> => {
  const { connectionOptions } = loadClientConnectConfig();
  // A server of our own is plain on loopback; the profile's TLS and key belong to the named one.
  const options = named.own ? { address: named.address } : connectionOptions;
  const connection = await Connection.connect({ ...(options as { address: string }), connectTimeout: CONNECT_WITHIN_MS }).catch(
    (error: unknown) => {
      throw new CommandFailed(
        `the Temporal server ${named.address} does not answer: ${error instanceof Error ? error.message : String(error)}`,
      );
    },
  );
  const client = new Client({ connection, namespace: named.namespace });
  return { ...named, client, connection, close: async () => connection.close() };
};

/** The server that is there already, or null. */
export const findServer = async (config: Config): Promise<Server | null> => {
  const named = namedServer();
  if (named !== null) return connectTo(named);
  const up = await readUp(config.home);
  if (up === null || up.address === null) return null;
  return connectTo({ address: up.address, namespace: up.namespace, uiUrl: up.uiUrl, own: true });
};

/**
 * The server, for commands that make no sense without one.
 * @throws UsageError when nothing is running
 */
export const requireServer = async (config: Config): Promise<Server> => {
  const server = await findServer(config);
  if (server === null) throw new UsageError('nothing is running', 'npx retune up');
  return server;
};

/** The run's page in the UI. */
export const runUrl = (server: Pick<Named, 'uiUrl' | 'namespace'>, runId: string): string | null =>
  server.uiUrl === null
    ? null
    : `${server.uiUrl}/namespaces/${encodeURIComponent(server.namespace)}/workflows/${encodeURIComponent(runId)}`;
