import { describe, expect, it } from 'vitest';
import type { TiersConfig } from '../../../policies/capacity/config.ts';
import { Fixed } from '../../../policies/capacity/fixed.ts';
import { recompute, Tiers, tiers } from '../../../policies/capacity/tiers.ts';
import { loadReport } from '../views.ts';

const HISTORIC = tiers.variants['smg-2026-08-07'] as Partial<TiersConfig>;

function make(fields: Partial<TiersConfig> = {}) {
  return new Tiers({ ...tiers.config.parse({ name: 'tiers' }), ...fields });
}

function answer(policy: Tiers) {
  return [policy.current(), policy.source()];
}

/** Workers 0, 1, … become ready, each reporting that many requests (-1: silent). */
function ready(policy: Tiers, ...maxRunning: number[]) {
  policy.discovered(0, [...maxRunning.keys()]);
  for (const [worker, requests] of maxRunning.entries()) {
    if (requests !== -1) policy.reported(0, worker, 0, loadReport({ maxRunning: requests }));
    policy.statusChanged(0, worker, 'ready');
  }
}

describe('recompute', () => {
  const settings = { override: 0, slotsPerWorker: 64, legacyMaxConcurrent: 1024 };

  it.each([
    ['an override pins it', { ...settings, override: 512 }, [256], 512, 'override'],
    ['an override ignores an empty fleet', { ...settings, override: 512 }, [], 512, 'override'],
    ['nobody is healthy', settings, [], 1024, 'legacy-fallback'],
    ['everyone reports', settings, [256, 128], 384, 'worker-reported'],
    ['one is silent', settings, [256, -1], 320, 'mixed'],
    ['all are silent', settings, [-1, 0, -1], 192, 'mixed'],
    ['silent workers are worth nothing', { ...settings, slotsPerWorker: 0 }, [-1], 0, 'mixed'],
    ['the sum saturates', settings, Array<number>(1000).fill(100), 65535, 'worker-reported'],
    ['the mixed sum saturates', settings, [65535, -1], 65535, 'mixed'],
  ] as const)('when %s', (_case, given, reports, capacity, source) => {
    expect(recompute(given, reports)).toEqual({ capacity, source });
  });
});

describe('Tiers', () => {
  it('answers before any event', () => {
    expect(answer(make())).toEqual([1024, 'legacy-fallback']);
    expect(answer(make({ override: 777 }))).toEqual([777, 'override']);
  });

  it('does not count a worker that is known but not ready', () => {
    const policy = make();
    policy.discovered(0, [0, 1]);
    policy.reported(0, 0, 0, loadReport({ maxRunning: 256 }));
    expect(policy.current()).toBe(1024);
    policy.statusChanged(0, 0, 'ready');
    expect(answer(policy)).toEqual([256, 'worker-reported']);
    for (const status of ['pending', 'not-ready', 'failed', 'draining'] as const) {
      policy.statusChanged(0, 1, status);
      expect(policy.current()).toBe(256);
    }
  });

  it('shrinks when a worker turns unhealthy and grows back', () => {
    const policy = make();
    ready(policy, 256, 256);
    policy.statusChanged(1, 1, 'not-ready');
    expect(policy.current()).toBe(256);
    policy.statusChanged(2, 1, 'ready');
    expect(policy.current()).toBe(512);
  });

  it('holds the last capacity when no worker is left healthy', () => {
    const policy = make();
    ready(policy, 64, 64);
    policy.statusChanged(1, 0, 'not-ready');
    policy.statusChanged(1, 1, 'not-ready');
    expect(answer(policy)).toEqual([64, 'worker-reported']);
    policy.discovered(2, []);
    expect(policy.current()).toBe(64);
  });

  it('jumps to the legacy value when no worker is left healthy (smg-2026-08-07)', () => {
    const policy = make(HISTORIC);
    ready(policy, 64);
    policy.statusChanged(1, 0, 'not-ready');
    expect(answer(policy)).toEqual([1024, 'legacy-fallback']);
  });

  it('saturates a report above 65535, or takes it as silence (smg-2026-08-07)', () => {
    const saturating = make();
    ready(saturating, 70000);
    expect(answer(saturating)).toEqual([65535, 'worker-reported']);
    const historic = make(HISTORIC);
    ready(historic, 70000);
    expect(answer(historic)).toEqual([64, 'mixed']);
  });

  it('shows a change of source alone in its version', () => {
    const policy = make();
    ready(policy, 64);
    const before = policy.version;
    policy.reported(1, 0, 0, loadReport({ maxRunning: 64 }));
    expect(policy.version).toBe(before);
    policy.reported(2, 0, 0, loadReport());
    expect(answer(policy)).toEqual([64, 'mixed']);
    expect(policy.version).toBe(before + 1);
  });

  it('adds up the ranks of a worker once all of them have reported', () => {
    const policy = make();
    policy.discovered(0, [0]);
    policy.configured(0, 0, 2);
    policy.statusChanged(0, 0, 'ready');
    policy.reported(0, 0, 0, loadReport({ maxRunning: 100 }));
    expect(answer(policy)).toEqual([64, 'mixed']);
    policy.reported(0, 0, 1, loadReport({ maxRunning: 50 }));
    expect(answer(policy)).toEqual([150, 'worker-reported']);
    policy.configured(1, 0, 1);
    expect(policy.current()).toBe(100);
    policy.reported(2, 0, 1, loadReport({ maxRunning: 50 }));
    expect(policy.current()).toBe(100);
  });

  it('forgets a removed worker and what it reported', () => {
    const policy = make();
    ready(policy, 100, 200);
    policy.discovered(1, [1]);
    expect(policy.current()).toBe(200);
    policy.reported(2, 0, 0, loadReport({ maxRunning: 500 }));
    policy.statusChanged(2, 0, 'ready');
    expect(policy.current()).toBe(200);
    policy.discovered(3, [0, 1]);
    policy.statusChanged(3, 0, 'ready');
    expect(answer(policy)).toEqual([264, 'mixed']);
  });
});

describe('Fixed', () => {
  it('answers its constant, which may be no limit', () => {
    expect(new Fixed(300).current()).toBe(300);
    expect(new Fixed(Infinity).current()).toBe(Infinity);
    expect(new Fixed(300).source()).toBe('override');
  });
});
