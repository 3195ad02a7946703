// The sections of a run page by page and host by host, although their file is in the order of their ids: an index of about
// 100 bytes a section, and the lines are read where they stand.
import type { StageRef } from '../contracts/artifacts';
import { Section } from '../contracts/records';
import type { FileParts } from '../io/file-parts';
import type { Store } from '../io/store';
import { HashColumn, NumberColumn } from '../lib/columns';
import { parsePlacedLines } from '../lib/jsonl';
import { hostOf, type PageSections } from '../lib/pair';
import { stagePath } from './stage';

/** A host with no more sections is held in memory while its pages are looked at, and read once. */
const HELD_SECTIONS = 20_000;

export interface SectionPages {
  size: number;
  /** One a host; its pages may be asked for again and again. */
  hosts: (() => Iterable<PageSections>)[];
}

/** @param files closed by the caller, after the last page */
export const openSectionPages = async (store: Store, ref: StageRef, files: FileParts, signal: AbortSignal): Promise<SectionPages> => {
  const path = await stagePath(store, ref, 'sections.jsonl');
  const file = await store.local(path);
  const [pages, hosts, starts, sizes] = [new HashColumn(32), new NumberColumn(), new NumberColumn(), new NumberColumn()];
  const names = new Map<string, number>();
  for await (const { row, start, bytes } of parsePlacedLines(await store.open(path), Section)) {
    signal.throwIfAborted();
    const name = hostOf(row.url);
    if (!names.has(name)) names.set(name, names.size);
    pages.push(row.pageId);
    hosts.push(names.get(name)!);
    starts.push(start);
    sizes.push(bytes);
  }
  const ofHost = Array.from(names, (): Uint32Array[] => []);
  for (const page of pages.groups()) ofHost[hosts.at(page[0]!)]!.push(page);
  const read = (page: Uint32Array): PageSections =>
    Array.from(page, (row) => JSON.parse(files.read(file, starts.at(row), sizes.at(row)).toString()) as Section).sort(
      (a, b) => a.position - b.position,
    );
  return {
    size: pages.size,
    hosts: ofHost.map((own) => {
      const size = own.reduce((sum, page) => sum + page.length, 0);
      const again = function* (): Generator<PageSections, void, undefined> {
        for (const page of own) yield read(page);
      };
      if (size > HELD_SECTIONS) return again;
      let held: PageSections[] | null = null;
      return () => (held ??= [...again()]);
    }),
  };
};
