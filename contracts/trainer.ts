// What Node and the Python trainer say to each other: one config file in, event lines out.
// The JSON Schemas under native/schema/ are written from this file (scripts/schema.ts).
import { z } from 'zod';

/** Version of the event lines; a reader refuses any other. */
export const TRAINER_PROTOCOL = 1;

/** Exit codes of the trainer; any other code or a signal is a crash that may be retried. */
export const TRAINER_EXIT = { done: 0, badConfig: 2, doNotRetry: 10, mayRetry: 11, stopped: 12 } as const;

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Path = z.string().min(1);

export const Family = z
  .enum(['gpt-oss', 'chat'])
  .describe('gpt-oss: harmony tokens made in Node; chat: the base model has a chat template of its own');
export type Family = z.infer<typeof Family>;

/** A base model as a folder that is ready to load: safetensors, config.json, tokenizer.json. */
export const BaseFolder = z.strictObject({
  folder: Path,
  family: Family,
  id: z.string().describe('public name, written into adapter_config.json; "base" where there is no public equal'),
  revision: z.string().nullable(),
  weightsDigest: Sha256,
});
export type BaseFolder = z.infer<typeof BaseFolder>;

const common = {
  schema: z.literal(1),
  out: Path.describe('folder for everything the command writes'),
  device: z.enum(['auto', 'cpu', 'cuda']).default('auto'),
  dtype: z.enum(['auto', 'bf16', 'fp32']).default('auto').describe('auto: bf16 on a GPU and on CPUs with AVX512-BF16 or AMX, else fp32'),
};

export const MaterialiseConfig = z.strictObject({
  ...common,
  command: z.literal('materialise'),
  source: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('gguf'), package: z.string().describe('Python package that ships exactly one .gguf file') }),
    z.strictObject({ kind: z.literal('tiny-gpt-oss'), vocabulary: Path.describe('o200k_base.tiktoken'), seed: z.int() }),
    z.strictObject({ kind: z.literal('folder'), folder: Path }),
    z.strictObject({ kind: z.literal('hub'), id: z.string(), revision: z.string().nullable() }),
  ]),
});

export const TokenizeConfig = z.strictObject({
  ...common,
  command: z.literal('tokenize'),
  base: BaseFolder,
  splits: z.record(z.string(), Path).describe('split name to a JSONL file of {id, messages}'),
  maxTokens: z.int().min(8),
});

export const LoraConfig = z.strictObject({
  r: z.int().min(1).max(256),
  alpha: z.int().min(1),
  dropout: z.number().min(0).max(0.5),
  rslora: z.boolean(),
  targets: z.enum(['attention', 'mlp', 'both']).describe('mlp: the feed-forward layers; in GPT-OSS every expert'),
});

export const TrainConfig = z.strictObject({
  ...common,
  command: z.literal('train'),
  base: BaseFolder,
  tokens: z.strictObject({ train: Path, validation: Path.nullable() }),
  datasetDigest: Sha256,
  seed: z.int(),
  lora: LoraConfig,
  optimizer: z.strictObject({
    lr: z.number().positive(),
    schedule: z.enum(['linear', 'cosine', 'constant']),
    warmupSteps: z.int().min(0),
    weightDecay: z.number().min(0),
    clip: z.number().positive().describe('largest norm of the gradient'),
    state: z
      .enum(['fp32', 'bf16', '8bit'])
      .default('fp32')
      .describe("AdamW's two moments: 8, 4 or 2 bytes a trained parameter; bf16 and 8bit are rounded stochastically"),
  }),
  steps: z.int().min(1).nullable().describe('optimiser steps; null: as many as `epochs` needs'),
  epochs: z.number().positive().describe('used when steps is null'),
  batch: z.strictObject({
    examples: z.int().min(1).describe('examples a step'),
    tokens: z.int().min(1).nullable().describe('most tokens a step, at least one example; null: no limit'),
  }),
  engine: z
    .enum(['auto', 'gptoss', 'transformers'])
    .default('auto')
    .describe('auto: gptoss for GPT-OSS where its kernels run on this card, else transformers'),
  microTokens: z.int().min(16).nullable().describe('most tokens a forward pass; null: chosen from free memory'),
  evalEvery: z.int().min(1).nullable().describe('steps between validation losses; the last step is evaluated too'),
  earlyStopping: z
    .strictObject({
      patience: z.int().min(1).describe('evaluations in a row that may bring no better validation loss'),
      minDelta: z.number().min(0).describe('nats a token by which a loss must be lower to be better'),
    })
    .nullable()
    .default(null)
    .describe('ends training when the validation loss no longer falls; null: all steps are made'),
  deliver: z
    .enum(['best', 'last'])
    .default('last')
    .describe('the adapter that is the result: of the lowest validation loss, or of the last step'),
  logEvery: z.int().min(1).default(1).describe('steps between `step` events; metrics.jsonl has every step'),
  selfTest: z.boolean().default(true).describe('engine gptoss: compare loss and gradients with the reference before training'),
  devices: z.int().min(1).max(64).default(1).describe('processes of this host that share each step, one GPU each'),
  checkpoint: z.strictObject({
    folder: Path.describe('where checkpoints are written, one folder <step>-<fence> each'),
    everySteps: z.int().min(1),
    everySeconds: z.int().min(1),
    keep: z.int().min(1).describe('newest ones'),
    keepBest: z.int().min(0).default(0).describe('beside the newest: those of the lowest validation losses'),
    resume: Path.nullable().describe('a whole checkpoint to go on from'),
    fence: z.int().min(0).describe('the lease number of this holder; part of every name it writes'),
  }),
  simulatedLimitTokens: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe('tests only: a forward pass of more tokens is treated as out of memory'),
});
export type TrainConfig = z.input<typeof TrainConfig>;

