import { describe, expect, it } from 'vitest';
import { exactDuration } from '../../src/lab/number-schema.ts';
import { didYouMean } from '../../src/lab/nearest.ts';

describe('an exact duration', () => {
  it.each([
    ['85.6ns', 0.0856],
    ['0.0856us', 0.0856],
    ['33.7us', 33.7],
    ['10.7ms', 10_700],
    ['1s', 1e6],
    ['0us', 0],
    ['3600s', 3600e6],
  ])('keeps fractions of a microsecond: %s → %d', (text, us) => {
    expect(exactDuration().parse(text)).toBe(us);
  });

  const refused = ['5', '-1us', '1 ms', '.5us', '1m', 'none', '3601s', ''];
  it.each(refused)('is refused without a unit or out of range: %o', (text) => {
    expect(exactDuration().safeParse(text).success).toBe(false);
  });
});

describe('a mistyped name', () => {
  it.each([
    ['cuont', " (did you mean 'count'?)"],
    ['BLOCKS', " (did you mean 'blocks'?)"],
    ['xyz', ''],
  ])('is met with the nearest known one: %s → %o', (name, hint) => {
    expect(didYouMean(name, ['count', 'blocks', 'engine'])).toBe(hint);
  });
});
