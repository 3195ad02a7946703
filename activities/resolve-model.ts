// model.base to bytes: digests that keys are made of, before anything is formatted or trained.
import type { CpuActivities } from '../contracts/activities';
import { materialise } from '../io/base-model';
import type { Config } from '../io/config';
import type { RunTrainer } from '../io/trainer';
import { withPulse } from './pulse';
import { trainerFailure } from './trainer-failure';

export const createResolveModel = (deps: { config: Config; runTrainer: RunTrainer }): Pick<CpuActivities, 'resolveModel'> => ({
  async resolveModel({ model }) {
    return withPulse(async (pulse) => {
      try {
        const base = await materialise(deps, model.base, model.revision, {
          signal: pulse.signal,
          onProgress: (text) => pulse.details({ text }),
        });
        return base.model;
      } catch (error) {
        throw trainerFailure(error, pulse.signal);
      }
    });
  },
});
