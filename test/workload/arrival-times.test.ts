import { describe, expect, it } from 'vitest';
import { stream } from '../../src/kernel/rng.ts';
import { arrivalTimes } from '../../src/workload/arrival-times.ts';
import type { ArrivalsConfig } from '../../src/workload/config.ts';

type SteadyConfig = Exclude<ArrivalsConfig, { process: 'phases' }>;

const COUNT = 20_000;

function instants(config: ArrivalsConfig, count: number, seed = 1): number[] {
  const next = arrivalTimes(config, stream(seed, 'workload/arrivals'));
  return Array.from({ length: count }, next);
}

function gapStats(config: ArrivalsConfig): { ratePerSec: number; cv: number } {
  const at = instants(config, COUNT);
  const gaps = at.map((t, i) => t - (i === 0 ? 0 : (at[i - 1] as number)));
  const mean = gaps.reduce((a, b) => a + b) / COUNT;
  const variance = gaps.reduce((a, b) => a + (b - mean) ** 2, 0) / COUNT;
  return { ratePerSec: 1e6 / mean, cv: Math.sqrt(variance) / mean };
}

describe('arrival times', () => {
  // The mean of n gaps has relative standard error cv / √n: four of them below. The cv's own error for gamma gaps is
  // about cv × √((1 + 2 cv²) / n), somewhat more for cv > 1.
  it.each<[SteadyConfig, number]>([
    [{ process: 'poisson', ratePerSec: 20 }, 1],
    [{ process: 'gamma', ratePerSec: 20, cv: 0.5 }, 0.5],
    [{ process: 'gamma', ratePerSec: 20, cv: 1 }, 1],
    [{ process: 'gamma', ratePerSec: 300, cv: 3 }, 3],
    [{ process: 'bursts', ratePerSec: 20, burstSize: 0, everyUs: 1, firstAt: 0 }, 1],
  ])('have the rate and the cv asked for, within four standard errors: %o', (config, cv) => {
    const stats = gapStats(config);
    expect(Math.abs(stats.ratePerSec / config.ratePerSec - 1)).toBeLessThan((4 * cv) / Math.sqrt(COUNT));
    expect(Math.abs(stats.cv / cv - 1)).toBeLessThan(4 * Math.sqrt((1 + 2 * cv ** 2) / COUNT));
  });

  it('are exponential: the share of gaps above the mean is 1/e within four standard errors', () => {
    const at = instants({ process: 'poisson', ratePerSec: 10 }, COUNT);
    const long = at.filter((t, i) => t - (at[i - 1] ?? 0) > 100_000).length / COUNT;
    const p = Math.exp(-1);
    expect(Math.abs(long - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / COUNT));
  });

  it('lose no rate to rounding at a million a second', () => {
    const { ratePerSec } = gapStats({ process: 'poisson', ratePerSec: 1e6 });
    expect(Math.abs(ratePerSec / 1e6 - 1)).toBeLessThan(4 / Math.sqrt(COUNT));
  });

  it.each<ArrivalsConfig>([
    { process: 'poisson', ratePerSec: 5e5 },
    { process: 'constant', ratePerSec: 3e6 },
    { process: 'gamma', ratePerSec: 5e5, cv: 4 },
    { process: 'bursts', ratePerSec: 50, burstSize: 7, everyUs: 1500.5, firstAt: 10.25 },
    { process: 'phases', phases: [{ forUs: 7e9, fromPerSec: 0, toPerSec: 900 }] },
  ])('are whole microseconds that never decrease: %o', (config) => {
    const at = instants(config, 3000);
    expect(at.every(Number.isInteger)).toBe(true);
    expect(at).toEqual([...at].sort((a, b) => a - b));
  });

  it('are evenly spaced from 0 when constant, with no drift', () => {
    expect(instants({ process: 'constant', ratePerSec: 3 }, 7)).toEqual([
      0, 333_333, 666_667, 1_000_000, 1_333_333, 1_666_667, 2_000_000,
    ]);
  });

  it('come burst by burst without a background', () => {
    const config = { process: 'bursts', ratePerSec: 0, burstSize: 2, everyUs: 100, firstAt: 5 } as const;
    expect(instants(config, 6)).toEqual([5, 5, 105, 105, 205, 205]);
  });

  it('end after a single burst when bursts are Infinity apart', () => {
    const config = { process: 'bursts', ratePerSec: 0, burstSize: 2, everyUs: Infinity, firstAt: 5 } as const;
    expect(instants(config, 4)).toEqual([5, 5, Infinity, Infinity]);
  });

  it('keep the background as it is when bursts are added', () => {
    const background = instants({ process: 'poisson', ratePerSec: 100 }, 200);
    const config = { process: 'bursts', ratePerSec: 100, burstSize: 3, everyUs: 300_000, firstAt: 1 } as const;
    const merged = instants(config, 200);
    const bursts = merged.filter((at) => at % 300_000 === 1);
    expect(bursts).toHaveLength(3 * Math.ceil(((merged[199] as number) - 1) / 300_000));
    expect(merged.filter((at) => at % 300_000 !== 1)).toEqual(background.slice(0, 200 - bursts.length));
  });

  it.each<ArrivalsConfig>([
    { process: 'poisson', ratePerSec: 0 },
    { process: 'constant', ratePerSec: 0 },
    { process: 'gamma', ratePerSec: 0, cv: 2 },
  ])('never come at rate 0: %o', (config) => {
    expect(instants(config, 2)).toEqual([Infinity, Infinity]);
  });

  it('follow a rate that steps, ramps up and ramps down, phase by phase within four standard errors', () => {
    const phases = [
      { forUs: 100e6, fromPerSec: 20, toPerSec: 20 },
      { forUs: 50e6, fromPerSec: 0, toPerSec: 0 },
      { forUs: 100e6, fromPerSec: 0, toPerSec: 80 },
      { forUs: 100e6, fromPerSec: 80, toPerSec: 0 },
    ];
    const at = instants({ process: 'phases', phases }, 12_000);
    const within = (from: number, to: number): number => at.filter((t) => t >= from && t < to).length;
    // By area under the rate; each half of a ramp is a quarter and three quarters of it.
    const expected: [number, number, number][] = [
      [0, 100e6, 2000],
      [150e6, 200e6, 1000],
      [200e6, 250e6, 3000],
      [250e6, 300e6, 3000],
      [300e6, 350e6, 1000],
    ];
    for (const [from, to, count] of expected) {
      expect(Math.abs(within(from, to) - count)).toBeLessThan(4 * Math.sqrt(count));
    }
    expect(within(100e6, 150e6)).toBe(0);
    expect(at.filter((t) => t < Infinity).every((t) => t <= 350e6)).toBe(true);
    expect(at.at(-1)).toBe(Infinity);
  });

  it('are those of a Poisson process when the rate stays what it is', () => {
    const phases = [1, 2, 3].map((s) => ({ forUs: s * 1e6, fromPerSec: 50, toPerSec: 50 }));
    const steady = instants({ process: 'poisson', ratePerSec: 50 }, 100);
    const phased = instants({ process: 'phases', phases }, 100);
    // Gaps are rounded in another place.
    phased.forEach((t, i) => expect(Math.abs(t - (steady[i] as number))).toBeLessThanOrEqual(1));
  });
});
