import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WallClock } from '../../../src/workload/formats/wall-clock.ts';

const FIRST = '2023-11-16 18:15:46.6805900';

function since(text: string, first = FIRST): number {
  const clock = new WallClock();
  clock.sinceFirst(first);
  return clock.sinceFirst(text);
}

describe('WallClock', () => {
  it.each<[string, number]>([
    [FIRST, 0],
    ['2023-11-16 18:15:46.6805914', 1],
    ['2023-11-16 18:15:46.6805916', 2],
    ['2023-11-16 18:15:46.6805904', 0],
    ['2023-11-16 18:15:47', 319_410],
    ['2023-11-16T18:15:47.0', 319_410],
    ['2023-11-16 18:15:47Z', 319_410],
    ['2023-11-16 18:15:47+00:00', 319_410],
    ['2023-11-16 20:15:47.000000+02:00', 319_410],
    ['2023-11-16 13:45:47-04:30', 319_410],
    ['2023-11-16 18:15:46.680590001', 0],
    ['2023-11-16 19:14:08.4025270', 3_501_721_937],
    ['2023-11-17 00:00:00', 20_653_319_410],
    ['2024-02-29 18:15:46.6805900', 105 * 86_400e6],
    ['2023-11-16 18:15:46', -680_590],
  ])('reads %s as %i µs after the first', (text, expected) => {
    expect(since(text)).toBe(expected);
  });

  it.each([
    '',
    'yesterday',
    '2023-13-01 00:00:00',
    '2023-13-45 00:00:00',
    '2023-00-10 00:00:00',
    '2023-02-29 00:00:00',
    '2023-04-31 00:00:00',
    '2023-11-00 00:00:00',
    '2023-11-16 24:00:00',
    '2023-11-16 18:60:00',
    '2023-11-16 18:15:60',
    '2023-11-16 18:/0:46',
    '2023-11-16 18:15:1x',
    '0099-11-16 18:15:46',
    '2023-11-16 18:15',
    '2023-11-16 18:15:4',
    '2023-11-16 18-15:46',
    '2023-11-16 18:15:46.',
    '2023-11-16 18:15:46.1234567890',
    '2023-11-16 18:15:46 CET',
    '2023-11-16 18:15:46+0100',
    '16.11.2023 18:15:46',
    '1700158546',
  ])('finds no instant in %j', (text) => {
    expect(since(text)).toBeNaN();
  });

  it('keeps its origin when the first text names no instant', () => {
    const clock = new WallClock();
    expect(clock.sinceFirst('nonsense')).toBeNaN();
    expect(clock.sinceFirst('2023-11-16 18:00:00')).toBe(0);
  });

  it('agrees with the calendar of the language, impossible days included', () => {
    const two = (n: number): string => String(n).padStart(2, '0');
    const dates = fc.record({
      year: fc.integer({ min: 1000, max: 9999 }),
      month: fc.integer({ min: 1, max: 12 }),
      day: fc.integer({ min: 28, max: 31 }),
      hour: fc.nat({ max: 23 }),
      second: fc.nat({ max: 59 }),
    });
    fc.assert(
      fc.property(dates, ({ year, month, day, hour, second }) => {
        const exists = Date.UTC(year, month - 1, day) < Date.UTC(year, month, 1);
        const apartMs = Date.UTC(year, month - 1, day, hour, 7, second) - Date.UTC(2000, 0, 1);
        const got = since(`${year}-${two(month)}-${two(day)} ${two(hour)}:07:${two(second)}`, '2000-01-01 00:00:00');
        expect(got).toBe(exists ? apartMs * 1000 : NaN);
      }),
      { seed: 11, numRuns: 2000 },
    );
  });
});
