// All that a run can be told, as one JSON object: what the Temporal UI, the CLI and a schedule send.
// Every field has a default and a description; docs/input.md is written from this file.
// meta(outside) marks a field that cannot change a result, so it never enters a stage's key.
import { z } from 'zod';
import { Fraction, outside } from './input-fields';
import { Source } from './input-source';
import { PAIR_KINDS } from './records';

const Budget = z.strictObject({
  maxRequests: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'brightdata: most pages to ask for in a run, in batches and singly; it stops before one more, with everything kept. null: no limit',
    ),
});

const Clean = z.strictObject({
  minWords: z.int().min(0).default(10).describe('a page with fewer words of content is dropped'),
  mask: z
    .boolean()
    .default(true)
    .describe(
      'replaces keys, tokens, passwords and e-mail addresses in pages before anything is made of them; examples such as user@example.com stay',
    ),
});

const Dedup = z.strictObject({
  similarity: Fraction.default(0.8).describe('Jaccard similarity of word 5-grams from which two sections are duplicates'),
  boilerplatePages: z.int().min(2).default(5).describe('a block of text on this many pages of a site is boilerplate: kept once'),
});

const Pairs = z.strictObject({
  kinds: z
    .array(z.enum(PAIR_KINDS))
    .min(1)
    .default([...PAIR_KINDS])
    .describe('kinds of pair to make'),
  minChars: z.int().min(1).default(50).describe('shortest response'),
  maxChars: z.int().min(50).default(2400).describe('longest response; a longer section is cut at a block boundary'),
  minScore: Fraction.default(0.5).describe('least score'),
  maxPerPage: z.int().min(1).default(60).describe('most pairs of one page, best first'),
  llm: z
    .strictObject({
      enabled: z.boolean().default(false).describe('further pairs by the model of RETUNE_LLM_MODEL, each judged for groundedness'),
      maxPairs: z.int().min(1).max(20).default(3).describe('most pairs of one section'),
      minWords: z.int().min(1).default(60).describe('a section with fewer words of prose is not asked about'),
      budgetTokens: z.int().min(1).default(1_000_000).describe('no further section is asked about once this many tokens are used'),
      concurrency: z.int().min(1).max(64).default(4).describe('sections at once; the budget is looked at after each such group'),
    })
    .prefault({})
    .describe('pairs by a language model; off by default'),
  otherLanguages: z
    .enum(['drop', 'keep'])
    .default('drop')
    .describe('pages in another language than most of their site, as far as it can be told'),
  questions: z
    .enum(['page', 'english'])
    .default('page')
    .describe('language of the questions; page: that of the page, English where it cannot be told'),
  maxKindShare: Fraction.default(1).describe(
    'most of the pairs that stay that one kind may be; where there are too few kinds for it, all are cut to the same number',
  ),
});

const Format = z.strictObject({
  date: z.iso.date().nullable().default(null).describe('GPT-OSS: the current date in the system message; null: none. Never today'),
  reasoning: z.enum(['low', 'medium', 'high']).default('low').describe('GPT-OSS: reasoning level in the system message'),
  instructions: z.string().max(4000).default('').describe('developer message (GPT-OSS) or system message (others); empty: none'),
  maxTokens: z
    .int()
    .min(32)
    .max(131072)
    .default(1024)
    .describe('longest example; a longer answer is cut between its blocks and counted, or the example dropped with a reason'),
  testShare: Fraction.default(0.1).describe('share of pages for the final test'),
  validationShare: Fraction.default(0.05).describe('share of pages for validation while training'),
  salt: z.string().default('retune').describe('decides which page falls into which split; it never moves'),
});

const Mix = z.strictObject({
  source: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'general instructions against forgetting: a .jsonl or .parquet file below RETUNE_FILES_ROOT, or a Hub dataset with such files as owner/name@commit',
    ),
  share: z.number().min(0).max(0.9).default(0).describe('share of the training examples that come from it; never of validation or test'),
  license: z.string().max(200).nullable().default(null).describe('its licence, for the card'),
});

const Model = z.strictObject({
  base: z
    .string()
    .min(1)
    .default('openai/gpt-oss-20b')
    .meta(outside)
    .describe(
      'a Hub id, a folder on the worker, "smollm2-135m-instruct" (comes with the set-up) or "tiny-gpt-oss" (random weights, for tests)',
    ),
  revision: z
    .string()
    .nullable()
    .default(null)
    .meta(outside)
    .describe('Hub commit or branch; null: the newest, resolved once a run. The weights themselves are in the key'),
  dtype: z.enum(['auto', 'bf16', 'fp32']).default('auto').describe('auto: bf16 where the device has it'),
});

