import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SpillFile } from '../../io/spill-file';
import { createRandom } from '../../lib/random';
import { MemorySpill, type Spill } from '../../lib/spill';

const folder = mkdtempSync(join(tmpdir(), 'spill-'));
afterAll(() => rmSync(folder, { recursive: true }));

const exercise = (spill: Spill): void => {
  const random = createRandom(1);
  const parts = Array.from({ length: 2000 }, (_, index) => {
    const bytes = Buffer.alloc(index % 400 === 7 ? 1_500_000 : random.below(3000), index & 0xff);
    return { bytes, start: spill.append(bytes) };
  });
  const look = ({ bytes, start }: (typeof parts)[number]): void => {
    const read = spill.read(start, bytes.length);
    expect(read.byteOffset).toBe(0);
    expect(read.equals(bytes)).toBe(true);
  };
  parts.forEach(look);
  for (let times = 0; times < 2000; times++) look(parts[random.below(parts.length)]!);
  const later = Buffer.from('later');
  look({ bytes: later, start: spill.append(later) });
};

test('what was appended is read again, in order and in any order, also while more comes', () => {
  const spill = new SpillFile(join(folder, 'work'));
  exercise(spill);
  spill.close();
  expect(existsSync(join(folder, 'work'))).toBe(true);
  expect(readdirSync(join(folder, 'work'))).toEqual([]);
});

test('the one in memory does the same', () => exercise(new MemorySpill()));

test('a spill that somebody cut off is an error, no wrong bytes', () => {
  const spill = new SpillFile(join(folder, 'work'));
  spill.append(Buffer.alloc(100));
  expect(() => spill.read(50, 100)).toThrow('ends before byte 150');
  spill.close();
});
