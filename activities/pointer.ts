// What a target published last: moved once a run has published or prepared, read once at the start of the next.
import type { CpuActivities } from '../contracts/activities';
import { ARTIFACT_SCHEMA, Pointer } from '../contracts/artifacts';
import { failure } from '../contracts/errors';
import { pathSegment, type Store } from '../io/store';
import { requireStore } from './stage';

const pathOf = (target: string): string => `published/${pathSegment(target)}.json`;

export const createPointer = ({ store }: { store: Store }): Pick<CpuActivities, 'readPointer' | 'movePointer'> => ({
  async readPointer(storeId, target) {
    requireStore(store, storeId);
    const data = await store.read(pathOf(target));
    if (data === null) return null;
    const parsed = Pointer.safeParse(JSON.parse(data.toString('utf8')));
    if (parsed.success) return parsed.data;
    throw failure(
      'ArtifactCorrupt',
      `${pathOf(target)} is no pointer of schema ${ARTIFACT_SCHEMA}: written by a newer retune, or damaged. Update retune, or remove the file to forget what ${target} published`,
    );
  },

  async movePointer(storeId, pointer) {
    requireStore(store, storeId);
    await store.putFile(pathOf(pointer.target), `${JSON.stringify(pointer, null, 2)}\n`);
  },
});
