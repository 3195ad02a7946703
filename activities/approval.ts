// A person's yes or no, kept under the digest of what was prepared: the same model is not asked about twice.
import type { CpuActivities } from '../contracts/activities';
import { readApproval, saveApproval } from '../io/approvals';
import type { Store } from '../io/store';
import { requireStore } from './stage';

export const createApproval = ({ store }: { store: Store }): Pick<CpuActivities, 'readApproval' | 'saveApproval'> => ({
  async readApproval(storeId, digest) {
    requireStore(store, storeId);
    return readApproval(store, digest);
  },

  async saveApproval(storeId, digest, approval) {
    requireStore(store, storeId);
    await saveApproval(store, digest, approval);
  },
});
