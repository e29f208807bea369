/** What request admission tells of its steps, and shows of its resources. */
import { describe, expect, it } from 'vitest';
import type { AdmissionEvent, RequestLease } from '../../../policies/admission/types.ts';
import { keeper, lease, resource, takeAll } from './keepers.ts';

const CHAT = resource('chat');
const EMBEDDING = resource('embedding');

/** A keeper with a cap of 1, and what it says since as `at kind domain item reason previous>current`. */
function listened(cap = 1, fields: Parameters<typeof keeper>[1] = {}) {
  const events: AdmissionEvent[] = [];
  const admission = keeper(0, { cooldown: 100, ...fields }, { sink: (event) => events.push(event) });
  admission.register(0, 'p', 'm', 'a', cap);
  const said = () => {
    return events.splice(0).map(({ kind, at, resource: { domain }, item, reason, previous, current }) => {
      const change = previous === 0 && current === 0 ? '' : ` ${previous}>${current}`;
      return `${at} ${kind} ${domain} ${item} ${reason}${change}`;
    });
  };
  return { admission, said };
}

describe('the events of request admission', () => {
  it('tell of a registration, and of a cap only when it changes', () => {
    const { admission, said } = listened(4);
    expect(said()).toEqual(['0 resource-registered chat -1 none', '0 effective-cap-changed chat -1 none 0>4']);
    admission.register(5, 'p', 'm', 'b', 9);
    expect(said()).toEqual(['5 resource-registered chat -1 none']);
    admission.register(6, 'p', 'm', 'b', 2);
    expect(said()).toEqual(['6 resource-registered chat -1 none', '6 effective-cap-changed chat -1 none 4>2']);
  });

  it('tell of a question that is answered at once', () => {
    const { admission, said } = listened();
    said();
    const held = lease(admission, 3, 7);
    expect(said()).toEqual([
      ...['3 wait-started chat 7 none', '3 wait-completed chat 7 none', '3 lease-acquired chat 7 none'],
    ]);
    admission.tryAcquire(4, 8, CHAT);
    expect(said()).toEqual(['4 wait-started chat 8 none', '4 acquire-denied chat 8 no-capacity']);
    admission.release(5, held, 'provider-failure');
    expect(said()).toEqual(['5 lease-released chat 7 provider-failure']);
    expect(admission.tryAcquire(6, 9, resource('chat', 'nobody'))).toMatchObject({ availableAt: Infinity });
    expect(said()).toEqual(['6 wait-started chat 9 none', '6 acquire-denied chat 9 hard-policy-denial']);
  });

  it('tell of a queue from its first waiter to its last', () => {
    const { admission, said } = listened();
    const held = lease(admission, 0, 1);
    said();
    admission.acquire(1, 2, EMBEDDING);
    admission.acquire(2, 3, CHAT);
    expect(said()).toEqual([
      ...['1 queue-formed embedding 2 none', '1 wait-started embedding 2 none', '2 wait-started chat 3 none'],
    ]);
    admission.release(3, held, 'success');
    expect(said()).toEqual([
      ...['3 lease-released chat 1 success', '3 wait-completed embedding 2 none', '3 lease-acquired embedding 2 none'],
    ]);
    const [granted] = takeAll(admission);
    if (granted?.kind !== 'granted') throw new Error('nobody was granted the lease');
    admission.release(4, granted.lease, 'success');
    expect(said()).toEqual([
      ...['4 lease-released embedding 2 success', '4 wait-completed chat 3 none', '4 lease-acquired chat 3 none'],
      '4 queue-drained chat 3 none',
    ]);
  });

  it('tell why a wait ended otherwise', () => {
    const { admission, said } = listened();
    lease(admission, 0, 1);
    admission.acquire(1, 2, CHAT, 10);
    admission.acquire(1, 3, EMBEDDING, 10);
    said();
    admission.cancel(5, 2);
    expect(said()).toEqual(['5 wait-cancelled chat 2 cancellation']);
    admission.wake(11);
    expect(said()).toEqual(['11 wait-timeout embedding 3 queue-timeout']);
    admission.acquire(12, 4, CHAT, 0);
    expect(said()).toEqual(['12 wait-timeout chat 4 queue-timeout']);
  });

  it('tell of a 429, of every other end, and of leases that are not taken back', () => {
    const { admission, said } = listened(4);
    const held = [1, 2].map((item) => lease(admission, 0, item));
    said();
    admission.release(1, held[0] as RequestLease, 'rate-limited');
    expect(said()).toEqual([
      ...['1 limit-decreased chat -1 none 4>3', '1 rate-limited chat 1 none', '1 lease-released chat 1 rate-limited'],
    ]);
    admission.release(2, held[0] as RequestLease, 'success');
    expect(said()).toEqual(['2 release-diagnostic chat 1 duplicate']);
    admission.release(3, { ...(held[1] as RequestLease), limit: 9 }, 'success');
    expect(said()).toEqual(['3 release-diagnostic chat 2 stale-lease']);
    admission.release(4, held[1] as RequestLease, 'local-timeout');
    expect(said()).toEqual(['4 lease-released chat 2 local-timeout']);
  });

  it('count as many as were told, of each kind', () => {
    const { admission, said } = listened(2);
    const held = lease(admission, 0, 1);
    admission.release(1, held, 'success');
    admission.release(1, held, 'success');
    const kinds = said().map((event) => event.split(' ')[1] as string);
    const counts = admission.eventCounts();
    for (const kind of new Set(kinds)) {
      expect([kind, counts[kind as keyof typeof counts]]).toEqual([kind, kinds.filter((each) => each === kind).length]);
    }
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(kinds.length);
    expect(admission.snapshot(1, CHAT)?.sequence).toBe(kinds.length);
    expect(admission.snapshots(1)).toEqual([admission.snapshot(1, CHAT)]);
  });
});

