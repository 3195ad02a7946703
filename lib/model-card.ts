// README.md of the model repository: what it is, whether it is better, what it was made of, how to load it.
import type { BaseModel, Verdict } from '../contracts/artifacts';
import type { PipelineInput } from '../contracts/input';
import type { Evaluation } from './evaluate';
import { cell, frontMatter, table } from './front-matter';
import { grouped } from './wording';
import type { Statistics } from './statistics';

export interface ModelCardData {
  title: string;
  /** namespace/name; null: prepared locally. */
  repository: string | null;
  dataset: string | null;
  base: BaseModel;
  /** SPDX or Hub licence name of the base, where it is known. */
  license: string | null;
  /** Folders inside the repository, '' for its root; null: not made. */
  layout: { merged: string | null; adapter: string | null };
  train: PipelineInput['train'];
  format: PipelineInput['format'];
  /** What training did: steps, tokens, last loss. */
  trained: { steps: number; tokens: number; supervisedTokens: number; finalLoss: number };
  statistics: Statistics;
  /** evaluation.json, or the part of it that the card shows. */
  evaluation: Pick<Evaluation, 'base' | 'verdict'>;
  /** One a model file: 'proven', or why not. */
  proofs: readonly { format: string; result: string }[];
  /** What it was made of: stage or file, and its digest. */
  provenance: readonly { name: string; digest: string }[];
  /** Versions of the packages that it was trained and reloaded with. */
  versions: Record<string, string>;
  version: string;
}

const DECISION: Record<Verdict['decision'], string> = {
  pass: 'The gate passed it.',
  hold: '**The gate held it back.**',
  insufficient: '**There were too few held-out examples to decide.**',
};

/** True for a name that the Hub can resolve; "base" stands for weights without a public equal. */
const isPublic = (id: string): boolean => id.includes('/');

const head = ({ title, base, dataset, license, layout }: ModelCardData): string =>
  frontMatter({
    model_name: title,
    license,
    base_model: isPublic(base.publicId) ? [base.publicId] : null,
    base_model_relation: isPublic(base.publicId) ? (layout.merged === null ? 'adapter' : 'finetune') : null,
    library_name: layout.merged === null ? 'peft' : 'transformers',
    pipeline_tag: 'text-generation',
    datasets: dataset === null ? null : [dataset],
    tags: ['retune', 'lora', ...(base.family === 'gpt-oss' ? ['gpt-oss', 'harmony'] : [])],
  });

const inside = (folder: string): string => (folder === '' ? '' : `, subfolder="${folder}"`);

const loading = ({ repository, base, layout }: ModelCardData): string => {
  const name = repository ?? 'path/to/this/folder';
  const revision = base.revision === null ? '' : `, revision="${base.revision}"`;
  const answer = `messages = [{"role": "user", "content": "..."}]
inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
print(tokenizer.decode(model.generate(**inputs, max_new_tokens=256)[0]))`;
  const merged =
    layout.merged === null
      ? ''
      : `The merged 16-bit model loads by itself:

\`\`\`python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("${name}"${inside(layout.merged)}, dtype="auto")
tokenizer = AutoTokenizer.from_pretrained("${name}"${inside(layout.merged)})
${answer}
\`\`\`
`;
  if (layout.adapter === null) return merged;
  const quantised = base.family === 'gpt-oss';
  const adapter = isPublic(base.publicId)
    ? `The adapter goes on top of \`${base.publicId}\`:

\`\`\`python
from peft import PeftModel
from transformers import AutoModelForCausalLM${quantised ? ', Mxfp4Config' : ''}

base = AutoModelForCausalLM.from_pretrained("${base.publicId}"${revision}, dtype="auto"${quantised ? ', quantization_config=Mxfp4Config(dequantize=True)' : ''})
model = PeftModel.from_pretrained(base, "${name}"${inside(layout.adapter)})
\`\`\`
`
    : `The adapter's base has no public equal (${cell(base.origin)}), so the adapter names it \`base\`${layout.merged === null ? '' : '; use the merged model above'}. With the base in a folder:

\`\`\`python
from peft import PeftModel
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained("path/to/base", dtype="auto")
model = PeftModel.from_pretrained(base, "${name}"${inside(layout.adapter)})
\`\`\`
`;
  return [merged, adapter].filter((part) => part !== '').join('\n');
};

