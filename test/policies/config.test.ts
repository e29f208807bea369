import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { duration } from '../../policies/config.ts';

const parse = (text: string): number | undefined => duration().safeParse(text).data;

describe('a duration', () => {
  it.each([
    ['0s', 0],
    ['250us', 250],
    ['50ms', 50_000],
    ['1.5s', 1_500_000],
    ['2m', 120e6],
    ['2m30s', 150e6],
    ['1h30m', 5400e6],
    ['1h5ms', 3_600_005_000],
    ['1s1.5ms1us', 1_001_501],
  ])('%s is so many microseconds: %d', (text, us) => expect(parse(text)).toBe(us));

  it.each(['', '5', 's', '5 s', '-1s', '1.s', '30s2m', '1m1m', '2m30', '1e3s', 'none'])('is not %j', (text) => {
    expect(parse(text)).toBeUndefined();
  });

  it('of several units is the sum of its parts', () => {
    const part = fc.nat(10_000);
    const property = fc.property(part, part, part, part, (h, m, s, ms) => {
      const sum = [`${h}h`, `${m}m`, `${s}s`, `${ms}ms`].reduce((us, text) => us + (parse(text) as number), 0);
      expect(parse(`${h}h${m}m${s}s${ms}ms`)).toBe(sum);
    });
    fc.assert(property, { seed: 1, numRuns: 200 });
  });
});
