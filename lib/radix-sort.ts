// Sorting of 32-bit numbers without comparisons: linear, and several times faster here than the sort of typed arrays.

let scratch = new Uint32Array(1 << 12);
let counts = new Uint32Array(1 << 12);
/** Moves a number that insertion may cost; hashes need less than one. */
const MAX_MOVES = 8;

/**
 * Sorts hashes in place, ascending: as many buckets as numbers by their upper bits, then insertion. Numbers that are not
 * spread like hashes are sorted by comparison.
 */
export const sortHashes = (numbers: Uint32Array): Uint32Array => {
  const size = numbers.length;
  const bits = Math.min(24, Math.max(1, 32 - Math.clz32(size)));
  const shift = 32 - bits;
  if (scratch.length < size) scratch = new Uint32Array(2 * size);
  if (counts.length < 2 ** bits) counts = new Uint32Array(2 ** bits);
  const [to, places] = [scratch, counts];
  places.fill(0, 0, 2 ** bits);
  for (let at = 0; at < size; at++) places[numbers[at]! >>> shift]!++;
  for (let value = 0, start = 0; value < 2 ** bits; value++) {
    const count = places[value]!;
    places[value] = start;
    start += count;
  }
  for (let at = 0; at < size; at++) {
    const value = numbers[at]!;
    to[places[value >>> shift]!++] = value;
  }
  let moves = MAX_MOVES * size;
  for (let at = 0; at < size; at++) {
    const value = to[at]!;
    let place = at;
    while (place > 0 && numbers[place - 1]! > value) {
      numbers[place] = numbers[place - 1]!;
      place -= 1;
      moves -= 1;
    }
    numbers[place] = value;
    if (moves < 0) {
      numbers.set(to.subarray(0, size));
      return numbers.sort();
    }
  }
  return numbers;
};

const DIGIT = 1 << 16;

/** Members in the order of their keys, those with equal keys in the order given. */
export const orderByKey = (members: Uint32Array, keys: Uint32Array): Uint32Array => {
  const size = members.length;
  let from = members;
  // Two passes of 16 bits for many members, four of 8 for few.
  const [bits, passes] = size < DIGIT ? [8, 4] : [16, 2];
  const counts = new Uint32Array(2 ** bits);
  for (let pass = 0; pass < passes; pass++) {
    const [shift, mask] = [pass * bits, 2 ** bits - 1];
    counts.fill(0);
    for (let at = 0; at < size; at++) counts[(keys[from[at]!]! >>> shift) & mask]!++;
    for (let value = 0, start = 0; value <= mask; value++) {
      const count = counts[value]!;
      counts[value] = start;
      start += count;
    }
    const to = new Uint32Array(size);
    for (let at = 0; at < size; at++) {
      const member = from[at]!;
      to[counts[(keys[member]! >>> shift) & mask]!++] = member;
    }
    from = to;
  }
  return from;
};
