import { describe, expect, it } from 'vitest';
import type { RequestAdmissionConfig } from '../../../policies/admission/config.ts';
import type { AdmissionEvent, ReleaseOutcome, RequestLease } from '../../../policies/admission/types.ts';
import { attempt, HISTORIC, keeper, lease, limitAt, resource, takeAll, told } from './keepers.ts';

const CHAT = resource('chat');
const EMBEDDING = resource('embedding');

describe('ResourceLimit', () => {
  /** Leases out at a limit of 8, then the outcomes at the instants given. */
  function after(
    fields: Partial<RequestAdmissionConfig>,
    ends: readonly (readonly [now: number, ReleaseOutcome, retryAfterUs?: number])[],
  ) {
    const admission = keeper(8, { cooldown: 100, ...fields });
    const leases = [0, 1, 2, 3, 4, 5, 6, 7].map((item) => lease(admission, 0, item));
    for (const [i, [now, outcome, retryAfterUs]] of ends.entries()) {
      admission.release(now, leases[i] as RequestLease, outcome, retryAfterUs);
    }
    return admission.snapshot(ends.at(-1)?.[0] ?? 0, CHAT);
  }

  it.each([
    ['a 429 cuts it and rests the resource', {}, [[5, 'rate-limited']], { limit: 6, blockedUntil: 105 }],
    [
      'a burst of 429s cuts it once',
      {},
      [[5, 'rate-limited'], [6, 'rate-limited']],
      { limit: 6, consecutiveRateLimits: 2 },
    ],
    ['a Retry-After replaces the cool-down', {}, [[5, 'rate-limited', 40]], { blockedUntil: 45 }],
    ['a Retry-After of nothing is none', {}, [[5, 'rate-limited', -1]], { blockedUntil: 105 }],
    ['a Retry-After is clamped', { retryAfterMax: 60 }, [[5, 'rate-limited', 1e9]], { blockedUntil: 65 }],
    ['upstream clamps none', HISTORIC, [[5, 'rate-limited', 1e9]], { blockedUntil: 5 + 1e9 }],
    [
      'a later 429 does not shorten a cool-down',
      {},
      [[5, 'rate-limited', 900], [6, 'rate-limited', 10]],
      { blockedUntil: 905 },
    ],
    [
      'upstream the latest 429 decides',
      { cooldownEnd: 'latest-429' },
      [[5, 'rate-limited', 900], [6, 'rate-limited', 10]],
      { blockedUntil: 16 },
    ],
    ['a success in a cool-down does not count', {}, [[5, 'rate-limited'], [9, 'success']], { successStreak: 0 }],
    [
      'a success as it ends does, and ends the row of 429s',
      {},
      [[5, 'rate-limited'], [105, 'success']],
      { successStreak: 1, consecutiveRateLimits: 0 },
    ],
    ['another failure leaves the streak alone', {}, [[5, 'success'], [6, 'provider-failure']], { successStreak: 1 }],
    ['a 429 ends the streak', {}, [[5, 'success'], [6, 'rate-limited']], { successStreak: 0 }],
    [
      'enough successes raise it, to the effective max at most',
      { increaseAfter: 2, increaseStep: 5 },
      [[5, 'rate-limited'], [105, 'success'], [106, 'success']],
      { limit: 8, successStreak: 0 },
    ],
    ['it is at least 1', { decreaseRatio: 0.01 }, [[5, 'rate-limited']], { limit: 1 }],
  ] as const)('%s', (_case, fields, ends, expected) => {
    expect(after(fields, ends)).toMatchObject(expected);
  });

  it('ends a row of 429s when the last lease fails otherwise, unless the end says nothing', () => {
    for (const [outcome, row] of [['provider-timeout', 0], ['local-cancelled', 1], ['local-timeout', 1]] as const) {
      const admission = keeper(2);
      const [first, second] = [lease(admission, 0), lease(admission, 0, 1)];
      admission.release(0, first, 'rate-limited');
      admission.release(0, second, outcome);
      expect([outcome, admission.snapshot(0, CHAT)?.consecutiveRateLimits]).toEqual([outcome, row]);
    }
  });

  it('denies during a cool-down, says until when, and lets go at its end', () => {
    const admission = keeper(2, { cooldown: 100 });
    admission.release(5, lease(admission, 5), 'rate-limited');
    expect(admission.tryAcquire(104, 1, CHAT)).toMatchObject({ kind: 'denied', reason: 'cooldown', availableAt: 105 });
    expect([attempt(admission, 104, EMBEDDING), attempt(admission, 105)]).toEqual(['granted', 'granted']);
  });

  it('wakes waiters at the end of a cool-down and a 429 passes its place to another domain', () => {
    const admission = keeper(1, { cooldown: 100 });
    const held = lease(admission, 0);
    admission.acquire(0, 1, CHAT, 1000);
    admission.acquire(0, 2, EMBEDDING, 1000);
    admission.release(5, held, 'rate-limited');
    const [effect] = takeAll(admission);
    expect(effect).toMatchObject({ kind: 'granted', item: 2 });
    expect(admission.nextWakeAt()).toBe(1000);
    if (effect?.kind === 'granted') admission.release(9, effect.lease, 'success');
    expect(admission.nextWakeAt()).toBe(105);
    admission.wake(105);
    expect(told(admission)).toEqual(['granted 1']);
  });

  it('tells of recovery once a change, and forgets the ceiling once it is passed', () => {
    const cases = [
      [{}, ['limit-increased 2', 'soft-ceiling-recovered 1', 'limit-increased 3', 'fully-recovered 0'], 0],
      [
        { ceiling: 'for-ever' },
        [
          ...['limit-increased 2', 'soft-ceiling-recovered 1'],
          ...['limit-increased 3', 'soft-ceiling-recovered 1', 'fully-recovered 0'],
        ],
        1,
      ],
    ] as const;
    for (const [fields, expected, ceiling] of cases) {
      const events: AdmissionEvent[] = [];
      const settings = { resources: [{ ...CHAT, weight: 1, initialLimit: 1 }], increaseAfter: 1, cooldown: 1 };
      const admission = keeper(3, { ...settings, ...fields }, { sink: (event) => events.push(event) });
      admission.release(0, lease(admission, 0), 'rate-limited');
      for (let now = 1; now < 5; now++) admission.release(now, lease(admission, now), 'success');
      const recovery = events.filter(({ kind }) => kind.endsWith('increased') || kind.endsWith('recovered'));
      expect(recovery.map(({ kind, current }) => `${kind} ${current}`)).toEqual(expected);
      expect(admission.snapshot(5, CHAT)?.rateLimitCeiling).toBe(ceiling);
    }
  });
});

