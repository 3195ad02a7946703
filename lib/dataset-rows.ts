// One split of the dataset: row i of its JSONL, its Parquet and its token file are one row here, so that they agree.
import type { Example, Split } from '../contracts/records';
import { NumberColumn } from './columns';
import { Rows, type Spill } from './spill';
import type { CountedExample } from './statistics';
import { supervised, type TokenRow, type TokenRows } from './token-file';

/** About 70 bytes a row in memory. Rows come in any order; all that is read is ascending by the examples' ids. */
export class DatasetRows {
  /** Of all rows. */
  tokens = 0;
  supervisedTokens = 0;
  private readonly examples: Rows<Example>;
  private readonly starts = new NumberColumn();
  private readonly sizes = new NumberColumn();
  private readonly supervised = new NumberColumn();
  private sorted: Uint32Array | null = null;

  constructor(private readonly spill: Spill) {
    this.examples = new Rows(spill);
  }

  get size(): number {
    return this.examples.size;
  }

  add(example: Example, { ids, roles }: Pick<TokenRow, 'ids' | 'roles'>): void {
    const learnt = supervised(roles);
    const bytes = Buffer.allocUnsafeSlow(5 * ids.length);
    new Int32Array(bytes.buffer, 0, ids.length).set(ids);
    bytes.set(roles, 4 * ids.length);
    this.examples.add(example);
    this.starts.push(this.spill.append(bytes));
    this.sizes.push(ids.length);
    this.supervised.push(learnt);
    this.tokens += ids.length;
    this.supervisedTokens += learnt;
    this.sorted = null;
  }

  *lines(): Generator<Buffer, void, undefined> {
    for (const row of this.order()) yield this.examples.line(row);
  }

  *records(): Generator<Example, void, undefined> {
    for (const row of this.order()) yield this.examples.at(row);
  }

  *counted(): Generator<CountedExample, void, undefined> {
    for (const row of this.order())
      yield { example: this.examples.at(row), tokens: this.sizes.at(row), supervised: this.supervised.at(row) };
  }

  /** As tokenFileChunks takes them. */
  tokenRows(): TokenRows {
    return { rows: this.size, tokens: this.tokens, each: () => this.eachTokenRow() };
  }

  private *eachTokenRow(): Generator<TokenRow, void, undefined> {
    for (const row of this.order()) {
      const size = this.sizes.at(row);
      const { buffer } = this.spill.read(this.starts.at(row), 5 * size);
      yield { example: this.examples.ids.hex(row), ids: new Int32Array(buffer, 0, size), roles: new Uint8Array(buffer, 4 * size, size) };
    }
  }

  private order(): Uint32Array {
    return (this.sorted ??= this.examples.ids.sorted());
  }
}

export type DatasetParts = Record<Split, DatasetRows>;

export const emptyParts = (spill: Spill): DatasetParts => ({
  train: new DatasetRows(spill),
  validation: new DatasetRows(spill),
  test: new DatasetRows(spill),
});
