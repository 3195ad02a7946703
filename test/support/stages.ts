// Finished stages up to convert, as small as they can be, for what comes after them.
import type { StageRef, Verb } from '../../contracts/artifacts';
import { PipelineInput } from '../../contracts/input';
import type { Example, Split } from '../../contracts/records';
import { stageFolder, writeManifest } from '../../io/manifest';
import { createPageShelf } from '../../io/page-shelf';
import type { Store } from '../../io/store';
import type { Evaluation } from '../../lib/evaluate';
import { digest, sha256 } from '../../lib/hash';
import { sealManifest } from '../../lib/manifest';

export interface StagesOptions {
  formats?: readonly ('adapter' | 'merged')[];
  fetchedAt?: string;
  proof?: string;
  /** Leave files that are there as they are. */
  keep?: boolean;
}

/** The pages that the examples come from, sorted by URL. */
export const PAGES = ['commands/a.html', 'commands/b.html'].map((path) => ({ url: `https://docs.example.org/${path}`, id: sha256(path) }));

const input = PipelineInput.parse({});

const LOSSES = [3, 2.75, 2.5]
  .map((loss, at) => `${JSON.stringify({ step: at + 1, loss, lr: 1e-4, gradNorm: 1, tokens: 10, supervisedTokens: 4 })}\n`)
  .join('');

/** evaluation.json of a model whose held-out set was too small to compare. */
const evaluation: Omit<Evaluation, 'answers'> & { schema: number; answers: { question: string; base: string; tuned: string }[] } = {
  schema: 1,
  base: null,
  last: null,
  skippedForLast: 0,
  general: null,
  health: null,
  answers: [{ question: 'What is new?', base: 'base says this', tuned: 'tuned says that' }],
  verdict: { decision: 'pass', rules: [{ rule: 'enough_examples', outcome: 'pass', text: '1 test example' }] },
};

const example = (page: (typeof PAGES)[number], number: number, split: Split): Example => ({
  schema: 1,
  id: sha256(`${page.id} ${number}`),
  split,
  messages: [
    { role: 'user', content: `What is option ${number}?` },
    { role: 'assistant', content: `Option ${number} is explained.` },
  ],
  prompt: [{ role: 'user', content: `What is option ${number}?` }],
  completion: [{ role: 'assistant', content: `Option ${number} is explained.` }],
  kind: 'heading',
  url: page.url,
  anchor: null,
  path: ['Options'],
  pageId: page.id,
  pairId: sha256(`pair ${page.id} ${number}`),
  documentSha256: sha256(`document ${page.id}`),
});

/** Writes a stage with these files; `facts` go into its manifest. */
const finish = async (
  store: Store,
  verb: Verb,
  files: Record<string, string>,
  {
    sidecars = {},
    metrics = {},
    counts = {},
    config = {},
    keep = false,
  }: { sidecars?: Record<string, string>; metrics?: object; counts?: Record<string, number>; config?: object; keep?: boolean } = {},
): Promise<StageRef> => {
  const key = digest({ verb });
  const put = async (all: Record<string, string>) =>
    Promise.all(
      Object.entries(all).map(async ([name, text]) => {
        const path = `${stageFolder(verb, key, 1)}/${name}`;
        if (!keep || (await store.stat(path)) === null) await store.putFile(path, text);
        return { name, rows: null, bytes: Buffer.byteLength(text), sha256: sha256(text) };
      }),
    );
  const manifest = await writeManifest(
    store,
    sealManifest({
      content: { schema: 1, stage: verb, version: 1, outputs: await put(files) },
      facts: {
        key,
        fence: 1,
        inputs: {},
        config,
        counts,
        reasons: {},
        metrics: { ...metrics },
        startedAt: '2026-01-01T00:00:00.000Z',
        finishedAt: '2026-01-01T00:01:00.000Z',
        host: 'h',
        versions: { retune: '0.1.0', node: 'v20' },
        sidecars: await put(sidecars),
      },
    }),
  );
  return { verb, key, outputDigest: manifest.outputDigest, counts: manifest.facts.counts, reasons: {} };
};

