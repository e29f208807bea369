import { describe, expect, it } from 'vitest';
import { afterProbe, type HealthState, type StatusRules } from '../../../policies/health/status.ts';
import type { WorkerStatus } from '../../../policies/types.ts';

/** Two good probes make a worker ready, two bad ones not-ready, six more fail it, twenty are too many to wait for. */
const RULES: StatusRules = {
  ...{ failureThreshold: 2, successThreshold: 2 },
  ...{ pendingCap: 'on-failure', failed: 'recovers' },
};
const HISTORIC: StatusRules = { ...RULES, pendingCap: 'always', failed: 'terminal' };

const at = (status: WorkerStatus, fields: Partial<HealthState> = {}): HealthState => {
  return { status, failures: 0, successes: 0, pendingProbes: 0, ...fields };
};

describe('a good probe', () => {
  it.each<[WorkerStatus, number, WorkerStatus, StatusRules?]>([
    ['pending', 0, 'pending'],
    ['pending', 1, 'ready'],
    ['not-ready', 0, 'not-ready'],
    ['not-ready', 1, 'ready'],
    ['failed', 0, 'failed'],
    ['failed', 1, 'ready'],
    ['failed', 9, 'failed', HISTORIC],
    ['ready', 9, 'ready'],
    ['draining', 9, 'draining'],
  ])('of a %s worker after %i others makes it %s', (status, successes, then, rules = RULES) => {
    expect(afterProbe(at(status, { successes }), rules, true, false).status).toBe(then);
  });

  it('ends a run of bad ones and adds to its own', () => {
    expect(afterProbe(at('ready', { failures: 1 }), RULES, true, false)).toEqual(at('ready', { successes: 1 }));
    expect(afterProbe(at('not-ready', { failures: 5 }), RULES, true, false)).toEqual(at('not-ready', { successes: 1 }));
  });

  it('starts both runs afresh when it changes the status, and forgets the time it was pending', () => {
    const ready = afterProbe(at('pending', { successes: 1, pendingProbes: 7 }), RULES, true, true);
    expect(ready).toEqual(at('ready'));
  });

  it('never fails a worker, but for upstream’s that has been pending too long', () => {
    const late = at('pending', { pendingProbes: 19 });
    expect(afterProbe(late, RULES, true, true)).toEqual(at('pending', { successes: 1, pendingProbes: 20 }));
    expect(afterProbe(late, HISTORIC, true, true)).toEqual(at('failed', { pendingProbes: 20 }));
    expect(afterProbe(at('pending', { pendingProbes: 18 }), HISTORIC, true, true).status).toBe('pending');
    expect(afterProbe(at('ready', { pendingProbes: 99 }), HISTORIC, true, true).status).toBe('ready');
  });
});

describe('a bad probe', () => {
  it.each<[WorkerStatus, Partial<HealthState>, WorkerStatus]>([
    ['ready', {}, 'ready'],
    ['ready', { failures: 1 }, 'not-ready'],
    ['not-ready', { failures: 4 }, 'not-ready'],
    ['not-ready', { failures: 5 }, 'failed'],
    ['pending', { failures: 18, pendingProbes: 18 }, 'pending'],
    ['pending', { failures: 19, pendingProbes: 19 }, 'failed'],
    ['not-ready', { pendingProbes: 99 }, 'not-ready'],
    ['failed', { failures: 99 }, 'failed'],
    ['draining', { failures: 99 }, 'draining'],
  ])('of a %s worker with %j makes it %s', (status, fields, then) => {
    expect(afterProbe(at(status, fields), RULES, false, status === 'pending').status).toBe(then);
  });

  it('ends a run of good ones, and counts as pending only if it was launched then', () => {
    const pending = at('pending', { successes: 1, pendingProbes: 3 });
    expect(afterProbe(pending, RULES, false, true)).toEqual(at('pending', { failures: 1, pendingProbes: 4 }));
    expect(afterProbe(pending, RULES, false, false)).toEqual(at('pending', { failures: 1, pendingProbes: 3 }));
    expect(afterProbe(at('ready', { failures: 1 }), RULES, false, false)).toEqual(at('not-ready'));
  });
});
