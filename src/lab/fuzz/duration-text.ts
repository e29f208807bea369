/** Durations as scenarios write them. */

const UNITS: readonly (readonly [string, number])[] = [
  ['s', 1_000_000],
  ['ms', 1_000],
  ['us', 1],
];

/** Whole microseconds in the largest unit that has no fraction: `1500ms`, `2s`. */
export function durationText(us: number): string {
  const [unit, size] = UNITS.find(([, each]) => us % each === 0) ?? ['us', 1];
  return `${us / size}${unit}`;
}
