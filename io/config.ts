// The worker's environment, read once: with which accounts, where, on what. What to do is the input's part.
// The only reader of process.env. Every variable stands in VARIABLES or does not exist.
import { constants, existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { Secret } from './secret';

interface Variable {
  meaning: string;
  /** For people: what holds when it is unset. */
  default: string;
  secret: boolean;
  /** From a non-empty string. */
  schema: z.ZodType<unknown, string>;
}

const Text = z.string();
const Url = z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' }).transform((url) => url.replace(/\/+$/, ''));
const Token = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'has spaces or characters that an HTTP header cannot carry')
  .transform((value) => new Secret(value));
const Switch = z
  .enum(['1', '0', 'true', 'false', 'on', 'off', 'yes', 'no'], { error: 'must be on or off' })
  .transform((value) => ['1', 'true', 'on', 'yes'].includes(value));
const Names = z
  .string()
  .transform((list) =>
    list
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  )
  .pipe(z.array(z.string().regex(/^[\w.-]+$/, 'must be Hub users or organisations, separated by commas')).min(1, 'names nobody'));

const variable = <S extends z.ZodType<unknown, string>>(
  meaning: string,
  unset: string,
  schema: S,
  secret = false,
): Variable & { schema: S } => ({
  meaning,
  default: unset,
  secret,
  schema,
});

const VARIABLES = {
  RETUNE_HOME: variable('state folder: server database, models, store', '.retune in the checkout', Text),
  RETUNE_STORE: variable('artifact store: a folder, or s3://bucket/prefix in a later release', 'RETUNE_HOME/store', Text),
  RETUNE_PRESETS: variable('folder of input presets', 'examples in the checkout', Text),
  RETUNE_PYTHON: variable('Python that runs the trainer', 'native/.venv/bin/python in the checkout', Text),
  RETUNE_DEVICE: variable(
    'what a gpu worker computes on',
    'cuda; without a GPU such a worker does not start',
    z.enum(['cpu', 'cuda'], { error: 'must be cpu or cuda' }),
  ),
  RETUNE_QUEUE_PREFIX: variable(
    'put before every task queue name, so that two installations can share a server',
    'none',
    z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be letters, digits, dots, dashes and underscores'),
  ),
  RETUNE_FILES_ROOT: variable('folder below which an input may name local pages', 'unset: it may not', Text),
  RETUNE_ALLOW_PRIVATE_HOSTS: variable('lets `direct` fetch loopback and private addresses', 'off', Switch),
  RETUNE_PUBLISH_NAMESPACES: variable(
    'Hub users and organisations that runs may publish to, separated by commas',
    "the token's own user",
    Names,
  ),
  HF_TOKEN: variable('Hugging Face Hub token', 'unset: publish prepares and verifies the repositories locally', Token, true),
  HF_ENDPOINT: variable('Hub address', 'https://huggingface.co', Url),
  BRIGHTDATA_API_TOKEN: variable('Bright Data API token', 'unset: provider auto means direct', Token, true),
  BRIGHTDATA_API_URL: variable('Bright Data API address', 'https://api.brightdata.com', Url),
  BRIGHTDATA_ZONE: variable('Web Unlocker zone for single URLs', 'unset: none', z.string().regex(/^[\w-]+$/, 'must be the name of a zone')),
  RETUNE_LLM_URL: variable('OpenAI-compatible endpoint for pair.llm, up to /chat/completions', 'unset: pair.llm cannot be enabled', Url),
  RETUNE_LLM_MODEL: variable('model of that endpoint', 'unset: pair.llm cannot be enabled', Text),
  RETUNE_LLM_KEY: variable('key of that endpoint', 'unset: none is sent', Token, true),
  TEMPORAL_ADDRESS: variable(
    "Temporal server, host:port; Temporal's other client variables and temporal.toml hold too",
    'unset: a dev server of our own',
    Text,
  ),
  TEMPORAL_NAMESPACE: variable('Temporal namespace', 'default', Text),
  TEMPORAL_CLI_PATH: variable("Temporal's command line program", 'native/.venv/bin/temporal, then PATH', Text),
} satisfies Record<string, Variable>;

type Name = keyof typeof VARIABLES;
type Values = { [K in Name]: z.output<(typeof VARIABLES)[K]['schema']> | undefined };

/** For the README, .env.example and doctor. */
export const ENVIRONMENT: readonly { name: string; meaning: string; default: string; secret: boolean }[] = Object.entries(VARIABLES).map(
  ([name, { meaning, default: unset, secret }]) => ({ name, meaning, default: unset, secret }),
);

/** Bad configuration; the message names each variable and never holds a value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'CONFIG';
  constructor(readonly problems: { variable: string; problem: string }[]) {
    super(problems.map(({ variable: name, problem }) => `${name} ${problem}`).join('; '));
  }
}

export interface Config {
  /** The checkout: native/, examples/ and package.json lie here. */
  root: string;
  home: string;
  /** An absolute folder or a URL, for openStore. */
  store: string;
  presets: string;
  python: string;
  device: 'cpu' | 'cuda' | null;
  queuePrefix: string;
  filesRoot: string | null;
  allowPrivateHosts: boolean;
  /** Null: the token's own user. */
  publishNamespaces: string[] | null;
  hub: { endpoint: string; token: Secret | null };
  brightData: { url: string; token: Secret | null; zone: string | null };
  llm: { url: string | null; model: string | null; key: Secret | null };
  temporal: {
    /** Null: not named by the environment; temporal.toml may still do so. */
    address: string | null;
    namespace: string | null;
    /** Where its command line program is looked for, first to last; for findExecutable. */
    cli: string[];
  };
  /** RETUNE_ variables that mean nothing: typing errors, for doctor and the start-up log. */
  unknown: string[];
}

