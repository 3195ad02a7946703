// Text that stands on both sides of a split: held-out rows that share a long run of tokens with training rows.

/** o200k tokens that must not stand in a training row and a held-out row alike. */
export const MAX_SHARED_TOKENS = 50;
/** The run length usually reported (GPT-3 and later); a share of rows, for information. */
export const REPORTED_TOKENS = 13;
/** A JavaScript Set holds at most 2^24 entries; longer lists go in several passes over the hashes. */
const WINDOWS_A_PASS = 8_000_000;

type Ids = ArrayLike<number>;

/**
 * Calls `visit` with a 53-bit hash of every run of `size` tokens: two polynomial rolling hashes modulo 2^32 over mixed
 * ids. A collision would drop a clean row, never keep a dirty one.
 */
const eachWindow = (ids: Ids, size: number, visit: (hash: number) => boolean): boolean => {
  const bases = [0x01000193, 0x5bd1e995] as const;
  let [powerA, powerB] = [1, 1];
  for (let step = 0; step < size; step++) [powerA, powerB] = [Math.imul(powerA, bases[0]), Math.imul(powerB, bases[1])];
  const mixed = (at: number): number => {
    const id = Math.imul((ids[at] ?? 0) + 0x9e3779b9, 0x85ebca6b);
    return id ^ (id >>> 15);
  };
  let [a, b] = [0, 0];
  for (let at = 0; at < ids.length; at++) {
    a = (Math.imul(a, bases[0]) + mixed(at)) | 0;
    b = (Math.imul(b, bases[1]) + mixed(at)) | 0;
    if (at >= size) {
      a = (a - Math.imul(powerA, mixed(at - size))) | 0;
      b = (b - Math.imul(powerB, mixed(at - size))) | 0;
    }
    if (at >= size - 1 && visit((a >>> 11) * 2 ** 32 + (b >>> 0))) return true;
  }
  return false;
};

/**
 * Which held-out rows share a run of `size` tokens with any other row. A row shorter than that is compared whole with
 * rows as short as itself.
 * @returns for each held-out row, in order, whether it does
 */
export const sharesRun = (held: readonly Ids[], others: readonly Ids[], size: number): boolean[] => {
  const runOf = (ids: Ids): number => Math.min(Math.max(ids.length, 1), size);
  const windows = held.reduce((sum, ids) => sum + Math.max(ids.length - size + 1, 1), 0);
  const passes = Math.max(1, Math.ceil(windows / WINDOWS_A_PASS));
  const shared = held.map(() => false);
  // Whole short rows have negative keys, so they meet only each other.
  const keyed = (ids: Ids, visit: (key: number) => boolean): boolean =>
    eachWindow(ids, runOf(ids), (hash) => visit(ids.length < size ? -hash - 1 : hash));
  for (let pass = 0; pass < passes; pass++) {
    const wanted = new Set<number>();
    const found = new Set<number>();
    const inPass = (key: number): boolean => Math.abs(key) % passes === pass;
    const each = (rows: readonly Ids[], note: (key: number) => void): void => {
      for (const ids of rows)
        keyed(ids, (key) => {
          if (inPass(key)) note(key);
          return false;
        });
    };
    each(held, (key) => wanted.add(key));
    each(others, (key) => {
      if (wanted.has(key)) found.add(key);
    });
    if (found.size > 0) held.forEach((ids, index) => (shared[index] ||= keyed(ids, (key) => found.has(key))));
  }
  return shared;
};
