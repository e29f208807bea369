import { describe, expect, it } from 'vitest';
import type { AdaptiveAdmission } from '../../../policies/admission/adaptive-admission.ts';
import type { RequestAdmissionConfig } from '../../../policies/admission/config.ts';
import { attempt, HISTORIC, keeper, lease, limitAt, resource, takeAll, told } from './keepers.ts';

const CHAT = resource('chat');
const EMBEDDING = resource('embedding');

describe('AdaptiveAdmission: who may go', () => {
  it('denies an endpoint nobody has registered, waiting or not, and keeps no trace of it', () => {
    const admission = keeper(0);
    admission.acquire(0, 1, CHAT);
    expect([attempt(admission, 0), told(admission)]).toEqual(['hard-policy-denial', ['denied 1 hard-policy-denial']]);
    admission.register(0, 'p', 'm', 'a', 4);
    expect([admission.snapshots(0), lease(admission, 0).limit]).toEqual([[], 4]);
  });

  it('starts at 1 for life what was asked for before registration, upstream', () => {
    const admission = keeper(0, HISTORIC);
    attempt(admission, 0);
    admission.register(0, 'p', 'm', 'a', 4);
    expect(lease(admission, 0).limit).toBe(1);
  });

  it.each([
    ['the least alias holds', [['a', 5], ['b', 3]], 3],
    ['an alias may change its mind', [['a', 2], ['a', 6]], 6],
    ['a cap is at least 1', [['a', 0]], 1],
  ] as const)('caps an endpoint over all domains: %s', (_case, aliases, cap) => {
    const admission = keeper(0);
    for (const [alias, limit] of aliases) admission.register(0, 'p', 'm', alias, limit);
    for (let i = 0; i < cap; i++) lease(admission, 0, i, i % 2 === 0 ? CHAT : EMBEDDING);
    expect([attempt(admission, 0), attempt(admission, 0, EMBEDDING)]).toEqual(['no-capacity', 'no-capacity']);
    expect(admission.endpoint(0, 'p', 'm')).toMatchObject({ cap, inFlight: cap });
  });

  it.each([
    [{}, 8, 8],
    [{ initialLimit: 3 }, 3, 8],
    [{ limitMax: 5 }, 5, 5],
    [{ initialLimit: 7, limitMax: 5 }, 5, 5],
    [{ initialLimit: 20, limitMax: 20 }, 8, 8],
  ])('begins a resource with settings %j at %i of %i', (settings, limit, effectiveMax) => {
    const admission = keeper(8, { resources: [{ ...CHAT, weight: 1, ...settings }] });
    expect(lease(admission, 0)).toMatchObject({ limit, effectiveMax });
  });

  it('lowers the limit with the cap and raises it only by successes', () => {
    const admission = keeper(8);
    const first = lease(admission, 0);
    admission.register(0, 'p', 'm', 'a', 2);
    admission.register(0, 'p', 'm', 'a', 8);
    expect(limitAt(admission, 0)).toBe(2);
    admission.release(0, first, 'success');
    expect(admission.snapshot(0, CHAT)).toMatchObject({ limit: 2, effectiveMax: 8, successStreak: 1 });
  });

  it('admits waiters when a cap is raised', () => {
    const admission = keeper(1, { resources: [{ ...CHAT, weight: 1, limitMax: 9 }] });
    lease(admission, 0);
    admission.acquire(0, 1, EMBEDDING);
    expect(told(admission)).toEqual([]);
    admission.register(5, 'p', 'm', 'a', 2);
    expect(told(admission)).toEqual(['granted 1']);
  });
});

