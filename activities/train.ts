// Training under a lease: the trainer's checkpoints reach the store before they count, and an attempt on any
// machine goes on from the newest whole one.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { GpuActivities, KeyedTask } from '../contracts/activities';
import type { BaseModel, StageRef } from '../contracts/artifacts';
import { failure } from '../contracts/errors';
import type { PipelineInput } from '../contracts/input';
import { CRASHES_WITHOUT_ADVANCE } from '../contracts/policies';
import type { TrainConfig } from '../contracts/trainer';
import { materialise } from '../io/base-model';
import { CheckpointShelf } from '../io/checkpoints';
import type { Config } from '../io/config';
import type { RunTrainer } from '../io/trainer';
import { trainingBeat } from '../lib/training';
import type { Device } from './device';
import { type Box, manifestOf, runStage, type StageDeps, stagePath } from './stage';
import { stopOf } from './trainer-failure';

export interface GpuDeps extends StageDeps {
  config: Config;
  runTrainer: RunTrainer;
  device: Device;
}

/** The base model on this machine, the same bytes that the key was made of. */
export const localBase = async (
  deps: GpuDeps,
  box: Box,
  base: BaseModel,
): Promise<{ folder: string; family: BaseModel['family']; id: string; revision: string | null; weightsDigest: string }> => {
  const local = await materialise(deps, base.id, base.revision, {
    signal: box.pulse.signal,
    onProgress: (text) => box.pulse.details({ text }),
  });
  if (local.model.weightsDigest !== base.weightsDigest)
    throw failure(
      'ArtifactCorrupt',
      `${base.id} on this machine has other weights (${local.model.weightsDigest.slice(0, 8)}) than the run resolved (${base.weightsDigest.slice(0, 8)}); remove ${local.folder}`,
    );
  return { folder: local.folder, family: base.family, id: base.publicId, revision: base.revision, weightsDigest: base.weightsDigest };
};

/** The number type that the adapter was trained in: everything that is compared with it uses the same. */
export const trainedDtype = async (deps: GpuDeps, train: StageRef): Promise<'auto' | 'bf16' | 'fp32'> =>
  ((await manifestOf(deps.store, train)).facts.config as Pick<PipelineInput, 'model'>).model.dtype;

export const trainerDevice = (deps: GpuDeps): 'cpu' | 'cuda' => (deps.device.cpuOnly ? 'cpu' : 'cuda');

export const createTrain = (deps: GpuDeps): Pick<GpuActivities, 'train'> => ({
  async train(task, base) {
    return deps.device.hold(async () => runStage(deps, task, async (box) => train(deps, task, base, box)));
  },
});

const STATES = { adamw: 'fp32', 'adamw-bf16': 'bf16', 'adamw-8bit': '8bit' } as const;

const train = async (deps: GpuDeps, task: KeyedTask, base: BaseModel, box: Box): Promise<void> => {
  const format = task.inputs['format'] as StageRef;
  const settings = task.config.train as PipelineInput['train'];
  const model = task.config.model as PipelineInput['model'];
  const work = join(deps.config.home, 'work', 'train', task.key);
  const shelf = new CheckpointShelf(deps.store, `train/${task.key}`, join(work, 'checkpoints'), {
    newest: settings.keep,
    best: settings.keepBest,
  });
  const resume = await shelf.newest();
  const crashes = await shelf.crashes(resume?.step ?? 0);
  if (crashes >= CRASHES_WITHOUT_ADVANCE)
    throw failure(
      'TrainerCrashed',
      `training crashed ${crashes} times in a row without getting past step ${resume?.step ?? 0}: ${await shelf.lastCrash()}`,
      { final: true },
    );

  const { content } = await manifestOf(deps.store, format);
  const tokens = async (split: string): Promise<string | null> => {
    const name = `tokens/${split}.safetensors`;
    return content.outputs.some((output) => output.name === name) ? deps.store.local(await stagePath(deps.store, format, name)) : null;
  };
  const trainTokens = await tokens('train');
  if (trainTokens === null) throw failure('ArtifactCorrupt', 'the dataset has no tokens/train.safetensors');
  const config: TrainConfig & { command: 'train' } = {
    schema: 1,
    command: 'train',
    out: join(work, 'out'),
    device: trainerDevice(deps),
    dtype: model.dtype,
    base: await localBase(deps, box, base),
    tokens: { train: trainTokens, validation: await tokens('validation') },
    datasetDigest: format.outputDigest,
    seed: settings.seed,
    lora: settings.lora,
    optimizer: {
      lr: settings.lr,
      schedule: settings.schedule,
      warmupSteps: settings.warmupSteps,
      weightDecay: settings.weightDecay,
      clip: settings.clip,
      state: STATES[settings.optimizer],
    },
    steps: settings.steps,
    epochs: settings.epochs,
    batch: settings.batch,
    microTokens: settings.microTokens,
    engine: settings.engine,
    selfTest: settings.selfTest,
    evalEvery: settings.evalEvery,
    earlyStopping: settings.patience === null ? null : { patience: settings.patience, minDelta: settings.minDelta },
    deliver: settings.deliver,
    logEvery: settings.logEvery,
    checkpoint: {
      folder: join(work, 'checkpoints'),
      everySteps: settings.saveEvery,
      everySeconds: settings.saveSeconds,
      keep: settings.keep,
      keepBest: settings.keepBest,
      resume: resume?.folder ?? null,
      fence: box.fence,
    },
  };
  let saving = Promise.resolve();
  const result = await deps.runTrainer({
    command: 'train',
    config,
    signal: box.pulse.signal,
    onEvent: (event) => {
      const beat = trainingBeat(event);
      if (beat !== null) box.pulse.details(beat);
      // One after the other; a failed copy fails the attempt below, it never counts as saved.
      if (event.type === 'checkpoint')
        saving = saving.then(async () => {
          await box.check();
          await shelf.save(event.folder, event.step, box.fence);
        });
    },
  });
  await saving;
  if (result.outcome === 'crashed')
    await shelf.countCrash((await shelf.newest())?.step ?? 0, `${result.exit}: ${result.tail.at(-1) ?? 'no word'}`);
  if (result.outcome !== 'done') throw stopOf('train', result, box.pulse.signal);

  for (const name of ['adapter_config.json', 'adapter_model.safetensors', 'metrics.jsonl'])
    await box.putLocal(name, join(work, 'out', name));
  box.metrics = { ...result.result?.metrics, resumedFrom: resume?.step ?? null };
  const { steps, tokens: seen, supervisedTokens, trainableParameters } = box.metrics as Record<string, number>;
  box.counts = {
    steps: steps ?? 0,
    tokens: seen ?? 0,
    supervised_tokens: supervisedTokens ?? 0,
    trained_parameters: trainableParameters ?? 0,
  };
  await shelf.finish();
  await rm(work, { recursive: true, force: true });
};
