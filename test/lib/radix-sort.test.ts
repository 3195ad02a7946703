import { createRandom } from '../../lib/random';
import { orderByKey, sortHashes } from '../../lib/radix-sort';

const random = createRandom(3);
const numbers = (size: number, draw = random.next): Uint32Array => Uint32Array.from({ length: size }, draw);

test('hashes are sorted as by comparison, whatever their number', () => {
  for (const size of [0, 1, 2, 3, 63, 64, 65, 1000, 70_000]) {
    const given = numbers(size);
    expect(sortHashes(given.slice())).toEqual(given.slice().sort());
  }
});

test('numbers that are not spread at all are sorted too', () => {
  const shapes: (() => number)[] = [() => 7, () => random.below(3), () => 0xffffffff - random.below(9), () => random.below(100_000)];
  for (const draw of shapes) {
    const given = numbers(5000, draw);
    expect(sortHashes(given.slice())).toEqual(given.slice().sort());
  }
});

test('members are ordered by key, equal keys in the order given, few and many alike', () => {
  for (const size of [5, 500, 70_000]) {
    const keys = numbers(size, () => (random.below(3) === 0 ? random.next() : random.below(50)));
    const members = Uint32Array.from({ length: Math.ceil(size / 2) }, (_, index) => 2 * index);
    const wanted = [...members].sort((a, b) => keys[a]! - keys[b]! || a - b);
    expect([...orderByKey(members, keys)]).toEqual(wanted);
  }
});
