// What a training tells a person: one line while it runs, a few facts when it is over.
import { z } from 'zod';
import type { TrainerEvent } from '../contracts/trainer';

const GIB = 2 ** 30;
const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;
const count = (value: number): string => value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ',');

/** What the heartbeat carries of an event of `train`; null: nothing new for a person. */
export const trainingBeat = (event: TrainerEvent): Record<string, unknown> | null => {
  if (event.type === 'step') {
    const { step, steps, loss, lr, gradNorm, tokensPerSecond, mfu, etaSeconds, memoryBytes } = event;
    return { step, steps, loss, lr, gradNorm, tokensPerSecond, mfu, etaSeconds, memoryBytes };
  }
  if (event.type === 'loaded')
    return {
      text: `loaded in ${event.seconds.toFixed(0)} s; trains ${count(event.trainable)} parameters, ${share(event.trainable, event.parameters)} of the base's`,
    };
  if (event.type === 'selfTest')
    return { text: `self-test of engine ${event.engine}: gradients within ${event.gradientError.toExponential(1)} of the reference` };
  if (event.type === 'plan') {
    const { microTokens, checkpointing, residentLayers, freeBytes, expectedBytes, expectedSeconds, reason } = event;
    const measured =
      expectedBytes === null || expectedSeconds === null ? '' : `; ${gib(expectedBytes)}, ${expectedSeconds.toFixed(0)} s expected`;
    const recomputed = checkpointing === 'none' ? '' : `, recomputes ${checkpointing}`;
    const resident = residentLayers === 0 ? '' : `, ${residentLayers} layers in 16 bits`;
    return { text: `plan: ${microTokens} tokens a pass${recomputed}${resident}, ${gib(freeBytes)} free${measured} (${reason})` };
  }
  return null;
};

const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(3)} %`;

const Facts = z.looseObject({
  engine: z.string(),
  dtype: z.string(),
  parameters: z.number(),
  trainableParameters: z.number(),
  steps: z.number(),
  plannedSteps: z.number(),
  stoppedEarly: z.boolean(),
  deliveredStep: z.number(),
  bestValidationNll: z.number().nullable(),
  skippedSteps: z.array(z.number()),
  plan: z.looseObject({ micro_tokens: z.number(), checkpointing: z.string() }),
});

/** Facts of a finished training for the report, from its stage's metrics; none where an older release trained. */
export const trainingFacts = (metrics: Record<string, unknown>): { name: string; text: string }[] => {
  const parsed = Facts.safeParse(metrics);
  if (!parsed.success) return [];
  const facts = parsed.data;
  const best = facts.bestValidationNll;
  const skipped = facts.skippedSteps;
  return [
    { name: 'engine', text: `${facts.engine}, ${facts.dtype}` },
    {
      name: 'trained parameters',
      text: `${count(facts.trainableParameters)} of ${count(facts.parameters)} (${share(facts.trainableParameters, facts.parameters)})`,
    },
    {
      name: 'steps',
      text: `${facts.steps} of ${facts.plannedSteps}${facts.stoppedEarly ? ', stopped early: validation no longer improved' : ''}`,
    },
    { name: 'adapter', text: `of step ${facts.deliveredStep}${best === null ? '' : `, lowest validation loss ${best.toFixed(4)}`}` },
    { name: 'plan', text: `${facts.plan.micro_tokens} tokens a pass, recomputed: ${facts.plan.checkpointing}` },
    ...(skipped.length === 0 ? [] : [{ name: 'steps left out', text: skipped.join(', ') }]),
  ];
};
