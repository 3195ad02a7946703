// A person's yes or no, kept under the digest of what was prepared: the same model is not asked about twice.
import { z } from 'zod';
import type { CpuActivities } from '../contracts/activities';
import { ARTIFACT_SCHEMA } from '../contracts/artifacts';
import type { Store } from '../io/store';
import { requireStore } from './stage';

const Stored = z.object({ schema: z.literal(ARTIFACT_SCHEMA), approved: z.boolean(), by: z.string(), note: z.string(), at: z.string() });

const pathOf = (digest: string): string => `approvals/${digest}.json`;

export const createApproval = ({ store }: { store: Store }): Pick<CpuActivities, 'readApproval' | 'saveApproval'> => ({
  async readApproval(storeId, digest) {
    requireStore(store, storeId);
    const data = await store.read(pathOf(digest));
    if (data === null) return null;
    const { approved, by, note, at } = Stored.parse(JSON.parse(data.toString('utf8')));
    return { approved, by, note, at };
  },

  async saveApproval(storeId, digest, approval) {
    requireStore(store, storeId);
    await store.putFile(pathOf(digest), `${JSON.stringify({ schema: ARTIFACT_SCHEMA, ...approval }, null, 2)}\n`);
  },
});
