// Saves what a run knows of itself, after each stage and at its end.
import type { CpuActivities } from '../contracts/activities';
import { writeRun } from '../io/runs';
import type { Store } from '../io/store';
import { requireStore } from './stage';

export const createRunRecord = ({ store }: { store: Store }): Pick<CpuActivities, 'saveRun'> => ({
  async saveRun(storeId, record) {
    requireStore(store, storeId);
    await writeRun(store, record);
  },
});
