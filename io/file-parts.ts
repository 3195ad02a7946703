// Parts of many files, read wherever they are asked for: synchronous, since the reader compares in between.
import { closeSync, openSync, readSync } from 'node:fs';

/** Open files; a system allows 1,024 a process by default. */
const MAX_OPEN = 256;

export class FilePartsError extends Error {
  override readonly name = 'FilePartsError';
  readonly code = 'CUT_OFF';
}

/** Keeps the files that were read last open. Call close() in the end. */
export class FileParts {
  private readonly open = new Map<string, number>();

  /** @throws FilePartsError when the file ends before */
  read(path: string, start: number, bytes: number): Buffer<ArrayBuffer> {
    const buffer = Buffer.allocUnsafeSlow(bytes);
    const file = this.handle(path);
    for (let at = 0; at < bytes;) {
      const got = readSync(file, buffer, at, bytes - at, start + at);
      if (got === 0) throw new FilePartsError(`${path} ends before byte ${start + bytes}`);
      at += got;
    }
    return buffer;
  }

  close(): void {
    for (const file of this.open.values()) closeSync(file);
    this.open.clear();
  }

  private handle(path: string): number {
    const known = this.open.get(path);
    if (known !== undefined) {
      this.open.delete(path);
      this.open.set(path, known);
      return known;
    }
    const [oldest] = this.open;
    if (this.open.size >= MAX_OPEN && oldest !== undefined) {
      this.open.delete(oldest[0]);
      closeSync(oldest[1]);
    }
    const file = openSync(path, 'r');
    this.open.set(path, file);
    return file;
  }
}
