import { describe, expect, it } from 'vitest';
import type { LimitRule } from '../../../policies/limit/adaptive-limit.ts';
import { Aimd } from '../../../policies/limit/aimd.ts';
import { aimdConfig, gradient2Config, vegasConfig } from '../../../policies/limit/config.ts';
import { Gradient2, gradientOf } from '../../../policies/limit/gradient2.ts';
import { Vegas, vegasStep, vegasTarget } from '../../../policies/limit/vegas.ts';

const MS = 1000;
const good = (latencyUs: number, inFlight: number) => ({ latencyUs, inFlight, dropped: false });
const drop = { latencyUs: -1, inFlight: 0, dropped: true };

/** The limit after each sample. */
function limits(rule: LimitRule, samples: Parameters<LimitRule['update']>[0][]) {
  return samples.map((sample) => {
    rule.update(sample);
    return rule.limit;
  });
}

describe('Aimd', () => {
  const make = (settings: object = {}) => new Aimd(aimdConfig.parse({ name: 'aimd', ...settings }));

  it('rises by one while at least half of the limit is in flight', () => {
    const samples = [good(1, 10), good(1, 10), good(1, 11), good(1, 99)];
    expect(limits(make(), samples)).toEqual([21, 21, 22, 23]);
  });

  it('falls to nine tenths, whole, at a drop or a latency above the timeout, not below min', () => {
    const slow = good(5001 * MS, 0);
    expect(limits(make({ initial: 55 }), [drop, slow, good(5000 * MS, 0)])).toEqual([49, 44, 44]);
    expect(limits(make({ initial: 21 }), [drop, drop])).toEqual([20, 20]);
  });

  it('never rises above max', () => {
    expect(limits(make({ initial: 199 }), [good(1, 200), good(1, 200)])).toEqual([200, 200]);
  });
});

describe('vegas', () => {
  it.each([
    [1, 1],
    [20, 1],
    [99.9, 1],
    [100, 2],
    [1000, 3],
    [1000.9, 3],
  ])('takes a step for limit %d of %d', (limit, step) => {
    expect(vegasStep(limit)).toBe(step);
  });

  it.each([
    [100, 100, 100, 112],
    [100, 98.5, 100, 112],
    [100, 97.5, 100, 102],
    [100, 95.5, 100, 102],
    [100, 94.5, 100, 100],
    [100, 88.5, 100, 100],
    [100, 87.5, 100, 98],
    [20, 50, 100, 19],
  ])('moves limit %d at a least latency of %d and one of %d to %d', (limit, least, latency, target) => {
    expect(vegasTarget(limit, least, latency)).toBe(target);
  });

  const make = (settings: object = {}, draw = 0.5) =>
    new Vegas(vegasConfig.parse({ name: 'vegas', ...settings }), () => draw);

  it('takes the first and every lower latency for the least one, and stays', () => {
    const samples = [good(100, 20), good(90, 20), good(90, 20), good(180, 20)];
    expect(limits(make(), samples)).toEqual([20, 20, 26, 25]);
  });

  it('stays while less than half of the limit is in flight', () => {
    expect(limits(make(), [good(100, 20), good(100, 9), good(500, 9)])).toEqual([20, 20, 20]);
  });

  it('falls by a step at every drop, which says nothing of latency', () => {
    expect(limits(make({ initial: 100, min: 98 }), [drop, drop, drop])).toEqual([98, 98, 98]);
    expect(limits(make(), [drop, good(100, 20), good(100, 20)])).toEqual([19, 19, 25]);
  });

  it('measures the least latency anew after jitter × multiplier × limit samples', () => {
    // Jitter 0.5 × multiplier 1 × limit 4 = 2 samples; then 200 is the least and no longer a queue.
    const rule = make({ initial: 4, max: 4, probeMultiplier: 1 }, 0);
    expect(limits(rule, [good(100, 4), good(200, 4), good(200, 4)])).toEqual([4, 4, 4]);
    const patient = make({ initial: 8, max: 8, probeMultiplier: 1 }, 0);
    const slow = good(800, 8);
    expect(limits(patient, [good(100, 8), slow, slow, slow, slow, slow])).toEqual([8, 7, 6, 6, 8, 8]);
  });

  it('takes over a part of the new limit', () => {
    expect(limits(make({ smoothing: 0.5 }), [good(100, 20), good(100, 20)])).toEqual([20, 23]);
  });
});

describe('gradient2', () => {
  it.each([
    [100, 100, 1.5, 1],
    [100, 150, 1.5, 1],
    [100, 200, 1.5, 0.75],
    [100, 900, 1.5, 0.5],
    [100, 80, 1, 1],
  ])('leaves of a long average of %d and a latency of %d (tolerance %d) %d', (long, short, tolerance, gradient) => {
    expect(gradientOf(long, short, tolerance)).toBe(gradient);
  });

  const make = (settings: object = {}) =>
    new Gradient2(gradient2Config.parse({ name: 'gradient2', window: '0s', ...settings }));

  it('grows by smoothing × queueSize while latency is at ease and half of the limit is in flight', () => {
    const samples = [good(100, 20), good(100, 20), good(100, 9)];
    const [first, second, third] = limits(make(), samples);
    expect(first).toBeCloseTo(20.8, 12);
    expect(second).toBeCloseTo(21.6, 12);
    expect(third).toBe(second);
  });

  it('shrinks by the slope of latency against the mean of the first ten samples', () => {
    const rule = make({ initial: 100, tolerance: 1, queueSize: 0 });
    // The mean of 100 and 300 is 200: a gradient of 2/3, a fifth of which is taken over.
    expect(limits(rule, [good(100, 100), good(300, 100)])[1]).toBeCloseTo(100 - (0.2 * 100) / 3, 9);
  });

  it('weighs a sample by 2 / (longWindow + 1) after the first ten', () => {
    const rule = make({ initial: 100, tolerance: 1, queueSize: 0, longWindow: 3, smoothing: 1 });
    for (let i = 0; i < 10; i++) rule.update(good(100, 100));
    // Long becomes (100 + 200) / 2 = 150.
    expect(limits(rule, [good(200, 100)])[0]).toBeCloseTo(75, 9);
  });

  it('cuts a long average above twice the latency, for the samples that follow', () => {
    const rule = make({ initial: 100, tolerance: 1, queueSize: 0, longWindow: 1e9, smoothing: 1 });
    for (let i = 0; i < 10; i++) rule.update(good(1000, 0));
    rule.update(good(100, 0));
    // 950 / 1250 instead of 1000 / 1250.
    expect(limits(rule, [good(1250, 100)])[0]).toBeCloseTo(76, 4);
  });

  it('takes a drop for the steepest gradient, or ignores it', () => {
    expect(limits(make({ initial: 100 }), [drop])[0]).toBeCloseTo(90.8, 9);
    expect(limits(make({ initial: 100, onDrop: 'ignore' }), [drop])).toEqual([100]);
  });
});

describe.each([
  ['aimd', aimdConfig],
  ['vegas', vegasConfig],
  ['gradient2', gradient2Config],
])('config of %s', (name, schema) => {
  it.each([
    [{ initial: 10, min: 11 }, 'initial'],
    [{ initial: 30, max: 25 }, 'initial'],
    [{ signal: 'itl' }, 'signal'],
    [{ window: 5 }, 'window'],
  ])('refuses %j', (settings, path) => {
    const { error } = schema.safeParse({ name, min: 1, ...settings });
    expect(error?.issues[0]?.path.join('.')).toBe(path);
  });
});
