// Base against tuned (and last published) on held-out pages: scores and answers from the trainer, verdict from lib.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { GpuActivities, KeyedTask } from '../contracts/activities';
import type { BaseModel, StageRef } from '../contracts/artifacts';
import { failure } from '../contracts/errors';
import type { PipelineInput } from '../contracts/input';
import { Example, type Message } from '../contracts/records';
import type { TrainerPrompt } from '../contracts/trainer';
import { type AnswerRow, evaluate, evaluationFile, MODEL, PROBE, type ScoreRow } from '../lib/evaluate';
import { messagesOf } from '../lib/format';
import { renderPrompt, STOP_IDS } from '../lib/harmony';
import { type Box, manifestOf, runStage, type StageDeps, stagePath, stageRows } from './stage';
import { type GpuDeps, localBase, trainedDtype, trainerDevice } from './train';
import { stopOf } from './trainer-failure';

const ScoreLine = z.object({
  probe: z.string(),
  example: z.string(),
  model: z.string(),
  contentNats: z.number(),
  contentTokens: z.int(),
  formatNats: z.number(),
  formatTokens: z.int(),
});
const AnswerLine = z.object({
  id: z.string(),
  model: z.string(),
  text: z
    .string()
    .nullable()
    .transform((text) => text ?? ''),
  ids: z.array(z.int()).nullable().default(null),
  newTokens: z.int(),
  stopped: z.boolean(),
});

export const createEvaluate = (deps: GpuDeps): Pick<GpuActivities, 'evaluate'> => ({
  async evaluate(task, base) {
    return deps.device.hold(async () => runStage(deps, task, async (box) => score(deps, task, base, box)));
  },
});

const lines = async <T>(path: string, schema: z.ZodType<T>): Promise<T[]> =>
  (await readFile(path, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => schema.parse(JSON.parse(line)));

/** Settings of the dataset: prompts are rendered as its examples were. */
const formatOf = async (deps: StageDeps, format: StageRef): Promise<PipelineInput['format']> =>
  ((await manifestOf(deps.store, format)).facts.config as Pick<PipelineInput, 'format'>).format;

const promptOf = (id: string, messages: Message[], family: BaseModel['family'], config: PipelineInput['format']): TrainerPrompt =>
  family === 'gpt-oss'
    ? { id, messages: null, ids: renderPrompt(messages, config), stopIds: [...STOP_IDS] }
    : {
        id,
        messages: messages.map(({ role, content }) => ({ role: role === 'developer' ? 'system' : role, content })),
        ids: null,
        stopIds: null,
      };

const score = async (deps: GpuDeps, task: KeyedTask, base: BaseModel, box: Box): Promise<void> => {
  const { format, train, last, lastFormat } = task.inputs;
  if (format === undefined || train === undefined) throw failure('ArtifactCorrupt', 'evaluate was asked without a dataset or an adapter');
  const { evaluate: config, gate } = task.config as Pick<PipelineInput, 'evaluate' | 'gate'>;
  const { store } = deps;
  const settings = await formatOf(deps, format);
  const manifest = await manifestOf(store, format);
  const examples: Example[] = [];
  for await (const example of stageRows(store, format, 'data/test.jsonl', Example)) examples.push(example);

  // Questions of the input first, then questions of the test split for format health.
  const asked = config.questions.map((question, at) => ({
    id: `question-${at}`,
    messages: messagesOf(question, null, settings.instructions, base.family),
  }));
  const health = examples.slice(0, config.generations).map((example) => ({ id: example.id, messages: example.messages.slice(0, -1) }));
  const adapterFolder = async (ref: StageRef): Promise<string> =>
    join(await store.local(await stagePath(store, ref, 'adapter_config.json')), '..');
  const probes = [
    ...(manifest.content.outputs.some(({ name }) => name === 'tokens/test.safetensors')
      ? [
          {
            name: PROBE.test,
            tokens: await store.local(await stagePath(store, format, 'tokens/test.safetensors')),
            maxExamples: config.maxExamples,
          },
        ]
      : []),
    { name: PROBE.general, tokens: await store.local(await stagePath(store, format, 'tokens/general.safetensors')), maxExamples: null },
  ];
  const out = join(deps.config.home, 'work', 'evaluate', `${task.key}-${box.fence}`);
  const result = await deps.runTrainer({
    command: 'evaluate',
    config: {
      schema: 1,
      command: 'evaluate',
      out,
      device: trainerDevice(deps),
      dtype: await trainedDtype(deps, train),
      base: await localBase(deps, box, base),
      adapters: [
        { name: MODEL.tuned, folder: await adapterFolder(train) },
        ...(last === undefined ? [] : [{ name: MODEL.last, folder: await adapterFolder(last) }]),
      ],
      probes,
      prompts: [...asked, ...health].map(({ id, messages }) => promptOf(id, messages, base.family, settings)),
      maxNewTokens: config.maxNewTokens,
    },
    signal: box.pulse.signal,
    onEvent: (event) => {
      if (event.type === 'progress') box.pulse.details({ text: event.what, done: event.done, total: event.total });
    },
  });
  if (result.outcome !== 'done') throw stopOf('evaluate', result, box.pulse.signal);

  const scores: ScoreRow[] = await lines(join(out, 'nll.jsonl'), ScoreLine);
  const all: AnswerRow[] = await lines(join(out, 'answers.jsonl'), AnswerLine);
  const isAsked = ({ id }: AnswerRow): boolean => id.startsWith('question-');
  const trained = lastFormat === undefined ? null : await trainedExamples(deps, lastFormat);
  const judged = evaluate({
    scores,
    answers: all,
    examples,
    splitBy: (manifest.facts.metrics['splitBy'] as 'page' | 'section' | undefined) ?? 'page',
    family: base.family,
    config: gate,
    last: trained === null ? 'nothing was published before, or on another base' : { trained },
  });
  const file = evaluationFile(judged, new Map(config.questions.map((question, at) => [`question-${at}`, question])));
  await box.put('evaluation.json', `${JSON.stringify(file, null, 2)}\n`);
  await box.put('nll.jsonl', await readFile(join(out, 'nll.jsonl')));
  await box.put('answers.jsonl', await readFile(join(out, 'answers.jsonl')));
  box.metrics = { verdict: judged.verdict };
  box.counts = {
    test_examples: judged.base?.examples ?? 0,
    answers: all.filter((answer) => !isAsked(answer)).length / 2,
    questions: file.answers.length,
  };
  await rm(out, { recursive: true, force: true });
};

/** What the last published model was trained on: it may not be judged on that. */
const trainedExamples = async (deps: StageDeps, lastFormat: StageRef): Promise<Example[]> => {
  const examples: Example[] = [];
  for await (const example of stageRows(deps.store, lastFormat, 'data/train.jsonl', Example)) examples.push(example);
  return examples;
};
