// What a person is told of a training.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TrainerEvent } from '../../contracts/trainer';
import { trainingBeat, trainingFacts } from '../../lib/training';

const events = readFileSync(join(__dirname, '../../native/tests/fixtures/events.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => TrainerEvent.parse(JSON.parse(line)));
const beatOf = (type: string): unknown => trainingBeat(events.find((event) => event.type === type) as TrainerEvent);

test('a heartbeat carries the newest step, and before the first one what was loaded and planned', () => {
  expect(beatOf('step')).toEqual({
    step: 1,
    steps: 6,
    loss: 2.9529,
    lr: 0.00025,
    gradNorm: 0.33,
    tokensPerSecond: 429.5,
    mfu: null,
    etaSeconds: 16.3,
    memoryBytes: 3324870656,
  });
  expect(beatOf('loaded')).toEqual({ text: "loaded in 2 s; trains 2,442,240 parameters, 1.816 % of the base's" });
  expect(beatOf('plan')).toEqual({
    text: 'plan: 512 tokens a pass, 21.1 GiB free; 3.1 GiB, 20 s expected (21.1 GiB free, 0.58 expected)',
  });
  expect(beatOf('warning')).toBeNull();
});

test('facts of a training name its adapter, its share of the parameters and why it ended', () => {
  const metrics = {
    engine: 'gptoss',
    dtype: 'bf16',
    parameters: 20_000_000_000,
    trainableParameters: 92_454_912,
    steps: 40,
    plannedSteps: 60,
    stoppedEarly: true,
    deliveredStep: 30,
    bestValidationNll: 1.25,
    skippedSteps: [7],
    plan: { micro_tokens: 16384, checkpointing: 'none' },
  };
  expect(trainingFacts(metrics).map(({ name, text }) => `${name}: ${text}`)).toEqual([
    'engine: gptoss, bf16',
    'trained parameters: 92,454,912 of 20,000,000,000 (0.462 %)',
    'steps: 40 of 60, stopped early: validation no longer improved',
    'adapter: of step 30, lowest validation loss 1.2500',
    'plan: 16384 tokens a pass, recomputed: none',
    'steps left out: 7',
  ]);
  expect(trainingFacts({ finalLoss: 1 })).toEqual([]);
});
