import { describe, expect, it } from 'vitest';
import { classOf, laneOf, parseClass, type PriorityClass } from '../../../policies/priority/classes.ts';
import { priority } from '../../../policies/priority/priority.ts';
import type { AttemptView, Queue } from '../../../policies/types.ts';
import { attemptResult, requestView } from '../views.ts';
import { attemptView } from './attempts.ts';

/** Nothing reserved, two places per queue, starved after 50 µs, given up after 100 µs. */
const PLAIN = {
  ...{ reservedFloor: 0, reservedPerSlot: 0, queueSize: 2 },
  ...{ queueTimeout: '100us', starvation: '50us' },
};
const CLASSES = {
  bulk: PLAIN,
  default: PLAIN,
  interactive: { ...PLAIN, canPreempt: true },
  system: { ...PLAIN, canPreempt: true },
};
const HISTORIC = { variant: 'smg-2026-08-07', ...priority.variants['smg-2026-08-07'] };

function make(capacity: number, given: Record<string, unknown> = {}) {
  const { variant: _variant, ...fields } = given;
  const config = priority.config.parse({ name: 'priority', defaultMaxClass: 'system', classes: CLASSES, ...fields });
  return new Driver(priority.make(config, { rng: () => 0 }), capacity);
}

/** Plays the core: every admitted request gets an attempt at once, a preempted one is settled and leaves. */
class Driver {
  readonly queue: Queue;
  readonly #attempts = new Map<number, AttemptView>();

  constructor(queue: Queue, capacity: number) {
    this.queue = queue;
    queue.capacityChanged(0, capacity);
  }

  offer(now: number, id: number, name: PriorityClass): string {
    const request = requestView({ id, priority: laneOf(name) });
    this.#attempts.set(id, attemptView({ id, request }));
    const answer = this.queue.offer(now, request);
    if (answer === 'admitted') this.#grant(now, id);
    return [answer, ...this.effects(now)].join(' ');
  }

