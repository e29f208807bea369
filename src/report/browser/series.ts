/** From what was recorded to what is drawn: distributions, quantiles by time, rates. */
import type { RunData } from './data.ts';

export interface Line {
  readonly label: string;
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
}

const CDF_POINTS = 400;

/** Share of the values that are at most x; x ascending. */
export function cdf(label: string, values: readonly number[]): Line {
  const sorted = values.filter((value) => value >= 0).sort((a, b) => a - b);
  const step = Math.max(1, Math.floor(sorted.length / CDF_POINTS));
  const x: number[] = [];
  const y: number[] = [];
  for (let i = 0; i < sorted.length; i += step) {
    x.push(sorted[i] as number);
    y.push((i + 1) / sorted.length);
  }
  const last = sorted.at(-1);
  if (last !== undefined) {
    x.push(last);
    y.push(1);
  }
  return { label, x, y };
}

/** Quantile of the values in each bucket of time; null where there are none. */
export function quantileOverTime(
  label: string,
  at: readonly number[],
  values: readonly number[],
  quantile: number,
  bucket: number,
): Line {
  const buckets = new Map<number, number[]>();
  at.forEach((time, i) => {
    const value = values[i] as number;
    if (value < 0) return;
    const key = Math.floor(time / bucket);
    const list = buckets.get(key);
    if (list === undefined) buckets.set(key, [value]);
    else list.push(value);
  });
  const keys = [...buckets.keys()].sort((a, b) => a - b);
  const x: number[] = [];
  const y: (number | null)[] = [];
  for (let key = keys[0] ?? 0; key <= (keys.at(-1) ?? -1); key++) {
    const list = buckets.get(key)?.sort((a, b) => a - b);
    x.push((key + 0.5) * bucket);
    y.push(list === undefined ? null : (list[Math.floor((list.length - 1) * quantile)] as number));
  }
  return { label, x, y };
}

/** Events a second in each bucket, each event counted `weight` times. */
export function rate(label: string, at: readonly number[], bucket: number, weight: (i: number) => number): Line {
  const counts = new Map<number, number>();
  let end = 0;
  at.forEach((time, i) => {
    const key = Math.floor(time / bucket);
    end = Math.max(end, key);
    counts.set(key, (counts.get(key) ?? 0) + weight(i));
  });
  const x = Array.from({ length: end + 1 }, (_, key) => (key + 0.5) * bucket);
  return { label, x, y: x.map((_, key) => (counts.get(key) ?? 0) / bucket) };
}

/** A bucket that cuts the run into some hundred, of a round length, seconds. */
export function bucketOf(runs: readonly RunData[]): number {
  const end = Math.max(...runs.flatMap((run) => [run.finishedAt.at(-1) ?? 0, run.at.at(-1) ?? 0]), 1e-3);
  const rough = end / 100;
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
}

/** Lines on one ascending x axis, as uPlot wants them; missing values are undefined gaps that are joined. */
export function aligned(lines: readonly Line[]): (number | null | undefined)[][] {
  const x = [...new Set(lines.flatMap((line) => line.x))].sort((a, b) => a - b);
  const place = new Map(x.map((value, i) => [value, i]));
  const columns = lines.map((line) => {
    const column = new Array<number | null | undefined>(x.length).fill(undefined);
    line.x.forEach((value, i) => {
      column[place.get(value) as number] = line.y[i];
    });
    return column;
  });
  return [x, ...columns];
}