describe('AdaptiveAdmission: waiting', () => {
  it('answers a wait that need not be one at once, through the queue', () => {
    const kinds: string[] = [];
    const admission = keeper(1, {}, { sink: ({ kind }) => kinds.push(kind) });
    kinds.length = 0;
    admission.acquire(0, 1, CHAT);
    expect(told(admission)).toEqual(['granted 1']);
    expect(kinds).toEqual(['queue-formed', 'wait-started', 'wait-completed', 'lease-acquired', 'queue-drained']);
  });

  it('hands a lease given back to a waiter in the same step', () => {
    const admission = keeper(1);
    const first = lease(admission, 0);
    admission.acquire(1, 1, CHAT);
    admission.acquire(2, 2, CHAT);
    expect(admission.release(7, first, 'success')).toBe('released');
    expect(takeAll(admission)).toMatchObject([{ kind: 'granted', item: 1, lease: { id: 1, acquiredAt: 7 } }]);
    expect(admission.held()).toEqual({ waiting: 1, leased: 1 });
  });

  it('serves groups in turn, a heavier one more often', () => {
    const weighted = { resources: [{ ...EMBEDDING, weight: 2 }] };
    const admission = keeper(1, weighted);
    let held = lease(admission, 0, 0, resource('image'));
    for (let item = 1; item <= 6; item++) admission.acquire(0, item, item % 2 === 1 ? CHAT : EMBEDDING);
    const order: number[] = [];
    for (let i = 0; i < 6; i++) {
      admission.release(0, held, 'success');
      for (const effect of takeAll(admission)) if (effect.kind === 'granted') held = effect.lease;
      order.push(held.item);
    }
    expect(order).toEqual([1, 2, 4, 3, 6, 5]);
  });

  it.each([
    ['REPAIRED: a group whose waiters left goes behind those who stayed', {}, ['granted 2', 'granted 3']],
    ['upstream: it keeps its place', HISTORIC, ['granted 3', 'granted 2']],
  ])('%s', (_case, fields, order) => {
    const admission = keeper(1, fields);
    const held = lease(admission, 0, 0, resource('image'));
    admission.acquire(0, 1, CHAT);
    admission.acquire(0, 2, EMBEDDING);
    admission.cancel(0, 1);
    admission.acquire(0, 3, CHAT);
    takeAll(admission);
    admission.release(0, held, 'success');
    const [first] = takeAll(admission);
    if (first?.kind !== 'granted') throw new Error('nobody was granted the lease');
    admission.release(0, first.lease, 'success');
    expect([`granted ${first.item}`, ...told(admission)]).toEqual(order);
  });

  it.each([
    [30, 30, 'denied 1 queue-timeout'],
    [30, 29, 'granted 1'],
    [-1, 0, 'denied 1 queue-timeout'],
    [0, 0, 'denied 1 queue-timeout'],
    [Infinity, 1e12, 'granted 1'],
    [undefined, 59_999_999, 'granted 1'],
    [undefined, 60_000_000, 'denied 1 queue-timeout'],
  ])('a wait of %s with a lease given back at %i ends as: %s', (timeoutUs, at, end) => {
    const admission = keeper(1);
    const held = lease(admission, 0);
    admission.acquire(0, 1, CHAT, timeoutUs);
    admission.release(at, held, 'success');
    expect(told(admission)).toEqual([end]);
  });

  it('answers an acquisition with the end of its wait', () => {
    const admission = keeper(1);
    expect(admission.acquire(5, 1, CHAT, 20)).toBe(25);
    expect(admission.acquire(6, 2, CHAT, Infinity)).toBe(Infinity);
    expect(admission.acquire(7, 3, CHAT)).toBe(60_000_007);
  });

  it.each([
    ['register', (admission: AdaptiveAdmission) => admission.register(50, 'p', 'm', 'a', 9)],
    ['tryAcquire', (admission: AdaptiveAdmission) => admission.tryAcquire(50, 7, CHAT)],
    ['acquire', (admission: AdaptiveAdmission) => admission.acquire(50, 7, resource('chat', 'other'))],
    ['cancel', (admission: AdaptiveAdmission) => admission.cancel(50, 1)],
    ['wake', (admission: AdaptiveAdmission) => admission.wake(50)],
  ])('denies whoever is expired before %s acts', (_input, input) => {
    const admission = keeper(1);
    lease(admission, 0);
    admission.acquire(0, 1, CHAT, 20);
    admission.acquire(0, 2, EMBEDDING, 10);
    input(admission);
    expect(told(admission).slice(0, 2)).toEqual(['denied 2 queue-timeout', 'denied 1 queue-timeout']);
  });

  it('waits for ever by default upstream', () => {
    const admission = keeper(1, HISTORIC);
    lease(admission, 0);
    admission.acquire(0, 1, CHAT);
    expect(admission.nextWakeAt()).toBe(Infinity);
  });

  it('hides the rest of a group behind a head that may not go, and no other group', () => {
    const admission = keeper(2, { resources: [{ ...CHAT, weight: 1, limitMax: 1 }] });
    const held = [lease(admission, 0), lease(admission, 0, 1, EMBEDDING)] as const;
    admission.acquire(0, 2, CHAT);
    admission.acquire(0, 3, EMBEDDING);
    admission.release(0, held[1], 'success');
    expect(told(admission)).toEqual(['granted 3']);
  });

  it('refuses a second question of an item that waits', () => {
    const admission = keeper(1);
    lease(admission, 0);
    admission.acquire(0, 1, CHAT);
    expect(() => admission.acquire(0, 1, CHAT)).toThrow('one lease at a time');
  });

  it('refuses a clock that goes back', () => {
    const admission = keeper(1);
    admission.wake(5);
    expect(() => admission.wake(4)).toThrow('now went backwards');
  });
});