const Train = z.strictObject({
  lora: z
    .strictObject({
      r: z.int().min(1).max(256).default(8),
      alpha: z.int().min(1).default(16),
      dropout: z
        .number()
        .min(0)
        .max(0.5)
        .default(0)
        .describe('share of the inputs of LoRA A that training drops; on experts too, in our GPT-OSS engine'),
      rslora: z.boolean().default(false),
      targets: z.enum(['attention', 'mlp', 'both']).default('both').describe('mlp: feed-forward layers; in GPT-OSS every expert'),
    })
    .prefault({})
    .describe('the adapter'),
  lr: z.number().positive().max(1).default(2e-4).describe('learning rate'),
  schedule: z.enum(['linear', 'cosine', 'constant']).default('linear'),
  warmupSteps: z.int().min(0).default(5),
  steps: z.int().min(1).nullable().default(60).describe('optimiser steps; null: as many as epochs needs'),
  epochs: z.number().positive().default(1).describe('used when steps is null'),
  batch: z
    .strictObject({
      examples: z.int().min(1).default(8).describe('examples a step'),
      tokens: z.int().min(16).nullable().default(null).describe('most tokens a step'),
    })
    .prefault({}),
  microTokens: z.int().min(16).nullable().default(null).describe('most tokens a forward pass; null: from free memory'),
  optimizer: z
    .enum(['adamw', 'adamw-bf16', 'adamw-8bit'])
    .default('adamw')
    .describe('AdamW with its state in fp32, bf16 or 8 bits: 8, 4 or 2 bytes a trained parameter'),
  weightDecay: z.number().min(0).default(0.01),
  clip: z.number().positive().default(1).describe('largest norm of the gradient'),
  seed: z.int().min(0).default(3407),
  evalEvery: z.int().min(1).nullable().default(20).describe('steps between validation losses; null: none'),
  patience: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe('validation losses in a row that may be no better before training ends early; null: never'),
  minDelta: z.number().min(0).default(0).describe('nats by which a validation loss must be lower to be better'),
  deliver: z
    .enum(['best', 'last'])
    .default('best')
    .describe('the adapter of the lowest validation loss, or of the last step; without validation the last'),
  engine: z
    .enum(['auto', 'gptoss', 'transformers'])
    .default('auto')
    .describe('auto: gptoss for GPT-OSS where its kernels run on the card, else transformers'),
  selfTest: z.boolean().default(true).meta(outside).describe('compare engine gptoss with its reference before training, seconds'),
  logEvery: z.int().min(1).default(1).meta(outside).describe('steps between progress reports'),
  saveEvery: z.int().min(1).default(20).meta(outside).describe('steps between checkpoints'),
  saveSeconds: z.int().min(1).default(60).meta(outside).describe('seconds between checkpoints, whichever comes first'),
  keep: z.int().min(1).default(2).meta(outside).describe('newest checkpoints to keep'),
  keepBest: z.int().min(0).default(1).meta(outside).describe('checkpoints of the lowest validation losses to keep'),
  queue: z.string().nullable().default(null).meta(outside).describe('task queue of one device, gpu-<host>-<index>; null: any'),
});

const Evaluate = z.strictObject({
  maxExamples: z.int().min(1).default(400).describe('test examples to score'),
  generations: z.int().min(0).default(30).describe('test questions answered by base and tuned, for format health'),
  maxNewTokens: z.int().min(1).default(96).describe('longest answer'),
  questions: z.array(z.string().min(1)).max(20).default([]).describe('questions answered side by side in the report'),
});

const Gate = z.strictObject({
  minExamples: z.int().min(1).default(20).describe('fewer test examples cannot decide'),
  onInsufficient: z.enum(['hold', 'pass']).default('hold').describe('what too few test examples mean'),
  marginLast: Fraction.default(0.01).describe('how much worse than the last published model it may be, of its NLL'),
  maxHealthLoss: Fraction.default(0.1).describe('how much more often than the base its answers may be empty, endless or looping'),
  maxGeneralLoss: Fraction.default(0.05).describe('how much worse on general text it may be, of the base NLL'),
});

const Convert = z.strictObject({
  formats: z
    .array(z.enum(['adapter', 'merged']))
    .min(1)
    .default(['adapter', 'merged'])
    .describe('what to make and prove'),
});

const Repository = z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'a Hub repository is namespace/name');
const Publish = z.strictObject({
  model: Repository.nullable().default(null).describe('Hub repository of the model; null: prepared locally'),
  dataset: Repository.nullable().default(null).describe('Hub repository of the dataset; null: not published'),
  private: z.boolean().default(true).describe('visibility of a repository that is made'),
  approval: z.enum(['none', 'person']).default('none').meta(outside).describe('person: the run waits for the Update approve or reject'),
});

const Limits = z.strictObject({
  heartbeatSeconds: z.int().min(5).max(600).default(30).describe('a worker that is silent for this long is taken for dead'),
  trainHours: z.number().positive().max(720).default(72).describe('longest training'),
  gpuWaitHours: z.number().positive().max(720).default(24).describe('longest wait for a device'),
});

export const PipelineInput = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes')
    .default('retune')
    .meta(outside)
    .describe('names the run and, without a Hub repository, what it publishes'),
  source: Source.prefault({}).describe('what to collect'),
  budget: Budget.prefault({}).meta(outside).describe('what a run may spend'),
  clean: Clean.prefault({}),
  dedup: Dedup.prefault({}),
  pair: Pairs.prefault({}),
  format: Format.prefault({}),
  mix: Mix.prefault({}).describe('general data beside the pages, in training only'),
  model: Model.prefault({}),
  train: Train.prefault({}),
  evaluate: Evaluate.prefault({}),
  gate: Gate.prefault({}),
  convert: Convert.prefault({}),
  publish: Publish.prefault({}),
  limits: Limits.prefault({}).meta(outside).describe('time limits'),
});
export type PipelineInput = z.infer<typeof PipelineInput>;
