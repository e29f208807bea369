/** Ranges of `vary:` as arbitraries: from the least to the most, shrinking to the least, or one of a list. */
import fc from 'fast-check';
import { ScenarioError, shownValue } from '../scenario-error.ts';
import { durationText } from './duration-text.ts';
import { type Override, parsePath } from '../overrides.ts';
import type { SpaceFile } from './space-schema.ts';

const DURATION = /^(\d+(?:\.\d+)?)(us|ms|s|m|h)$/;
const UNIT_US: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6 };
const DIGITS = 3;

/** What is laid over a drawn scenario, in the order of the file. Throws ScenarioError. */
export function variedArbitrary(vary: NonNullable<SpaceFile['vary']>): fc.Arbitrary<readonly Override[]> {
  const drawn = Object.entries(vary).map(([path, range]) => {
    const segments = parsePath(path) ?? [];
    const where = `--space vary.${path}:`;
    return rangeArbitrary(range, where).map((value): Override => ({ path: segments, value, where }));
  });
  return fc.tuple(...drawn);
}

function rangeArbitrary(range: NonNullable<SpaceFile['vary']>[string], where: string): fc.Arbitrary<unknown> {
  if (!Array.isArray(range)) return fc.constantFrom(...range.values);
  const [least, most] = range;
  if (range.length === 2 && typeof least === 'number' && typeof most === 'number') {
    refuseEmpty(least, most, range, where);
    if (Number.isInteger(least) && Number.isInteger(most)) return fc.integer({ min: least, max: most });
    const inside = fc.double({ min: least, max: most, noNaN: true, noDefaultInfinity: true });
    return inside.map((value) => Math.min(most, Math.max(least, Number(value.toPrecision(DIGITS)))));
  }
  const [leastUs, mostUs] = [durationUs(least), durationUs(most)];
  if (range.length !== 2 || leastUs === undefined || mostUs === undefined) return fc.constantFrom(...range);
  refuseEmpty(leastUs, mostUs, range, where);
  return fc.integer({ min: leastUs, max: mostUs }).map((us) => {
    return durationText(Math.min(mostUs, Math.max(leastUs, Number(us.toPrecision(DIGITS)))));
  });
}

function refuseEmpty(least: number, most: number, range: unknown, where: string): void {
  if (least <= most) return;
  throw new ScenarioError([`${where} value ${shownValue(range)}; allowed the least before the most`]);
}

/** Whole microseconds of a duration as written; undefined when it is none. */
function durationUs(value: unknown): number | undefined {
  const [, digits, unit] = (typeof value === 'string' ? DURATION.exec(value) : null) ?? [];
  return digits === undefined ? undefined : Math.round(Number(digits) * (UNIT_US[unit as string] ?? NaN));
}