describe('AdaptiveAdmission: cancelling', () => {
  it('lets a waiter go', () => {
    const admission = keeper(1);
    lease(admission, 0);
    admission.acquire(0, 1, CHAT);
    expect([admission.cancel(1, 1), admission.cancel(1, 1), told(admission)]).toEqual([true, false, ['cancelled 1']]);
    expect([admission.held(), admission.nextWakeAt()]).toEqual([{ waiting: 0, leased: 1 }, Infinity]);
  });

  it('takes a grant back that nobody has taken, as a neutral outcome, and passes it on', () => {
    const admission = keeper(1);
    const held = lease(admission, 0);
    admission.acquire(0, 1, CHAT);
    admission.acquire(0, 2, CHAT);
    admission.release(3, held, 'success');
    expect([admission.cancel(3, 1), admission.cancel(3, 1)]).toEqual([true, false]);
    expect([told(admission), admission.leakCounts().duplicate]).toEqual([['cancelled 1', 'granted 2'], 0]);
    expect(admission.eventCounts()).toMatchObject({ 'lease-acquired': 3, 'lease-released': 2, 'wait-cancelled': 1 });
    expect(admission.snapshot(3, CHAT)).toMatchObject({ lastOutcome: 'local-cancelled', inFlight: 1 });
  });

  it('leaves a denial or a lease that was taken alone', () => {
    const admission = keeper(1);
    admission.acquire(0, 1, CHAT);
    takeAll(admission);
    admission.acquire(0, 2, CHAT, 5);
    admission.wake(5);
    expect([admission.cancel(5, 1), admission.cancel(5, 2), told(admission)]).toEqual([
      false,
      false,
      ['denied 2 queue-timeout'],
    ]);
    expect(admission.held().leased).toBe(1);
  });
});

