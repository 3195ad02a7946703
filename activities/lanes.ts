// Bounded concurrency inside an activity.

/** Acts on each item, `width` at once. After an error no new item is begun, and it is thrown once all are at rest. */
export const inLanes = async <T>(items: readonly T[], width: number, act: (item: T) => Promise<void>): Promise<void> => {
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (!failed && next < items.length) {
      try {
        await act(items[next++] as T);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(width, items.length) }, lane));
  const first = ends.find((end): end is PromiseRejectedResult => end.status === 'rejected');
  if (first !== undefined) throw first.reason;
};