const result = ({ evaluation, statistics }: ModelCardData): string => {
  const { base, verdict } = evaluation;
  const figures =
    base === null
      ? 'No example was held out.'
      : table(
          ['held-out text', 'base', 'this model'],
          [
            ['loss, nats a token of the answer', base.nll.reference.toFixed(3), `**${base.nll.tuned.toFixed(3)}**`],
            ['loss, nats a byte of the answer', base.perByte.reference.toFixed(3), base.perByte.tuned.toFixed(3)],
            ['loss of the format around it, nats a token', base.format.reference.toFixed(3), base.format.tuned.toFixed(3)],
          ],
        ) +
        `\n\nDifference ${base.difference.toFixed(3)}, 95 % interval [${base.interval.low.toFixed(3)}, ${base.interval.high.toFixed(3)}] (bootstrap over ${grouped(base.groups)} ${statistics.splitBy}s, ${grouped(base.examples)} examples).`;
  const rules = verdict.rules.map(({ rule, outcome, text }) => [cell(rule.replaceAll('_', ' ')), outcome.replaceAll('_', ' '), cell(text)]);
  return `${figures}\n\n${DECISION[verdict.decision]}\n\n${table(['rule', 'outcome', 'measured'], rules)}`;
};

const recipe = ({ train, format, trained, base }: ModelCardData): string => {
  const { lora } = train;
  const targets = {
    attention: 'attention',
    mlp: base.family === 'gpt-oss' ? 'every expert' : 'MLP',
    both: base.family === 'gpt-oss' ? 'attention and every expert' : 'attention and MLP',
  };
  return table(
    ['setting', 'value'],
    [
      ['LoRA', `r ${lora.r}, alpha ${lora.alpha}${lora.rslora ? ', rsLoRA' : ''}, dropout ${lora.dropout}, on ${targets[lora.targets]}`],
      [
        'steps',
        `${grouped(trained.steps)} of ${train.batch.examples} examples${train.batch.tokens === null ? '' : `, at most ${grouped(train.batch.tokens)} tokens`}`,
      ],
      ['learning rate', `${train.lr}, ${train.schedule}, ${train.warmupSteps} warm-up steps`],
      ['weight decay, clip, seed', `${train.weightDecay}, ${train.clip}, ${train.seed}`],
      [
        'tokens',
        `${grouped(trained.tokens)} read, ${grouped(trained.supervisedTokens)} supervised; longest example ${grouped(format.maxTokens)}`,
      ],
      ['last training loss', trained.finalLoss.toFixed(3)],
    ],
  );
};

/** How a GPT-OSS prompt must look to match what was trained. */
const promptNote = ({ base, format }: ModelCardData): string =>
  base.family !== 'gpt-oss'
    ? ''
    : `
## Prompt it as it was trained

It was trained with ${format.date === null ? 'no current date' : `the current date ${format.date}`} and reasoning \`${format.reasoning}\` in the system message, and answers on the \`final\` channel. OpenAI's chat template writes **today's date** there: to prompt it exactly as it was trained, ${format.date === null ? 'leave the date line out' : 'render with that date'}.
`;

/** The whole card; the same data gives the same bytes. */
export const modelCard = (data: ModelCardData): string => {
  const { base, statistics, proofs, provenance, versions, format } = data;
  const random = base.id === 'tiny-gpt-oss';
  return `${head(data)}
# ${cell(data.title)}

\`${cell(isPublic(base.publicId) ? base.publicId : base.id)}\`, fine-tuned on ${grouped(statistics.splits.train.examples)} questions and answers from ${grouped(statistics.splits.train.pages)} web pages by retune.
${random ? '\n> **The base has random weights.** It exists to test the pipeline; nothing it writes makes sense.\n' : ''}
## Is it better?

${result(data)}

## Load it

${loading(data)}${promptNote(data)}
## How it was trained

${recipe(data)}
${format.instructions === '' ? '' : `\nInstructions in every example: ${cell(format.instructions)}\n`}
The base's weights come from ${cell(base.origin)}${base.revision === null ? '' : `, revision \`${cell(base.revision)}\``}. The training data is ${data.dataset === null ? 'not published' : `the dataset \`${data.dataset}\``}: ${Object.entries(
    statistics.hosts,
  )
    .slice(0, 10)
    .map(([host, count]) => `${cell(host)} (${grouped(count)})`)
    .join(', ')}.

## Proof of the files

Each file was written, loaded again as a user would, and compared with the trained model on the same text.

${table(
  ['files', 'result'],
  proofs.map(({ format: name, result: text }) => [cell(name), cell(text)]),
)}

## Provenance

${table(
  ['made of', 'digest'],
  provenance.map(({ name, digest }) => [cell(name), `\`${cell(digest)}\``]),
)}

retune ${cell(data.version)}; ${Object.entries(versions)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, version]) => `${cell(name)} ${cell(version)}`)
    .join(', ')}.
`;
};
