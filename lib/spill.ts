// Rows that wait between two passes over more of them than memory holds: their bytes elsewhere, their ids in columns.
import { HashColumn, NumberColumn } from './columns';

/** Bytes that are read again where they were written. */
export interface Spill {
  /** @param bytes which nobody changes afterwards @returns where they begin */
  append(bytes: Uint8Array<ArrayBuffer>): number;
  /** @param start of something that was appended; `bytes` of it, not to be changed */
  read(start: number, bytes: number): Buffer<ArrayBuffer>;
}

/** For as much as memory holds. */
export class MemorySpill implements Spill {
  private readonly parts = new Map<number, Uint8Array<ArrayBuffer>>();
  private end = 0;

  append(bytes: Uint8Array<ArrayBuffer>): number {
    const start = this.end;
    this.parts.set(start, bytes);
    this.end += Math.max(bytes.length, 1);
    return start;
  }

  read(start: number, bytes: number): Buffer<ArrayBuffer> {
    const part = this.parts.get(start)!;
    // Numbers are read from it: they ask for a buffer that begins with them.
    if (part.byteOffset === 0) return Buffer.from(part.buffer, 0, bytes);
    const copy = Buffer.allocUnsafeSlow(bytes);
    copy.set(part.subarray(0, bytes));
    return copy;
  }
}

/** Records by id: their lines lie in a spill. */
export class Rows<Row extends { id: string }> {
  readonly ids = new HashColumn(32);
  private readonly starts = new NumberColumn();
  private readonly sizes = new NumberColumn();

  constructor(private readonly spill: Spill) {}

  get size(): number {
    return this.ids.size;
  }

  add(row: Row): void {
    const line = Buffer.from(`${JSON.stringify(row)}\n`);
    this.ids.push(row.id);
    this.starts.push(this.spill.append(line));
    this.sizes.push(line.length);
  }

  line(row: number): Buffer<ArrayBuffer> {
    return this.spill.read(this.starts.at(row), this.sizes.at(row));
  }

  at(row: number): Row {
    return JSON.parse(this.line(row).toString()) as Row;
  }

  /** Lines ascending by id. */
  *lines(): Generator<Buffer, void, undefined> {
    for (const row of this.ids.sorted()) yield this.line(row);
  }
}
