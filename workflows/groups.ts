// Bounded concurrency, in order of the items, safe to replay.

/** Maps with at most `width` at once; the first error ends it. */
export const inGroups = async <T, R>(items: readonly T[], width: number, act: (item: T) => Promise<R>): Promise<R[]> => {
  const results: R[] = new Array<R>(items.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await act(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
  return results;
};
