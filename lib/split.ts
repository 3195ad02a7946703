// Which pair is trained on, which is kept back: by page, so that no page is on both sides, and for ever, so that a
// page never moves between nights.
import type { Pair, Split } from '../contracts/records';
import { HashColumn, NumberColumn } from './columns';
import { sha256 } from './hash';

export interface SplitConfig {
  testShare: number;
  validationShare: number;
  salt: string;
}

/** With fewer test pages than this a bootstrap over pages has no width: sections are split instead. */
export const MIN_TEST_PAGES = 5;

/** A number in [0, 1) that depends on the salt and the name alone. */
const lot = (salt: string, name: string): number => Number.parseInt(sha256(`${salt}\n${name}`).slice(0, 12), 16) / 2 ** 48;

const drawn = (name: string, { salt, testShare, validationShare }: SplitConfig): Split => {
  const at = lot(salt, name);
  return at < testShare ? 'test' : at < testShare + validationShare ? 'validation' : 'train';
};

/** What a row can be told: its split, or that a near-duplicate of its section lies in one that matters more. */
export type Place = Split | 'crossing';

/** A cluster that lies in several splits stays in the one that matters most: train, then test, then validation. */
const PLACES: readonly Place[] = ['validation', 'test', 'train', 'crossing'];
const TEST = PLACES.indexOf('test');

/** Pairs as columns, about 60 bytes each; a row is known by its number. */
export class SplitTable {
  private readonly clusters = new HashColumn(32);
  private readonly pages = new HashColumn(16);
  private readonly byPage = new NumberColumn();

  constructor(private readonly config: SplitConfig) {}

  add({ url, pageId, cluster }: Pick<Pair, 'url' | 'pageId' | 'cluster'>): void {
    this.clusters.push(cluster);
    this.pages.push(pageId);
    this.byPage.push(PLACES.indexOf(drawn(url, this.config)));
  }

  /**
   * What was kept together, whole pages or near-duplicate sections inside pages, and the place of a row.
   * @param counts false for rows that are not there
   */
  assign(counts: (row: number) => boolean = () => true): { by: 'page' | 'section'; placeOf: (row: number) => Place } {
    const byPage = this.testPages(counts) >= MIN_TEST_PAGES;
    const places = byPage ? this.ownersByCluster(counts) : this.drawnByCluster(counts);
    return { by: byPage ? 'page' : 'section', placeOf: (row) => PLACES[places[row]!]! };
  }

  private testPages(counts: (row: number) => boolean): number {
    let pages = 0;
    for (const rows of this.pages.groups()) if (rows.some((row) => this.byPage.at(row) === TEST && counts(row))) pages += 1;
    return pages;
  }

  private *groups(counts: (row: number) => boolean): Generator<Uint32Array, void, undefined> {
    for (const rows of this.clusters.groups()) {
      const there = rows.filter(counts);
      if (there.length > 0) yield there;
    }
  }

  private ownersByCluster(counts: (row: number) => boolean): Uint8Array {
    const places = Uint8Array.from({ length: this.byPage.size }, (_, row) => this.byPage.at(row));
    for (const rows of this.groups(counts)) {
      const owner = rows.reduce((most, row) => Math.max(most, places[row]!), 0);
      for (const row of rows) if (places[row] !== owner) places[row] = PLACES.indexOf('crossing');
    }
    return places;
  }

  private drawnByCluster(counts: (row: number) => boolean): Uint8Array {
    const { salt, testShare } = this.config;
    const places = new Uint8Array(this.byPage.size);
    let [clusters, tested] = [0, false];
    let lowest = { lot: Infinity, rows: new Uint32Array() as Uint32Array };
    for (const rows of this.groups(counts)) {
      clusters += 1;
      const cluster = this.clusters.hex(rows[0]!);
      const place = PLACES.indexOf(drawn(cluster, this.config));
      tested ||= place === TEST;
      for (const row of rows) places[row] = place;
      const own = lot(salt, cluster);
      if (own < lowest.lot) lowest = { lot: own, rows };
    }
    // Of a handful of sections perhaps none falls under the share; one is held out all the same, so that something is tested.
    if (testShare > 0 && clusters > 2 && !tested) for (const row of lowest.rows) places[row] = TEST;
    return places;
  }
}
