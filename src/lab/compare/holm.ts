/**
 * Holm's step-down correction: of several comparisons with one baseline, which differences still stand when the chance
 * of one false claim among all of them is to stay below `alpha`. Answers adjusted p-values in the given order.
 *
 * Source: S. Holm, A simple sequentially rejective multiple test procedure, 1979.
 */
export function holmAdjusted(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => (pValues[a] as number) - (pValues[b] as number) || a - b);
  const adjusted = new Array<number>(pValues.length).fill(1);
  let least = 0;
  order.forEach((index, rank) => {
    least = Math.max(least, Math.min(1, (pValues[index] as number) * (pValues.length - rank)));
    adjusted[index] = least;
  });
  return adjusted;
}
