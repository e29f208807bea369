import { describe, expect, it } from 'vitest';
import { Rounds, rounds } from '../../../policies/salvage/rounds.ts';
import type { FinishCause, FinishReason } from '../../../policies/types.ts';

const make = (variant = {}) => new Rounds(rounds.config.parse({ name: 'rounds', ...variant }));
const failure = (reason: FinishReason, cause: FinishCause, status = 0) => ({ reason, cause, status });

describe('Rounds', () => {
  it.each([
    ['shed', 'queue-timeout', 0, 'retry'],
    ['shed', 'queue-full', 0, 'retry'],
    ['failed', 'rate-limited', 429, 'retry'],
    ['shed', 'all-busy', 0, 'retry'],
    ['shed', 'no-worker', 0, 'retry'],
    ['shed', 'preempted', 0, 'retry'],
    ['timeout', 'deadline', 0, 'retry'],
    ['timeout', 'upstream', 0, 'retry'],
    ['failed', 'upstream', 0, 'retry'],
    ['failed', 'upstream', 408, 'retry'],
    ['failed', 'upstream', 429, 'retry'],
    ['failed', 'upstream', 500, 'retry'],
    ['failed', 'upstream', 529, 'retry'],
    ['failed', 'none', 503, 'retry'],
    ['failed', 'upstream', 400, 'drop'],
    ['failed', 'upstream', 404, 'drop'],
    ['failed', 'upstream', 499, 'drop'],
    ['failed', 'none', 422, 'drop'],
    ['cancelled', 'client', 0, 'drop'],
    ['cancelled', 'upstream', 500, 'drop'],
  ] as const)('a task that ended %s by %s with status %d: %s', (reason, cause, status, verdict) => {
    expect(make().classify(failure(reason, cause, status))).toBe(verdict);
  });

  it.each([
    [failure('shed', 'queue-timeout'), 'preserve', 'drop'],
    [failure('failed', 'rate-limited', 429), 'preserve', 'preserve'],
    [failure('failed', 'upstream', 429), 'preserve', 'preserve'],
    [failure('failed', 'upstream', 500), 'drop', 'drop'],
    [failure('timeout', 'deadline'), 'drop', 'drop'],
    [failure('shed', 'queue-full'), 'drop', 'drop'],
  ] as const)('after all rounds a task with %j is: %s, before pull 730: %s', (last, now, baseline) => {
    expect(make().afterRounds(last)).toBe(now);
    expect(make(rounds.variants['baseline']).afterRounds(last)).toBe(baseline);
  });

  it('preserves nothing when told so', () => {
    expect(make({ preserve: [] }).afterRounds(failure('failed', 'rate-limited', 429))).toBe('drop');
  });

  it('hands its rounds and pacing to the batch core', () => {
    const policy = make({ roundsMax: 5, pacing: '1.5s' });
    expect([policy.roundsMax, policy.pacingUs]).toEqual([5, 1.5e6]);
    expect([make().roundsMax, make().pacingUs]).toEqual([2, 50e3]);
  });
});
