// What stages kept out: the rows of dropped.jsonl beside the outputs of a finished stage.
import { createInterface } from 'node:readline';
import type { StageRef } from '../contracts/artifacts';
import { Dropped } from '../contracts/records';
import { readManifest, stageFolder } from './manifest';
import type { Store } from './store';

/** Every row that a finished stage dropped, in the order of its file; nothing for a stage without a shelf. */
export async function* readDropped(store: Store, { verb, key }: Pick<StageRef, 'verb' | 'key'>): AsyncGenerator<Dropped> {
  const manifest = await readManifest(store, verb, key);
  if (manifest === null) return;
  const path = `${stageFolder(verb, key, manifest.facts.fence)}/dropped.jsonl`;
  if ((await store.stat(path)) === null) return;
  for await (const line of createInterface({ input: await store.open(path), crlfDelay: Infinity }))
    if (line !== '') yield Dropped.parse(JSON.parse(line));
}