const Prompt = z.strictObject({
  id: z.string(),
  messages: z.array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })).nullable(),
  ids: z.array(z.int()).nullable().describe('gpt-oss: the rendered prompt'),
  stopIds: z.array(z.int()).nullable(),
});
export type TrainerPrompt = z.infer<typeof Prompt>;

export const EvaluateConfig = z.strictObject({
  ...common,
  command: z.literal('evaluate'),
  base: BaseFolder,
  adapters: z
    .array(z.strictObject({ name: z.string(), folder: Path }))
    .describe('scored beside the bare base model, which is called "base"'),
  probes: z.array(z.strictObject({ name: z.string(), tokens: Path, maxExamples: z.int().min(1).nullable() })),
  prompts: z.array(Prompt),
  maxNewTokens: z.int().min(1),
});
export type EvaluateConfig = z.input<typeof EvaluateConfig>;

export const ConvertConfig = z.strictObject({
  ...common,
  command: z.literal('convert'),
  base: BaseFolder,
  adapter: Path,
  formats: z.array(z.enum(['adapter', 'merged'])).min(1),
  probe: z.array(Path).describe('token files; rows are taken in order until minProbeTokens supervised tokens'),
  minProbeTokens: z.int().min(1),
});
export type ConvertConfig = z.input<typeof ConvertConfig>;

export const GenerateConfig = z.strictObject({
  ...common,
  command: z.literal('generate'),
  base: BaseFolder,
  adapter: Path.nullable(),
  prompt: Prompt,
  maxNewTokens: z.int().min(1),
  temperature: z.number().min(0).describe('0: greedy'),
  topP: z.number().min(0).max(1),
  seed: z.int(),
});
export type GenerateConfig = z.input<typeof GenerateConfig>;

const probed = {
  ...common,
  base: BaseFolder,
  lora: LoraConfig.default({ r: 8, alpha: 16, dropout: 0, rslora: false, targets: 'both' }),
  engine: z.enum(['auto', 'gptoss', 'transformers']).default('auto'),
};

export const SelfTestConfig = z.strictObject({ ...probed, command: z.literal('self-test') });

export const BenchConfig = z.strictObject({
  ...probed,
  command: z.literal('bench'),
  shapes: z
    .array(z.strictObject({ examples: z.int().min(1), tokens: z.int().min(8) }))
    .min(1)
    .default([
      { examples: 8, tokens: 128 },
      { examples: 8, tokens: 1024 },
    ])
    .describe('examples a step and tokens an example'),
  steps: z.int().min(3).default(12).describe('steps a shape; the first two are warm-up'),
  microTokens: z.int().min(16).nullable().default(null),
  state: z.enum(['fp32', 'bf16', '8bit']).default('fp32'),
});

export const DoctorConfig = z.strictObject({
  ...common,
  command: z.literal('doctor'),
  base: BaseFolder.nullable().default(null).describe('also say which engine and plan it would train with; loads it'),
  lora: probed.lora,
});