export interface Stages extends Record<'format' | 'train' | 'evaluate' | 'convert', StageRef> {
  /** Makes the publication too, as far as a later run reads it. */
  prepared: () => Promise<StageRef>;
}

/** Two pages fetched, three examples of them, an adapter, its evaluation and its files. */
export const finishedStages = async (store: Store, options: StagesOptions = {}): Promise<Stages> => {
  const { formats = ['adapter', 'merged'], fetchedAt = '2026-01-01T00:00:00.000Z', proof = '{}', keep = false } = options;
  const shelf = createPageShelf(store);
  for (const { url, id } of PAGES) {
    const body = Buffer.from(`<p>${url}`);
    const page = { schema: 1 as const, id, url, bodySha256: sha256(body), bodyBytes: body.length, format: 'html' as const, charset: null };
    await shelf.save(
      {
        schema: 1,
        id,
        url,
        finalUrl: url,
        status: 200,
        fetchedAt,
        checkedAt: fetchedAt,
        etag: null,
        lastModified: null,
        provider: 'direct',
        page,
      },
      body,
    );
  }
  const [first, second] = PAGES;
  if (first === undefined || second === undefined) throw new Error('two pages');
  const rows = { train: [example(first, 1, 'train'), example(first, 2, 'train')], test: [example(second, 3, 'test')] };
  const lines = (split: 'train' | 'test'): string => rows[split].map((row) => `${JSON.stringify(row)}\n`).join('');
  const split = { examples: 2, pages: 1, tokens: 40, supervisedTokens: 12, meanTokens: 20, medianTokens: 20, p95Tokens: 21, maxTokens: 21 };
  const none = { examples: 0, pages: 0, tokens: 0, supervisedTokens: 0, meanTokens: 0, medianTokens: 0, p95Tokens: 0, maxTokens: 0 };
  const statistics = {
    splits: { train: split, validation: none, test: { ...split, examples: 1 } },
    examples: 3,
    pages: 2,
    kinds: { heading: 3 },
    hosts: { 'docs.example.org': 3 },
    languages: { en: 1 },
    withCode: 0,
    histograms: { tokens: [{ from: 16, to: 32, count: 3 }], answerChars: [{ from: 16, to: 32, count: 3 }] },
    splitBy: 'page',
    contamination: { dropped: 0, remaining: 0, shared13: 0, held: 1 },
  };
  const format = await finish(
    store,
    'format',
    {
      'data/train.jsonl': lines('train'),
      'data/train.parquet': 'PAR1 train',
      'data/test.jsonl': lines('test'),
      'data/test.parquet': 'PAR1 test',
      'tokens/train.safetensors': 'tokens',
      'statistics.json': JSON.stringify(statistics),
    },
    { config: { format: input.format }, counts: { train: 2, test: 1 } },
  );
  const train = await finish(
    store,
    'train',
    { 'adapter_config.json': '{}', 'adapter_model.safetensors': 'adapter', 'metrics.jsonl': LOSSES },
    {
      config: { train: input.train },
      counts: { steps: 3, tokens: 40, supervised_tokens: 12 },
      metrics: { finalLoss: 2.5 },
    },
  );
  const evaluate = await finish(store, 'evaluate', { 'evaluation.json': JSON.stringify(evaluation) });
  const adapter = { 'adapter/adapter_config.json': '{}', 'adapter/adapter_model.safetensors': 'adapter' };
  const merged = { 'merged/config.json': '{"model_type":"gpt_oss"}', 'merged/model.safetensors': 'merged' };
  const convert = await finish(
    store,
    'convert',
    { ...(formats.includes('adapter') ? adapter : {}), ...(formats.includes('merged') ? merged : {}) },
    {
      sidecars: { 'proof.json': proof },
      metrics: { proofs: Object.fromEntries(formats.map((form) => [form, { verdict: 'proven' }])) },
      keep,
    },
  );
  const prepared = async (): Promise<StageRef> => finish(store, 'publish', { 'model/evaluation.json': JSON.stringify(evaluation) });
  return { format, train, evaluate, convert, prepared };
};