/** The folder of our package.json, from source or from dist/. */
const checkoutRoot = (): string => {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'native'))) return folder;
    if (folder === dirname(folder))
      throw new Error('retune must run inside its checkout: no package.json with native/ beside it was found');
  }
};

/**
 * Reads and checks the environment. An empty variable counts as unset; relative paths start at the current folder.
 * @throws ConfigError naming every bad variable
 */
export const readConfig = (env: NodeJS.ProcessEnv = process.env): Config => {
  const problems: { variable: string; problem: string }[] = [];
  const values = Object.fromEntries(
    Object.entries(VARIABLES).map(([name, { schema }]) => {
      const text = env[name]?.trim();
      if (text === undefined || text === '') return [name, undefined];
      const parsed = (schema as z.ZodType<unknown>).safeParse(text);
      if (!parsed.success) problems.push({ variable: name, problem: parsed.error.issues[0]?.message ?? 'is not valid' });
      return [name, parsed.data];
    }),
  ) as Values;
  if (problems.length > 0) throw new ConfigError(problems);

  const root = checkoutRoot();
  const path = (value: string | undefined, unset: string): string => (value === undefined ? unset : resolve(value));
  const home = path(values.RETUNE_HOME, join(root, '.retune'));
  const store = values.RETUNE_STORE ?? join(home, 'store');
  const searchPath = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return {
    root,
    home,
    store: /^[a-z][a-z0-9+.-]+:/i.test(store) ? store : resolve(store),
    presets: path(values.RETUNE_PRESETS, join(root, 'examples')),
    python: path(values.RETUNE_PYTHON, join(root, 'native/.venv/bin/python')),
    device: values.RETUNE_DEVICE ?? null,
    queuePrefix: values.RETUNE_QUEUE_PREFIX ?? '',
    filesRoot: values.RETUNE_FILES_ROOT === undefined ? null : resolve(values.RETUNE_FILES_ROOT),
    allowPrivateHosts: values.RETUNE_ALLOW_PRIVATE_HOSTS ?? false,
    publishNamespaces: values.RETUNE_PUBLISH_NAMESPACES ?? null,
    hub: { endpoint: values.HF_ENDPOINT ?? 'https://huggingface.co', token: values.HF_TOKEN ?? null },
    brightData: {
      url: values.BRIGHTDATA_API_URL ?? 'https://api.brightdata.com',
      token: values.BRIGHTDATA_API_TOKEN ?? null,
      zone: values.BRIGHTDATA_ZONE ?? null,
    },
    llm: { url: values.RETUNE_LLM_URL ?? null, model: values.RETUNE_LLM_MODEL ?? null, key: values.RETUNE_LLM_KEY ?? null },
    temporal: {
      address: values.TEMPORAL_ADDRESS ?? null,
      namespace: values.TEMPORAL_NAMESPACE ?? null,
      // Named by a person: that one or none.
      cli:
        values.TEMPORAL_CLI_PATH === undefined
          ? [join(root, 'native/.venv/bin/temporal'), ...searchPath.map((folder) => join(folder, 'temporal'))]
          : [resolve(values.TEMPORAL_CLI_PATH)],
    },
    unknown: Object.keys(env)
      .filter((name) => name.startsWith('RETUNE_') && !(name in VARIABLES))
      .sort(),
  };
};

/** The first of these files that can be run; null when none can. */
export const findExecutable = async (candidates: readonly string[]): Promise<string | null> => {
  for (const candidate of candidates)
    if (
      await access(candidate, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return candidate;
  return null;
};

/** What a Python child may see of our environment. No account; those are given by name where a command needs one. */
const CHILD_VARIABLES =
  /^(PATH|HOME|USER|LANG|LC_.*|TZ|TMPDIR|LD_LIBRARY_PATH|XDG_CACHE_HOME|VIRTUAL_ENV|PYTHON(DONTWRITEBYTECODE|PYCACHEPREFIX|HASHSEED)|(CUDA|NVIDIA|NCCL|OMP|MKL|OPENBLAS|KMP|TORCH|TORCHINDUCTOR|PYTORCH|TRITON)_.*|HF_(HOME|HUB_CACHE|HUB_OFFLINE|HUB_DISABLE_XET)|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE)$/;

/** The environment of a Python child: a fixed list of names, and OpenMP threads that do not spin while they wait. */
export const childEnvironment = (env: NodeJS.ProcessEnv = process.env): Record<string, string> => ({
  // On few cores spinning threads starve each other and everybody else: 2 to 10 times slower steps.
  OMP_WAIT_POLICY: 'PASSIVE',
  ...Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && CHILD_VARIABLES.test(entry[0])),
  ),
  PYTHONUNBUFFERED: '1',
});

/** Everything, for our own worker processes: they read their configuration from it. */
export const workerEnvironment = (env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv => ({ ...env });

/** For foreign programs: neither our accounts nor settings that name another server. */
export const bareEnvironment = (env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv =>
  Object.fromEntries(
    ['PATH', 'HOME', 'USER', 'LANG', 'TZ', 'TMPDIR', 'XDG_CONFIG_HOME'].flatMap((name) =>
      env[name] === undefined ? [] : [[name, env[name]]],
    ),
  );

/** What a terminal is said to be able to do (terminfo, no-color.org). */
export const terminalSettings = (env: NodeJS.ProcessEnv = process.env): { redraws: boolean; colours: boolean } => {
  const redraws = env['TERM'] !== 'dumb';
  return { redraws, colours: redraws && (env['NO_COLOR'] ?? '') === '' };
};
