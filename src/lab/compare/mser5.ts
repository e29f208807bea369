/**
 * MSER-5: how much of a run's beginning to leave out. The series is averaged in batches of five; of all truncations in
 * its first half, the one whose remainder has the least standard error of the mean is taken. Right for one run that
 * settles; limits: a run that never settles has its best truncation at the end of the searched half, which is answered
 * as not settled.
 *
 * Source: K. P. White, An effective truncation heuristic for bias reduction in simulation output, 1997.
 */

const BATCH = 5;

export interface Truncation {
  /** Observations to leave out, a multiple of 5. */
  readonly observations: number;
  /** False: the series may not have settled within its first half. */
  readonly settled: boolean;
}

export function mser5(series: readonly number[]): Truncation {
  const batches = Math.floor(series.length / BATCH);
  if (batches < 4) return { observations: 0, settled: false };
  const means = Array.from({ length: batches }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < BATCH; j++) sum += series[i * BATCH + j] as number;
    return sum / BATCH;
  });
  const searched = Math.floor(batches / 2);
  let [best, leastError] = [0, Infinity];
  let [count, mean, squares] = [0, 0, 0];
  // Welford's sums from the end, so that each truncation is one step.
  for (let from = batches - 1; from >= 0; from--) {
    const value = means[from] as number;
    count++;
    const delta = value - mean;
    mean += delta / count;
    squares += delta * (value - mean);
    if (from > searched) continue;
    const error = squares / (count * count);
    if (error <= leastError) [best, leastError] = [from, error];
  }
  return { observations: best * BATCH, settled: best < searched };
}
