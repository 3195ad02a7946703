// How much of what should be there is there.

/** '-' where there is nothing to have a share of. */
export const percent = (part: number, whole: number): string => (whole === 0 ? '-' : `${((100 * part) / whole).toFixed(2)} %`);

/** How many of `wanted` are in `given`, each once. */
export const held = (wanted: readonly string[], given: readonly string[]): number => {
  const left = new Map<string, number>();
  for (const each of given) left.set(each, (left.get(each) ?? 0) + 1);
  return wanted.filter((each) => {
    const count = left.get(each) ?? 0;
    if (count > 0) left.set(each, count - 1);
    return count > 0;
  }).length;
};