describe('ResourceLimit: the startup ramp', () => {
  const ramp = { startupRamp: 1000 };

  it.each([
    [0, 1],
    [332, 1],
    [334, 2],
    [667, 3],
    [999, 3],
    [1000, 4],
    [5000, 4],
  ])('allows at %i µs: %i', (elapsed, limit) => {
    const admission = keeper(4, ramp);
    admission.release(100, lease(admission, 100), 'local-cancelled');
    expect(limitAt(admission, 100 + elapsed)).toBe(limit);
  });

  it('wakes at each instant of growth that lets a waiter go, and at no other', () => {
    const admission = keeper(4, ramp);
    for (let item = 0; item < 4; item++) admission.acquire(0, item, CHAT, 1e6);
    const grants: [number, readonly string[]][] = [[0, told(admission)]];
    for (let at = admission.nextWakeAt(); at < Infinity; at = admission.nextWakeAt()) {
      admission.wake(at);
      grants.push([Math.round(at), told(admission)]);
    }
    expect(grants).toEqual([
      [0, ['granted 0']],
      [333, ['granted 1']],
      [667, ['granted 2']],
      [1000, ['granted 3']],
    ]);
  });

  it('ends for good at a 429', () => {
    const admission = keeper(4, { ...ramp, cooldown: 10, decreaseRatio: 0.5 });
    const held = lease(admission, 0);
    admission.release(400, held, 'rate-limited');
    expect([limitAt(admission, 400), limitAt(admission, 2000)]).toEqual([1, 1]);
  });

  it('counts successes once it is over, not before', () => {
    const admission = keeper(4, ramp);
    admission.release(0, lease(admission, 0), 'success');
    expect(admission.snapshot(0, CHAT)).toMatchObject({ successStreak: 0, ramping: true });
    admission.release(1000, lease(admission, 1000), 'success');
    expect(admission.snapshot(1000, CHAT)).toMatchObject({ successStreak: 1, ramping: false, limit: 4 });
  });

  it('climbs to a target that moves with the cap, and stays where it ended', () => {
    const admission = keeper(4, ramp);
    lease(admission, 0);
    admission.register(500, 'p', 'm', 'a', 10);
    expect([limitAt(admission, 500), limitAt(admission, 1000)]).toEqual([5, 10]);
    admission.register(500, 'p', 'm', 'a', 3);
    expect(limitAt(admission, 500)).toBe(2);
    admission.register(1500, 'p', 'm', 'a', 10);
    expect(limitAt(admission, 1500)).toBe(3);
  });

  it('begins with the first request, upstream for chat with the registration', () => {
    for (const [stateBegins, limit] of [['first-request', 1], ['any-touch', 3]] as const) {
      const admission = keeper(4, { ...ramp, stateBegins });
      expect(lease(admission, 700).limit).toBe(limit);
    }
  });
});
