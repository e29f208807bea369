import { describe, expect, it } from 'vitest';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';
import { limitProperty, limitRecoveryProperty, limits, type MakeLimit } from '../../harness/policies/limit-property.ts';
import { ended, lease } from './leases.ts';

const runs = { seed: 7251730, file: 'test/policies/limit/limits.property.test.ts' };

describe.each(Object.entries<MakeLimit>(limits))('limit %s', (name, make) => {
  it('stays whole and within its bounds under any leases', { timeout: 600_000 }, () => {
    assertRuns(limitProperty(make), { ...runs, numRuns: POLICY_RUNS, title: `limit ${name} stays` });
  });

  it('comes back to its maximum in good times, whatever happened before', { timeout: 600_000 }, () => {
    assertRuns(limitRecoveryProperty(make), { ...runs, numRuns: POLICY_RUNS / 10, title: `limit ${name} comes` });
  });

  it('rises while replies are fast and the limit is in use, and falls when they are refused', () => {
    const limit = make({ initial: 8, min: 3, max: 30, signal: 'ttft', window: '0s' });
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