export const TRAINER_CONFIGS = {
  materialise: MaterialiseConfig,
  tokenize: TokenizeConfig,
  train: TrainConfig,
  evaluate: EvaluateConfig,
  convert: ConvertConfig,
  generate: GenerateConfig,
  'self-test': SelfTestConfig,
  bench: BenchConfig,
  doctor: DoctorConfig,
} as const;
export type TrainerCommand = keyof typeof TRAINER_CONFIGS;
export type TrainerConfig = { [C in TrainerCommand]: z.input<(typeof TRAINER_CONFIGS)[C]> }[TrainerCommand];

const FileEntry = z.object({ name: z.string(), bytes: z.int(), sha256: Sha256 });
const line = { v: z.literal(TRAINER_PROTOCOL), seq: z.int(), t: z.number().describe('seconds since 1970') };

/** One event line. Unknown types are kept by readers; an unknown `v` is refused. */
export const TrainerEvent = z.discriminatedUnion('type', [
  z.looseObject({ ...line, type: z.literal('opened'), command: z.string(), pid: z.int(), versions: z.record(z.string(), z.string()) }),
  z.looseObject({
    ...line,
    type: z.literal('loaded'),
    seconds: z.number(),
    device: z.string(),
    dtype: z.string(),
    engine: z.string().optional().describe('train only'),
    parameters: z.int().describe('of the base model'),
    trainable: z.int().describe('of the adapter'),
  }),
  z.looseObject({
    ...line,
    type: z.literal('selfTest'),
    engine: z.string(),
    seconds: z.number(),
    lossError: z.number().describe('relative'),
    gradientError: z.number().describe('largest of all kinds of LoRA gradient, relative'),
    worst: z.string().describe('the kind of gradient with that error'),
  }),
  z.looseObject({
    ...line,
    type: z.literal('plan'),
    steps: z.int(),
    examples: z.int(),
    microTokens: z.int(),
    packing: z.boolean(),
    checkpointing: z.enum(['none', 'moe', 'full']).describe('what is computed again in the backward pass'),
    residentLayers: z.int().describe('layers whose experts are kept in 16 bits'),
    graph: z.string().optional().describe('whether small passes are CUDA graphs, or why not'),
    devices: z.int(),
    freeBytes: z.int().describe('device memory that was free when the plan was made'),
    expectedBytes: z.int().nullable().describe('peak, measured by a trial of the largest pass; null: the trial did not fit'),
    expectedSeconds: z.number().nullable().describe('for the steps that are left, from the same trial'),
    reason: z.string(),
    resumedFrom: z.int().nullable(),
  }),
  z.looseObject({
    ...line,
    type: z.literal('step'),
    step: z.int(),
    steps: z.int(),
    loss: z.number(),
    lr: z.number(),
    gradNorm: z.number(),
    tokens: z.int(),
    supervisedTokens: z.int(),
    seconds: z.number(),
    tokensPerSecond: z.number(),
    mfu: z.number().nullable().describe("share of the device's peak FLOP/s; null on a CPU or where no formula is known"),
    etaSeconds: z.number(),
    memoryBytes: z.int(),
  }),
  z.looseObject({ ...line, type: z.literal('checkpoint'), step: z.int(), folder: z.string(), digest: Sha256, seconds: z.number() }),
  z.looseObject({ ...line, type: z.literal('evaluated'), step: z.int(), nll: z.number(), examples: z.int(), best: z.boolean() }),
  z.looseObject({ ...line, type: z.literal('progress'), what: z.string(), done: z.number(), total: z.number().nullable() }),
  z.looseObject({ ...line, type: z.literal('token'), text: z.string().nullable(), id: z.int() }),
  z.looseObject({ ...line, type: z.literal('warning'), code: z.string(), message: z.string(), remedy: z.string() }),
  z.looseObject({ ...line, type: z.literal('result'), files: z.array(FileEntry), metrics: z.record(z.string(), z.unknown()) }),
  z.looseObject({ ...line, type: z.literal('failed'), code: z.string(), message: z.string(), remedy: z.string(), retry: z.boolean() }),
  z.looseObject({ ...line, type: z.literal('closed'), exit: z.int() }),
]);
export type TrainerEvent = z.infer<typeof TrainerEvent>;
export type TrainerEventOf<T extends TrainerEvent['type']> = Extract<TrainerEvent, { type: T }>;
