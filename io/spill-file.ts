// A file of this worker for what does not fit into memory; it goes when the stage's attempt ends. Synchronous, since its
// callers compute in between.
import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Written at once, and kept in memory until then. */
const BUFFER_BYTES = 1 << 20;
/** Read at once: rows that are read one after the other in the order in which they came cost no call each. */
const WINDOW_BYTES = 1 << 16;

export class SpillFileError extends Error {
  override readonly name = 'SpillFileError';
  readonly code = 'CUT_OFF';
}

/** Call close() in the end. */
export class SpillFile {
  private readonly path: string;
  private readonly file: number;
  private readonly pending = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  private written = 0;
  private waiting = 0;
  private window = { start: 0, bytes: Buffer.alloc(0) };

  /** @param folder made when it is not there */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.path = join(folder, `${randomUUID()}.spill`);
    this.file = openSync(this.path, 'wx+');
  }

  append(bytes: Uint8Array): number {
    const start = this.written + this.waiting;
    if (this.waiting + bytes.length > BUFFER_BYTES) this.flush();
    if (bytes.length > BUFFER_BYTES) this.write(bytes);
    else {
      this.pending.set(bytes, this.waiting);
      this.waiting += bytes.length;
    }
    return start;
  }

  read(start: number, bytes: number): Buffer<ArrayBuffer> {
    if (start + bytes > this.written) this.flush();
    // A buffer of its own: the window moves on, and numbers must begin where a buffer does.
    const buffer = Buffer.allocUnsafeSlow(bytes);
    const { window } = this;
    if (start >= window.start && start + bytes <= window.start + window.bytes.length) {
      window.bytes.copy(buffer, 0, start - window.start);
      return buffer;
    }
    if (bytes >= WINDOW_BYTES) {
      this.fill(buffer, start);
      return buffer;
    }
    const near = start >= window.start && start < window.start + 2 * WINDOW_BYTES && window.bytes.length > 0;
    const size = near ? Math.min(WINDOW_BYTES, this.written - start) : bytes;
    const wide = Buffer.allocUnsafeSlow(size);
    this.fill(wide, start);
    this.window = { start, bytes: wide };
    wide.copy(buffer, 0, 0, bytes);
    return buffer;
  }

  close(): void {
    closeSync(this.file);
    rmSync(this.path, { force: true });
  }

  private fill(buffer: Buffer, start: number): void {
    for (let at = 0; at < buffer.length;) {
      const got = readSync(this.file, buffer, at, buffer.length - at, start + at);
      if (got === 0) throw new SpillFileError(`${this.path} ends before byte ${start + buffer.length}`);
      at += got;
    }
  }

  private flush(): void {
    this.write(this.pending.subarray(0, this.waiting));
    this.waiting = 0;
  }

  private write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) at += writeSync(this.file, bytes, at, bytes.length - at, this.written + at);
    this.written += bytes.length;
  }
}
