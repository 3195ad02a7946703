// Byte pair encoding of one piece of text, as tiktoken does it: always the pair of lowest rank, leftmost first.
// Bytes travel as strings of one character a byte, the fastest key that JavaScript has.

const CACHED_PIECES = 100_000;

/** A binary heap of numbers, smallest first. */
const createHeap = (): { push: (value: number) => void; pop: () => number | undefined } => {
  const heap: number[] = [];
  const at = (index: number): number => heap[index] ?? Infinity;
  const swap = (a: number, b: number): void => {
    [heap[a], heap[b]] = [at(b), at(a)];
  };
  return {
    push: (value) => {
      heap.push(value);
      for (let index = heap.length - 1; index > 0;) {
        const parent = (index - 1) >> 1;
        if (at(parent) <= value) break;
        swap(parent, index);
        index = parent;
      }
    },
    pop: () => {
      const [top] = heap;
      const last = heap.pop();
      if (last === undefined || heap.length === 0) return top;
      heap[0] = last;
      for (let index = 0; ;) {
        const left = 2 * index + 1;
        const child = at(left + 1) < at(left) ? left + 1 : left;
        if (at(child) >= at(index)) return top;
        swap(child, index);
        index = child;
      }
    },
  };
};

/**
 * @param ranks each token's bytes to its rank, which is its id; every single byte must be in it
 * @returns appends the ids of bytes to a list, in O(n log n): a line of 100,000 dashes takes milliseconds
 */
export const createBytePairEncoder = (ranks: ReadonlyMap<string, number>): ((bytes: string, into: number[]) => void) => {
  const cache = new Map<string, readonly number[]>();

  const merge = (bytes: string): number[] => {
    const size = bytes.length;
    // Part i covers bytes [i, end[i]); a part swallowed by its left neighbour has end 0.
    const end = new Uint32Array(size);
    const before = new Int32Array(size);
    for (let index = 0; index < size; index++) {
      end[index] = index + 1;
      before[index] = index - 1;
    }
    const rankAt = (index: number): number | undefined => {
      const middle = end[index] ?? size;
      return middle >= size ? undefined : ranks.get(bytes.slice(index, end[middle]));
    };
    const heap = createHeap();
    const offer = (index: number): void => {
      const rank = rankAt(index);
      if (rank !== undefined) heap.push(rank * size + index);
    };
    for (let index = 0; index < size; index++) offer(index);
    for (let entry = heap.pop(); entry !== undefined; entry = heap.pop()) {
      const index = entry % size;
      // Entries are not removed when a neighbour merges, only found to be stale here.
      if (end[index] === 0 || rankAt(index) !== Math.floor(entry / size)) continue;
      const middle = end[index] ?? size;
      const right = end[middle] ?? size;
      end[index] = right;
      end[middle] = 0;
      if (right < size) before[right] = index;
      offer(index);
      const left = before[index] ?? -1;
      if (left >= 0) offer(left);
    }
    const ids: number[] = [];
    for (let index = 0; index < size; index = end[index] ?? size) ids.push(ranks.get(bytes.slice(index, end[index])) ?? -1);
    return ids;
  };

  return (bytes, into) => {
    const whole = ranks.get(bytes);
    if (whole !== undefined) {
      into.push(whole);
      return;
    }
    let ids = cache.get(bytes);
    if (ids === undefined) {
      ids = merge(bytes);
      if (cache.size >= CACHED_PIECES) cache.clear();
      if (bytes.length <= 128) cache.set(bytes, ids);
    }
    for (const id of ids) into.push(id);
  };
};
