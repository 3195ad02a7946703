// Decisions about what was prepared, each under the digest of the prepared repositories.
import { z } from 'zod';
import type { Approval } from '../contracts/activities';
import { ARTIFACT_SCHEMA } from '../contracts/artifacts';
import type { Store } from './store';

const Stored = z.object({ schema: z.literal(ARTIFACT_SCHEMA), approved: z.boolean(), by: z.string(), note: z.string(), at: z.string() });

const pathOf = (digest: string): string => `approvals/${digest}.json`;
const withdrawnOf = (digest: string): string => `approvals/withdrawn/${digest}`;

const lineOf = (approval: Approval): string => `${JSON.stringify({ schema: ARTIFACT_SCHEMA, ...approval }, null, 2)}\n`;

/** The decision that stands; null when nobody has decided, or the rejection was withdrawn. */
export const readApproval = async (store: Store, digest: string): Promise<Approval | null> => {
  const data = await store.read(pathOf(digest));
  if (data === null) return null;
  const { approved, by, note, at } = Stored.parse(JSON.parse(data.toString('utf8')));
  return { approved, by, note, at };
};

export const saveApproval = async (store: Store, digest: string, approval: Approval): Promise<void> => {
  await store.putFile(pathOf(digest), lineOf(approval));
};

/**
 * Takes a rejection back, so that the next run asks again; who rejected, when and why is kept beside.
 * @returns what stood; only a rejection is withdrawn
 */
export const withdrawRejection = async (store: Store, digest: string): Promise<Approval | null> => {
  const stands = await readApproval(store, digest);
  if (stands === null || stands.approved) return stands;
  const number = (await store.list(withdrawnOf(digest))).length + 1;
  await store.putFile(`${withdrawnOf(digest)}/${number}.json`, lineOf(stands));
  await store.remove(pathOf(digest));
  return stands;
};
