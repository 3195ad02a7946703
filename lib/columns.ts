// Columns of more rows than objects would fit for: some tens of bytes a row, whatever its text.
import { orderByKey } from './radix-sort';

const FIRST_CAPACITY = 1024;

/** Numbers in a row that grows. */
export class NumberColumn {
  size = 0;
  private numbers: Float64Array = new Float64Array(FIRST_CAPACITY);

  push(value: number): void {
    if (this.size === this.numbers.length) {
      const wider = new Float64Array(2 * this.size);
      wider.set(this.numbers);
      this.numbers = wider;
    }
    this.numbers[this.size++] = value;
  }

  at(row: number): number {
    return this.numbers[row]!;
  }

  /** A copy, from a row on. */
  values(first = 0): Float64Array {
    return this.numbers.slice(first, this.size);
  }
}

/** Hashes, or the first bytes of them. */
export class HashColumn {
  size = 0;
  private bytes = Buffer.alloc(0);

  /** @param width bytes kept of each: 32 are the whole, 16 still tell any number of rows apart */
  constructor(private readonly width: 16 | 32) {
    this.bytes = Buffer.allocUnsafe(FIRST_CAPACITY * width);
  }

  /** @param hex 64 hex digits */
  push(hex: string): void {
    const at = this.size++ * this.width;
    if (at === this.bytes.length) {
      const wider = Buffer.allocUnsafe(2 * at);
      this.bytes.copy(wider);
      this.bytes = wider;
    }
    this.bytes.write(hex, at, this.width, 'hex');
  }

  hex(row: number): string {
    return this.bytes.toString('hex', row * this.width, (row + 1) * this.width);
  }

  compare(a: number, b: number): number {
    const { bytes, width } = this;
    return bytes.compare(bytes, b * width, (b + 1) * width, a * width, (a + 1) * width);
  }

  /** All rows, ascending by hash; those with the same hash in the order in which they came. */
  sorted(): Uint32Array {
    const rows = Uint32Array.from({ length: this.size }, (_, row) => row);
    const heads = Uint32Array.from(rows, (row) => this.bytes.readUInt32BE(row * this.width));
    const order = orderByKey(rows, heads);
    // Rows whose first 32 bits are equal: few, but for rows that are the same.
    for (let start = 0; start < order.length;) {
      let end = start + 1;
      while (end < order.length && heads[order[end]!] === heads[order[start]!]) end += 1;
      if (end - start > 1) order.subarray(start, end).sort((a, b) => this.compare(a, b) || a - b);
      start = end;
    }
    return order;
  }

  /** Runs of rows with the same hash. */
  *groups(): Generator<Uint32Array, void, undefined> {
    const order = this.sorted();
    for (let start = 0; start < order.length;) {
      let end = start + 1;
      while (end < order.length && this.compare(order[end]!, order[start]!) === 0) end += 1;
      yield order.subarray(start, end);
      start = end;
    }
  }
}
