// Bounded concurrency, in order of the items, safe to replay.
import { CancellationScope } from '@temporalio/workflow';

/**
 * Maps with at most `width` at once. After an error nothing new is begun, what is under way is cancelled, and the first
 * error is thrown once all are at rest: a run that has ended must not still be asking for pages that the next one asks for.
 */
export const inGroups = async <T, R>(items: readonly T[], width: number, act: (item: T) => Promise<R>): Promise<R[]> => {
  const results: R[] = new Array<R>(items.length);
  const errors: unknown[] = [];
  const scope = new CancellationScope();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (errors.length === 0 && next < items.length) {
      const index = next++;
      try {
        results[index] = await act(items[index] as T);
      } catch (error) {
        errors.push(error);
        scope.cancel();
      }
    }
  };
  await scope.run(async () => Promise.all(Array.from({ length: Math.min(width, items.length) }, lane)));
  if (errors.length > 0) throw errors[0];
  return results;
};
