// The stored shelves of a finished run, from the URLs to the dataset: every row has exactly one fate.
import { stageRows } from '../../activities/stage';
import { type RunRecord, VERBS, type Verb } from '../../contracts/artifacts';
import { Document, type Dropped, Example, Page, Pair, Section, SPLITS } from '../../contracts/records';
import { readDropped } from '../../io/exclusion-shelf';
import type { Store } from '../../io/store';
import { splitSections } from '../../lib/sections';
import type { z } from 'zod';

/** Ids of two fates together, each once. */
const once = (...lists: readonly (readonly string[])[]): string[] => {
  const all = lists.flat().sort();
  expect(new Set(all).size).toBe(all.length);
  return all;
};
const ids = (rows: readonly { id: string }[]): string[] => rows.map(({ id }) => id);

/** @returns how many rows each stage keeps out */
export const expectFates = async (store: Store, record: RunRecord, urls: number): Promise<Record<string, number>> => {
  const rows = async <T>(verb: Verb, name: string, schema: z.ZodType<T>): Promise<T[]> => {
    const found: T[] = [];
    for (const ref of record.stages[verb] ?? []) for await (const row of stageRows(store, ref, name, schema)) found.push(row);
    return found;
  };
  const out: Record<string, Dropped[]> = {};
  for (const verb of VERBS)
    for (const ref of record.stages[verb] ?? []) for await (const row of readDropped(store, ref)) (out[verb] ??= []).push(row);
  const dropped = (verb: Verb, of?: Dropped['of']): Dropped[] => (out[verb] ?? []).filter((row) => of === undefined || row.of === of);

  const pages = await rows('collect', 'pages.jsonl', Page);
  expect(once(ids(pages), ids(dropped('collect')))).toHaveLength(urls);
  const documents = await rows('clean', 'documents.jsonl', Document);
  expect(once(ids(documents), ids(dropped('clean')))).toEqual(once(ids(pages)));
  const sections = await rows('dedup', 'sections.jsonl', Section);
  expect(once(ids(sections), ids(dropped('dedup')))).toEqual(once(documents.flatMap((document) => ids(splitSections(document)))));
  const pairs = await rows('pair', 'pairs.jsonl', Pair);
  const silent = dropped('pair', 'section');
  once(ids(pairs), ids(dropped('pair', 'pair')));
  // A section asks something, or says why not; what it asked may have been refused, with a reason of its own.
  const asked = new Set(pairs.map(({ sectionId }) => sectionId));
  expect(silent.filter(({ id }) => asked.has(id))).toEqual([]);
  const examples = (await Promise.all(SPLITS.map((split) => rows('format', `data/${split}.jsonl`, Example)))).flat();
  const own = examples.filter(({ kind }) => kind !== 'general').map(({ pairId }) => pairId);
  expect(once(own, ids(dropped('format', 'pair')))).toEqual(once(ids(pairs)));
  for (const verb of ['dedup', 'pair'] as const)
    for (const row of dropped(verb)) expect([row.reason, row.detail]).toEqual([row.reason, expect.stringMatching(/\S/)]);
  return Object.fromEntries(Object.entries(out).map(([verb, list]) => [verb, list.length]));
};
