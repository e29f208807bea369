import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aimd } from '../../../policies/limit/aimd.ts';
import { aimdConfig, gradient2Config, vegasConfig } from '../../../policies/limit/config.ts';
import { gradient2 } from '../../../policies/limit/gradient2.ts';
import { vegas } from '../../../policies/limit/vegas.ts';
import type { AttemptView, Capacity, LeaseObserver } from '../../../policies/types.ts';
import { ended, lease } from './leases.ts';

const SEED = 7251730;
const BOUNDS = { initial: 8, min: 3, max: 30, signal: 'ttft' };
const context = { rng: () => 0.5 };

const subjects: Record<string, (settings: object) => Capacity> = {
  aimd: (settings) => aimd.make(aimdConfig.parse({ name: 'aimd', timeout: '40us', ...settings }), context),
  vegas: (settings) => vegas.make(vegasConfig.parse({ name: 'vegas', probeMultiplier: 3, ...settings }), context),
  gradient2: (settings) => gradient2.make(gradient2Config.parse({ name: 'gradient2', ...settings }), context),
};

const step = fc.record({
  kind: fc.constantFrom('grant', 'grant', 'grant', 'token', 'ok', 'ok', 'refused', 'timeout', 'failed', 'cancelled'),
  us: fc.constantFrom(0, 1, 4, 50),
  nth: fc.nat({ max: 20 }),
});

describe.each(Object.entries(subjects))('limit %s', (_name, make) => {
  it('stays whole and within its bounds under any leases', () => {
    const plan = fc.array(step, { maxLength: 150, size: 'max' });
    const property = fc.property(plan, fc.constantFrom('0s', '20us'), (steps, window) => {
      const limit: Capacity & LeaseObserver = make({ ...BOUNDS, window, windowSamples: 2 });
      expect([limit.current(), limit.source()]).toEqual([8, 'override']);
      const held: AttemptView[] = [];
      let [now, id] = [0, 0];
      for (const { kind, us, nth } of steps) {
        now += us;
        const attempt = held[nth % held.length];
        if (kind === 'grant') {
          const begun = lease(id++, now);
          held.push(begun);
          limit.granted?.(now, begun);
        } else if (attempt === undefined) continue;
        else if (kind === 'token') limit.firstToken?.(now, attempt);
        else {
          held.splice(held.indexOf(attempt), 1);
          const before = limit.current();
          limit.settled?.(now, attempt, ended(kind));
          if (kind === 'failed' || kind === 'cancelled') expect(limit.current()).toBe(before);
        }
        expect(Number.isInteger(limit.current())).toBe(true);
        expect(limit.current()).toBeGreaterThanOrEqual(BOUNDS.min);
        expect(limit.current()).toBeLessThanOrEqual(BOUNDS.max);
      }
    });
    fc.assert(property, { seed: SEED, numRuns: 100 });
  });

  it('rises while replies are fast and the limit is in use, and falls when they are refused', () => {
    const limit: Capacity & LeaseObserver = make({ ...BOUNDS, window: '0s' });
    let [now, id] = [0, 0];
    const round = (outcome: 'ok' | 'refused') => {
      const attempts = Array.from({ length: limit.current() }, () => lease(id++, now));
      for (const attempt of attempts) limit.granted?.(now, attempt);
      now += 10;
      for (const attempt of attempts) limit.settled?.(now, attempt, ended(outcome));
    };
    for (let i = 0; i < 4; i++) round('ok');
    const risen = limit.current();
    expect(risen).toBeGreaterThan(8);
    for (let i = 0; i < 2; i++) round('refused');
    expect(limit.current()).toBeLessThan(risen);
  });
});