  leave(now: number, id: number): string {
    this.queue.leave(now, this.#attempt(id).request);
    return this.effects(now).join(' ');
  }

  wake(now: number): string {
    this.queue.wake(now);
    return this.effects(now).join(' ');
  }

  firstToken(now: number, id: number): void {
    this.queue.firstToken?.(now, this.#attempt(id));
  }

  effects(now: number): string[] {
    const seen: string[] = [];
    for (let effect = this.queue.take(); effect !== undefined; effect = this.queue.take()) {
      if (effect.kind === 'preempt') {
        const { id } = effect.attempt.request;
        seen.push(`preempt:${id}`);
        this.queue.settled?.(now, effect.attempt, attemptResult({ outcome: 'cancelled' }));
        this.queue.leave(now, effect.attempt.request);
      } else {
        const { id } = effect.request;
        seen.push(effect.kind === 'admit' ? `admit:${id}` : `${effect.cause}:${id}`);
        if (effect.kind === 'admit') this.#grant(now, id);
      }
    }
    return seen;
  }

  #grant(now: number, id: number): void {
    this.queue.granted?.(now, this.#attempt(id));
  }

  #attempt(id: number): AttemptView {
    return this.#attempts.get(id) as AttemptView;
  }
}

describe('classOf', () => {
  const rules = { basePriority: 0, defaultMaxClass: 'system', tenants: { shop: 'default' } } as const;

  it.each([
    [-5, '', 'bulk'],
    [0, '', 'bulk'],
    [1, '', 'default'],
    [2, '', 'interactive'],
    [3, '', 'system'],
    [1000, '', 'system'],
    [3, 'shop', 'default'],
    [0, 'shop', 'bulk'],
    [3, 'toString', 'system'],
  ] as const)('takes priority %d of tenant %j as %s', (value, tenant, name) => {
    expect(classOf({ priority: value, tenant }, rules)).toBe(name);
  });

  it('counts from basePriority', () => {
    const shifted = { ...rules, basePriority: -1 };
    const names = [-1, 0, 1, 2].map((value) => classOf({ priority: value, tenant: '' }, shifted));
    expect(names).toEqual(['bulk', 'default', 'interactive', 'system']);
  });

  it('lets nobody above default out of the box', () => {
    const config = priority.config.parse({ name: 'priority' });
    expect(classOf({ priority: 3, tenant: 'anyone' }, config)).toBe('default');
  });

  it('reads a header forgivingly, in ASCII only', () => {
    const names = [' Bulk\t', 'SYSTEM', undefined, '', 'urgent', 'bul\u212a'].map(parseClass);
    expect(names).toEqual(['bulk', 'system', 'default', 'default', 'default', 'default']);
  });
});

describe('Scheduler', () => {
  it('keeps reserved slots for the classes above', () => {
    const play = make(2, { classes: { ...CLASSES, system: { ...PLAIN, reservedFloor: 1 } } });
    expect(play.offer(0, 0, 'bulk')).toBe('admitted');
    expect(play.offer(0, 1, 'default')).toBe('queued');
    expect(play.offer(0, 2, 'system')).toBe('admitted');
    expect(play.leave(1, 0)).toBe('admit:1');
  });

  it('leaves a slot to everybody where the reservations would take them all', () => {
    const play = make(2, { classes: { ...CLASSES, system: { ...PLAIN, reservedFloor: 2 } } });
    expect([0, 1].map((id) => play.offer(0, id, 'bulk'))).toEqual(['admitted', 'queued']);
    expect(play.offer(0, 2, 'system')).toBe('admitted');
  });

  it('keeps nothing for classes that nobody may have, unless told to', () => {
    const classes = { ...CLASSES, system: { ...PLAIN, reservedFloor: 1 } };
    const answers = (given: Record<string, unknown>): string[] => {
      const play = make(2, { classes, defaultMaxClass: 'default', ...given });
      return [0, 1].map((id) => play.offer(0, id, 'bulk'));
    };
    expect(answers({})).toEqual(['admitted', 'admitted']);
    expect(answers({ tenants: { ops: 'system' } })).toEqual(['admitted', 'queued']);
    expect(answers({ reserveFor: 'all' })).toEqual(['admitted', 'queued']);
  });

  it('serves the highest class first and each class in order', () => {
    const play = make(1);
    play.offer(0, 0, 'system');
    play.offer(1, 1, 'bulk');
    play.offer(2, 2, 'default');
    play.offer(3, 3, 'system');
    play.offer(4, 4, 'default');
    expect([0, 3, 2, 4, 1].map((id) => play.leave(5, id))).toEqual(['admit:3', 'admit:2', 'admit:4', 'admit:1', '']);
  });

  it('bounds each queue by itself and sheds at the timeout', () => {
    const play = make(1);
    play.offer(0, 0, 'system');
    const answers = [1, 2, 3].map((id) => play.offer(10, id, 'bulk'));
    expect([...answers, play.offer(10, 4, 'default')]).toEqual(['queued', 'queued', 'queue-full', 'queued']);
    expect([play.wake(109), play.queue.nextWakeAt()]).toEqual(['', 110]);
    expect(play.wake(110)).toBe('queue-timeout:1 queue-timeout:2 queue-timeout:4');
  });

  it('admits a starved head against reservations, and announces when', () => {
    const play = make(2, { classes: { ...CLASSES, system: { ...PLAIN, reservedFloor: 1 } } });
    play.offer(0, 0, 'bulk');
    play.offer(10, 1, 'bulk');
    expect([play.queue.nextWakeAt(), play.wake(59), play.wake(60)]).toEqual([60, '', 'admit:1']);
    expect(play.queue.held()).toEqual({ waiting: 0, admitted: 2 });
  });

  it('pushes out the newest of the lowest class before its first byte, and hands the slot over', () => {
    const play = make(4);
    for (const [id, name] of (['default', 'bulk', 'bulk', 'bulk'] as const).entries()) play.offer(id, id, name);
    play.firstToken(5, 3);
    expect(play.offer(6, 4, 'system')).toBe('queued preempt:2 admit:4');
    expect(play.offer(7, 5, 'interactive')).toBe('queued preempt:1 admit:5');
    expect(play.offer(8, 6, 'interactive')).toBe('queued preempt:0 admit:6');
    expect(play.offer(9, 7, 'system')).toBe('queued preempt:6 admit:7');
    expect(play.offer(10, 8, 'interactive')).toBe('queued');
  });

  it('gives the slot of a victim to the first in line of the class or above', () => {
    const play = make(2);
    play.offer(0, 0, 'bulk');
    play.offer(0, 1, 'system');
    play.firstToken(0, 0);
    play.offer(1, 2, 'interactive');
    // The first attempt failed and was repeated: its successor has sent nothing.
    const again = attemptView({ id: 99, request: requestView({ id: 0 }) });
    play.queue.granted?.(2, again);
    play.firstToken(2, 0);
    expect(play.offer(3, 3, 'interactive')).toBe('queued preempt:0 admit:2');
  });

  it('pushes nobody out where one slot does not help', () => {
    const play = make(2, { unreserved: 0, classes: { ...CLASSES, system: { ...PLAIN, reservedFloor: 2 } } });
    play.queue.capacityChanged(0, Infinity);
    play.offer(0, 0, 'bulk');
    play.queue.capacityChanged(0, 2);
    expect(play.offer(1, 1, 'interactive')).toBe('queued');
  });

  it('pushes nobody out for one without a place when the slot would go above it', () => {
    const play = make(1);
    play.offer(0, 0, 'bulk');
    play.firstToken(0, 0);
    expect([play.offer(1, 1, 'system'), play.offer(1, 2, 'interactive')]).toEqual(['queued', 'queued']);
    // The first attempt failed and was repeated: its successor has sent nothing.
    play.queue.granted?.(2, attemptView({ id: 98, request: requestView({ id: 0 }) }));
    expect(play.offer(3, 3, 'interactive')).toBe('queued preempt:0 admit:1');
    play.queue.settled?.(4, attemptView({ id: 1, request: requestView({ id: 1, priority: 3 }) }), attemptResult());
    const full = make(1);
    full.offer(0, 0, 'bulk');
    full.firstToken(0, 0);
    for (const [id, name] of [[1, 'system'], [2, 'interactive'], [3, 'interactive']] as const) full.offer(1, id, name);
    full.queue.granted?.(2, attemptView({ id: 98, request: requestView({ id: 0 }) }));
    expect(full.offer(3, 4, 'interactive')).toBe('queue-full');
  });

  it('gives one that brings a slot along the place that the head of its class leaves', () => {
    const play = make(1);
    play.offer(0, 0, 'bulk');
    play.firstToken(0, 0);
    for (const [id, name] of [[1, 'bulk'], [2, 'interactive'], [3, 'interactive']] as const) play.offer(1, id, name);
    play.queue.granted?.(2, attemptView({ id: 98, request: requestView({ id: 0 }) }));
    expect(play.offer(3, 4, 'interactive')).toBe('queued preempt:0 admit:2');
    expect([play.leave(4, 2), play.leave(4, 3), play.leave(4, 4)]).toEqual(['admit:3', 'admit:4', 'admit:1']);
  });

  it('pushes out no request that was admitted for its long wait', () => {
    const play = make(1);
    play.offer(0, 0, 'system');
    play.offer(0, 1, 'bulk');
    play.wake(60);
    expect(play.leave(61, 0)).toBe('admit:1');
    expect(play.offer(62, 2, 'system')).toBe('queued');
  });

  it('withdraws a preemption when its victim ends first', () => {
    const play = make(1);
    play.offer(0, 0, 'bulk');
    const victim = attemptView({ id: 0, request: requestView({ id: 0 }) });
    expect(play.queue.offer(1, requestView({ id: 1, priority: 3 }))).toBe('queued');
    play.queue.settled?.(1, victim, attemptResult());
    expect(play.queue.take()).toBeUndefined();
    play.queue.leave(1, victim.request);
    expect(play.queue.take()).toMatchObject({ kind: 'admit', request: { id: 1 } });
  });

  it('lets a waiter leave at once', () => {
    const play = make(1);
    for (const id of [0, 1, 2]) play.offer(0, id, 'bulk');
    play.leave(1, 1);
    expect(play.offer(2, 3, 'bulk')).toBe('queued');
    expect(play.leave(3, 0)).toBe('admit:2');
  });

  it('lets through at most its rate of arrivals', () => {
    const play = make(2, { ratePerSec: 10 });
    const answers = [0, 1, 2].map((id) => play.offer(0, id, 'bulk'));
    expect(answers).toEqual(['admitted', 'admitted', 'rate-limited']);
    expect(play.offer(100e3, 3, 'system')).toBe('queued preempt:1 admit:3');
  });
});

describe('Scheduler (smg-2026-08-07)', () => {
  it('lets a newcomer of the same instant pass the waiters', () => {
    const play = make(1, HISTORIC);
    play.offer(0, 0, 'default');
    play.offer(1, 1, 'default');
    expect([play.leave(5, 0), play.queue.nextWakeAt()]).toEqual(['', 5]);
    expect([play.offer(5, 2, 'default'), play.wake(5)]).toEqual(['admitted', '']);
  });

  it('looks at the waiters after what may have changed something for them, and else at its ticks', () => {
    const play = make(2, HISTORIC);
    for (const id of [0, 1, 2]) play.offer(1, id, 'bulk');
    play.wake(1);
    expect(play.queue.nextWakeAt()).toBe(50);
    play.queue.leave(2, requestView({ id: 99 }));
    play.queue.capacityChanged(3, 1);
    play.queue.capacityChanged(3, 2);
    expect(play.queue.nextWakeAt()).toBe(3);
    play.wake(3);
    play.queue.capacityChanged(4, 1);
    expect(play.queue.nextWakeAt()).toBe(50);
    play.queue.capacityChanged(5, 3);
    expect([play.queue.nextWakeAt(), play.wake(5)]).toEqual([5, 'admit:2']);
  });

  it('ticks by the smallest of the thresholds', () => {
    const slow = { ...PLAIN, starvation: '90us' };
    const play = make(1, { ...HISTORIC, classes: { ...CLASSES, bulk: slow, interactive: slow, system: slow } });
    for (const id of [0, 1]) play.offer(1, id, 'bulk');
    play.wake(1);
    expect(play.queue.nextWakeAt()).toBe(50);
  });

  it('leaves the freed slot to a waiter of the victim’s own class', () => {
    const play = make(1, HISTORIC);
    play.offer(0, 0, 'bulk');
    play.offer(1, 1, 'bulk');
    expect(play.offer(5, 2, 'system')).toBe('queued preempt:0');
    expect(play.wake(5)).toBe('admit:1');
    // It looks every 2 ms for 50 ms and only then joins the queue.
    play.queue.leave(10, requestView({ id: 1 }));
    expect([play.queue.nextWakeAt(), play.wake(2004), play.wake(2005)]).toEqual([2005, '', 'admit:2']);
  });

  it('queues a preemptor that found nothing, or turns it away', () => {
    const system = { ...PLAIN, canPreempt: true, queueSize: 0 };
    const play = make(1, { ...HISTORIC, classes: { ...CLASSES, system } });
    play.offer(0, 0, 'bulk');
    play.offer(0, 1, 'default');
    expect(play.offer(0, 2, 'system')).toBe('queued preempt:0');
    expect(play.wake(0)).toBe('admit:1');
    play.firstToken(0, 1);
    for (let ms = 2; ms < 50; ms += 2) expect(play.wake(ms * 1000)).toBe('');
    expect(play.wake(50e3)).toBe('queue-full:2');
  });

  it('promotes at ticks and only beyond the threshold', () => {
    const bulk = { ...PLAIN, queueTimeout: '400us' };
    const play = make(2, { ...HISTORIC, classes: { ...CLASSES, bulk, system: { ...PLAIN, reservedFloor: 1 } } });
    play.offer(0, 0, 'bulk');
    play.offer(0, 1, 'bulk');
    expect([play.wake(0), play.queue.nextWakeAt(), play.wake(50)]).toEqual(['', 50, '']);
    expect([play.wake(99), play.queue.nextWakeAt(), play.wake(100)]).toEqual(['', 100, 'admit:1']);
  });

  it('keeps the place of a waiter that gave up until the dispatcher reaps it', () => {
    const play = make(1, HISTORIC);
    for (const id of [0, 1, 2]) play.offer(0, id, 'bulk');
    play.leave(1, 2);
    play.wake(1);
    expect(play.offer(2, 3, 'bulk')).toBe('queue-full');
    play.leave(3, 1);
    play.wake(3);
    expect(play.offer(4, 4, 'bulk')).toBe('queued');
  });

  it('runs on legacy admission for good when the reservations do not fit the first capacity', () => {
    const classes = { ...CLASSES, interactive: { ...PLAIN, reservedFloor: 1 }, system: { ...PLAIN, reservedFloor: 1 } };
    const play = make(1, { ...HISTORIC, classes });
    play.queue.capacityChanged(0, 100);
    expect([play.offer(0, 0, 'bulk'), play.offer(0, 1, 'system')]).toEqual(['admitted', 'queued']);
    const cut = make(1, { classes, unreserved: 0 });
    expect([cut.offer(0, 0, 'bulk'), cut.offer(0, 1, 'system')]).toEqual(['queued', 'admitted']);
  });
});