describe('the snapshot of a resource', () => {
  it('shows a cool-down while it lasts', () => {
    const { admission } = listened(4);
    admission.release(5, lease(admission, 5), 'rate-limited');
    const shown = (now: number) => {
      const { blockedUntil, cooldownRemainingUs, rateLimitCeiling } = admission.snapshot(now, CHAT) ?? {};
      return [blockedUntil, cooldownRemainingUs, rateLimitCeiling];
    };
    expect([shown(5), shown(104), shown(105)]).toEqual([[105, 100, 4], [105, 1, 4], [-Infinity, 0, 4]]);
  });

  it('shows a ramp until the instant it is over', () => {
    const { admission } = listened(4, { startupRamp: 1000 });
    lease(admission, 0);
    const ramping = [0, 999, 1000].map((now) => admission.snapshot(now, CHAT)?.ramping);
    expect(ramping).toEqual([true, true, false]);
    const flat = listened(1, { startupRamp: 1000 }).admission;
    lease(flat, 0);
    expect(flat.snapshot(0, CHAT)?.ramping).toBe(false);
    const plain = listened(4).admission;
    lease(plain, 0);
    expect(plain.snapshot(0, CHAT)?.ramping).toBe(false);
  });

  it('keeps the limit of the first 429 as ceiling until it is passed', () => {
    const { admission } = listened(8, { increaseAfter: 1, decreaseRatio: 0.5, cooldown: 1 });
    admission.release(0, lease(admission, 0), 'rate-limited');
    admission.release(1, lease(admission, 1), 'rate-limited');
    const ceilings: (readonly (number | undefined)[])[] = [];
    for (let now = 2; now < 9; now++) {
      admission.release(now, lease(admission, now), 'success');
      const { limit, rateLimitCeiling } = admission.snapshot(now, CHAT) ?? {};
      ceilings.push([limit, rateLimitCeiling]);
    }
    expect(ceilings).toEqual([[3, 8], [4, 8], [5, 8], [6, 8], [7, 8], [8, 0], [8, 0]]);
  });

  it('forgets a ceiling that a raised cap lets it pass', () => {
    const { admission } = listened(4, { increaseAfter: 1, cooldown: 1 });
    admission.release(0, lease(admission, 0), 'rate-limited');
    admission.register(0, 'p', 'm', 'a', 9);
    const shown: (readonly (number | undefined)[])[] = [];
    for (let now = 2; now < 5; now++) {
      admission.release(now, lease(admission, now), 'success');
      const { limit, rateLimitCeiling } = admission.snapshot(now, CHAT) ?? {};
      shown.push([limit, rateLimitCeiling]);
    }
    expect(shown).toEqual([[4, 4], [5, 0], [6, 0]]);
  });

  it('lists the limits of its own endpoint only, aliases by name', () => {
    const { admission } = listened(4);
    admission.register(0, 'p', 'n', 'z', 2);
    admission.register(0, 'p', 'm', 'A', 9);
    lease(admission, 0, 1, CHAT);
    lease(admission, 0, 2, resource('image', 'n'));
    expect(admission.endpoints(0).map(({ model, limits }) => [model, limits])).toEqual([
      ['m', [['chat', 4]]],
      ['n', [['image', 2]]],
    ]);
    expect(admission.endpoint(0, 'p', 'm')?.aliases.map(([alias]) => alias)).toEqual(['A', 'a']);
  });

  it('leaves out endpoints that were asked for and never registered', () => {
    const historic = keeper(1, { stateBegins: 'any-touch' });
    historic.tryAcquire(0, 1, resource('chat', 'unknown'));
    expect(historic.endpoints(0).map(({ model }) => model)).toEqual(['m']);
    expect(historic.endpoint(0, 'p', 'unknown')).toBeUndefined();
  });
});

describe('a lease given back', () => {
  it.each([
    ['item', { item: 9 }],
    ['acquiredAt', { acquiredAt: 9 }],
    ['limit', { limit: 9 }],
    ['effectiveMax', { effectiveMax: 9 }],
    ['domain', { resource: EMBEDDING }],
    ['model', { resource: resource('chat', 'n') }],
    ['provider', { resource: resource('chat', 'm', 'q') }],
  ])('is the one that was granted, down to its %s', (_field, change) => {
    const admission = keeper(2);
    const held = lease(admission, 0, 1);
    expect(admission.release(1, { ...held, ...change }, 'success')).toBe('stale-lease');
    expect(admission.release(1, structuredClone(held), 'success')).toBe('released');
  });

  it.each([
    [0, ['unknown-lease', 'unknown-lease']],
    [1, ['unknown-lease', 'duplicate']],
  ])('is unknown once it is forgotten, or was never remembered (%i)', (releasedHistory, answers) => {
    const admission = keeper(2, { releasedHistory });
    const held = [lease(admission, 0, 1), lease(admission, 0, 2)];
    for (const one of held) admission.release(1, one, 'success');
    expect(held.map((one) => admission.release(1, one, 'success'))).toEqual(answers);
  });
});
