// Labels on boxes: small enough for workflow history, enough to find and check the box.
import { z } from 'zod';
import { Sha256 } from './records';

export const ARTIFACT_SCHEMA = 1;

export const VERBS = ['collect', 'clean', 'dedup', 'pair', 'format', 'train', 'evaluate', 'convert', 'publish'] as const;
export type Verb = (typeof VERBS)[number];

export const Counts = z.record(z.string(), z.number());
export type Counts = z.infer<typeof Counts>;

/** One output file of a stage; `sha256` is over uncompressed bytes. */
export const Output = z.object({ name: z.string(), sha256: Sha256, bytes: z.int(), rows: z.int().nullable() });
export type Output = z.infer<typeof Output>;

/**
 * Says that a stage's output is whole; written last, if absent. Two halves: `content` is hashed
 * (`outputDigest`) and says what was made; `facts` is for people: nothing in it reaches a key.
 */
export const Manifest = z.object({
  schema: z.literal(ARTIFACT_SCHEMA),
  content: z.object({
    schema: z.literal(ARTIFACT_SCHEMA),
    stage: z.enum(VERBS),
    version: z.int(),
    outputs: z.array(Output).describe('sorted by name'),
  }),
  outputDigest: Sha256.describe('sha256 of canonical(content)'),
  facts: z.object({
    key: Sha256,
    fence: z.int().describe('lease number: the outputs lie in <verb>/<key>/<fence>/'),
    inputs: z.record(z.string(), Sha256),
    config: z.unknown(),
    counts: Counts,
    reasons: Counts.describe('dropped rows by reason'),
    metrics: z.record(z.string(), z.unknown()),
    startedAt: z.string(),
    finishedAt: z.string(),
    host: z.string(),
    versions: z.record(z.string(), z.string()),
    sidecars: z.array(Output).describe('files beside the outputs that may vary without changing the content'),
  }),
});
export type Manifest = z.infer<typeof Manifest>;

export const Verdict = z.object({
  decision: z.enum(['pass', 'hold', 'insufficient']),
  rules: z.array(z.object({ rule: z.string(), outcome: z.enum(['pass', 'fail', 'not_applicable', 'shown']), text: z.string() })),
});
export type Verdict = z.infer<typeof Verdict>;

/** A finished stage as it travels through history. */
export const StageRef = z.object({
  verb: z.enum(VERBS),
  key: Sha256,
  outputDigest: Sha256,
  counts: Counts,
  reasons: Counts,
  verdict: Verdict.optional().describe('evaluate only'),
});
export type StageRef = z.infer<typeof StageRef>;

export const STATUSES = ['published', 'prepared', 'held', 'unchanged', 'failed', 'cancelled'] as const;
export type RunStatus = (typeof STATUSES)[number];

/** A base model resolved to its bytes. */
export const BaseModel = z.object({
  id: z.string().describe('as the input names it'),
  publicId: z.string().describe('what adapter_config.json names: a Hub id, or "base"'),
  family: z.enum(['gpt-oss', 'chat']),
  revision: z.string().nullable().describe('provenance, not part of a key'),
  weightsDigest: Sha256,
  tokenizerDigest: Sha256,
  templateDigest: Sha256,
  origin: z.string().describe('for the card: where the weights come from'),
});
export type BaseModel = z.infer<typeof BaseModel>;

/** What a target published last; moved on `published` and `prepared`. */
export const Pointer = z.object({
  schema: z.literal(ARTIFACT_SCHEMA),
  target: z.string(),
  train: StageRef,
  format: StageRef.describe('the dataset it was trained on'),
  prepared: StageRef.describe('the repositories as prepared; pushing them again repairs the Hub'),
  baseWeightsDigest: Sha256,
  settingsDigest: Sha256.describe('of the evaluate, gate, convert and publish settings'),
  modelCommit: z.string().nullable(),
  datasetCommit: z.string().nullable(),
});
export type Pointer = z.infer<typeof Pointer>;

/** What was named and not taken, before any page was asked for. */
export const SourceSummary = z.object({
  counts: Counts.describe('sitemaps read; left_out: addresses that are not collected, the sum of the reasons'),
  reasons: Counts,
  examples: z.record(z.string(), z.array(z.string())).describe('a few addresses of each reason'),
});
export type SourceSummary = z.infer<typeof SourceSummary>;

/** What is left of a run once its history is gone: runs/<workflowId>/<executionId>.json */
export const RunRecord = z.object({
  schema: z.literal(ARTIFACT_SCHEMA),
  runId: z.string().describe('the workflow id'),
  executionId: z.string().describe("Temporal's run id"),
  raw: z.unknown().describe('the input as it was given; starting it again resumes'),
  input: z.unknown().nullable().describe('the input with every default'),
  base: BaseModel.nullable(),
  date: z.string().describe('scheduled time of the run, ISO 8601'),
  source: SourceSummary.optional(),
  stages: z.partialRecord(z.enum(VERBS), z.array(StageRef)),
  computed: z.array(z.enum(VERBS)).describe('stages that really ran, the others were reused'),
  status: z.enum([...STATUSES, 'running']),
  reason: z.string().nullable(),
  verdict: Verdict.nullable(),
  hub: z.record(z.string(), z.string()),
  updatedAt: z.string(),
});
export type RunRecord = z.infer<typeof RunRecord>;

/** The pipeline's result, and the CLI's last line. */
export interface PipelineResult {
  runId: string;
  executionId: string;
  status: RunStatus;
  reason: string | null;
  verdict: Verdict | null;
  stages: Partial<Record<Verb, { key: string; counts: Counts; reasons: Counts; reused: boolean }>>;
  store: string;
  published: Record<string, string>;
}
