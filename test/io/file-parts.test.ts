import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileParts } from '../../io/file-parts';

test('parts of more files than may be open are read, and a part beyond the end is refused', () => {
  const folder = mkdtempSync(join(tmpdir(), 'file-parts-'));
  const paths = Array.from({ length: 300 }, (_, index) => join(folder, String(index)));
  paths.forEach((path, index) => writeFileSync(path, `<${index}>`));
  const files = new FileParts();
  try {
    for (let round = 0; round < 2; round++)
      paths.forEach((path, index) => expect(files.read(path, 1, String(index).length).toString()).toBe(String(index)));
    expect(files.read(paths[7]!, 3, 0)).toHaveLength(0);
    expect(() => files.read(paths[7]!, 1, 3)).toThrow(expect.objectContaining({ code: 'CUT_OFF' }) as Error);
  } finally {
    files.close();
    rmSync(folder, { recursive: true });
  }
});