describe('AdaptiveAdmission: giving leases back', () => {
  it('tells apart and counts what it does not take back, and changes nothing', () => {
    const admission = keeper(2);
    const [out, back] = [lease(admission, 0), lease(admission, 0, 1)];
    admission.release(1, back, 'success');
    const before = admission.snapshots(1).map((snapshot) => ({ ...snapshot, sequence: 0 }));
    const refusals = [
      { ...out, generation: 1 },
      back,
      { ...out, id: 77 },
      { ...out, limit: out.limit + 1 },
      { ...out, item: 5 },
      { ...out, resource: EMBEDDING },
    ].map((forged) => admission.release(1, forged, 'rate-limited'));
    const stale = ['stale-lease', 'stale-lease', 'stale-lease'];
    expect(refusals).toEqual(['wrong-controller-generation', 'duplicate', 'unknown-lease', ...stale]);
    expect(admission.leakCounts()).toEqual({
      'wrong-controller-generation': 1,
      duplicate: 1,
      'unknown-lease': 1,
      'stale-lease': 3,
    });
    expect(admission.snapshots(1).map((snapshot) => ({ ...snapshot, sequence: 0 }))).toEqual(before);
    expect(admission.release(1, { ...out, resource: { ...CHAT } }, 'success')).toBe('released');
  });

  it('remembers as many released leases as it is told to', () => {
    const admission = keeper(5, { releasedHistory: 3 });
    const leases = [0, 1, 2, 3].map((item) => lease(admission, 0, item));
    for (const one of leases) admission.release(0, one, 'success');
    const again = leases.map((one) => admission.release(0, one, 'success'));
    expect(again).toEqual(['unknown-lease', 'duplicate', 'duplicate', 'duplicate']);
  });

  it('refuses the leases of a keeper before it', () => {
    const held = lease(keeper(1), 0);
    expect(keeper(1, {}, { generation: 1 }).release(0, held, 'success')).toBe('wrong-controller-generation');
  });
});

describe('AdaptiveAdmission: newcomers', () => {
  /** A waiter of each model has become admissible by time alone, and nobody has woken the keeper. */
  function woken(fields: Partial<RequestAdmissionConfig>) {
    const admission = keeper(2, { cooldown: 100, ...fields });
    admission.register(0, 'p', 'other', 'a', 2);
    const chats = [resource('chat', 'other'), resource('chat', 'm')];
    for (const chat of chats) admission.release(0, lease(admission, 0, 0, chat), 'rate-limited');
    for (const [i, chat] of chats.entries()) admission.acquire(1, i + 1, chat, 900);
    return admission;
  }

  it.each([
    ['behind-endpoint', 'chat', 'm', 'queued-waiters-ahead'],
    ['behind-endpoint', 'embedding', 'm', 'queued-waiters-ahead'],
    ['behind-endpoint', 'chat', 'other', 'queued-waiters-ahead'],
    ['behind-fair-head', 'chat', 'm', 'granted'],
    ['behind-fair-head', 'chat', 'other', 'queued-waiters-ahead'],
  ] as const)('with rule %s a newcomer for %s of model %s is answered: %s', (newcomers, domain, model, answer) => {
    expect(attempt(woken({ newcomers }), 200, resource(domain, model))).toBe(answer);
  });

  it('admits the waiters ahead in the same input', () => {
    const admission = woken({});
    attempt(admission, 200);
    expect(told(admission)).toEqual(['granted 1', 'granted 2']);
  });
});

describe('AdaptiveAdmission: snapshots', () => {
  it('shows an endpoint with its aliases and the limits of its domains', () => {
    const admission = keeper(4);
    admission.register(0, 'p', 'm', 'Z', 7);
    lease(admission, 0, 0, EMBEDDING);
    expect(admission.endpoints(0)).toEqual([
      {
        provider: 'p',
        model: 'm',
        cap: 4,
        inFlight: 1,
        aliases: [
          ['Z', 7],
          ['a', 4],
        ],
        limits: [['embedding', 4]],
      },
    ]);
    expect(admission.endpoint(0, 'p', 'x')).toBeUndefined();
  });

  it('shows what a resource holds and who waits, and counts events', () => {
    const admission = keeper(1);
    lease(admission, 0);
    admission.acquire(3, 1, CHAT);
    expect(admission.snapshot(4, CHAT)).toMatchObject({ capturedAt: 4, inFlight: 1, waiting: 1, lastOutcome: 'none' });
    expect([admission.snapshot(4, CHAT)?.sequence, admission.snapshot(4, EMBEDDING)]).toEqual([7, undefined]);
  });
});
