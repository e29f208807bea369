/** The parts of the priority scheduler, each by itself. */
import { describe, expect, it } from 'vitest';
import { clampClass, classOf, parseClass } from '../../../policies/priority/classes.ts';
import { ConstructionCheck } from '../../../policies/priority/construction-check.ts';
import { DispatcherTask } from '../../../policies/priority/dispatcher-task.ts';
import { Lane } from '../../../policies/priority/lane.ts';
import { Preemptors } from '../../../policies/priority/preemptors.ts';
import { REJECTION_REPLIES } from '../../../policies/priority/rejections.ts';
import { clampReservations, desiredReservations, fits } from '../../../policies/priority/reservations.ts';
import { SlotPool } from '../../../policies/priority/slot-pool.ts';
import { FirstByteRace, Victims } from '../../../policies/priority/victims.ts';
import { Fifo } from '../../../policies/queue/fifo.ts';
import type { Queue } from '../../../policies/types.ts';
import { attemptResult, requestView } from '../views.ts';
import { attemptView } from './attempts.ts';

const r = (id: number) => requestView({ id });

describe('SlotPool', () => {
  const pool = () => new SlotPool(10, [0, 1, 3, 2], [2, 0, 1, 0]);

  it('keeps for a class above what that has reserved and not in use', () => {
    expect([0, 1, 2, 3].map((lane) => pool().margin(lane))).toEqual([2, 3, 5, 7]);
    expect([pool().capacity, pool().reserved, pool().inFlight]).toEqual([10, [0, 1, 3, 2], [2, 0, 1, 0]]);
  });

  it('shows no less than nothing as free, and how far a class is from a slot', () => {
    const slots = pool();
    slots.resize(5, [0, 1, 3, 2]);
    expect([slots.free(0), slots.margin(0), slots.free(3)]).toEqual([0, -3, 2]);
    const taken = [0, 3, 3, 3].map((lane) => slots.acquire(lane));
    expect(taken).toEqual([false, true, true, false]);
  });

  it('gives a slot whatever is reserved, but none that is not there', () => {
    const slots = new SlotPool(1, [0, 0, 0, 1]);
    expect([slots.acquire(0), slots.acquireIgnoringReservations(0), slots.acquireIgnoringReservations(0)]).toEqual([
      ...[false, true, false],
    ]);
    expect([slots.hasFree, slots.inFlight]).toEqual([false, [1, 0, 0, 0]]);
  });

  it('takes nothing back from a class that holds nothing', () => {
    const slots = new SlotPool(2, [0, 0, 0, 0]);
    slots.acquire(1);
    slots.release(0);
    expect([slots.inFlight, slots.hasFree]).toEqual([[0, 1, 0, 0], true]);
    slots.release(1);
    expect(slots.inFlight).toEqual([0, 0, 0, 0]);
  });

  it('says whether it grew', () => {
    const slots = pool();
    expect([slots.resize(10, []), slots.resize(11, []), slots.resize(9, [])]).toEqual([false, true, false]);
  });

  it.each([
    ['an empty queue and nothing beyond the reservation', [2, 0, 8], 0],
    ['a queue half full', [2, 4, 8], 0.5],
    ['a queue without places', [2, 4, 0], 0],
    ['a queue over full', [2, 16, 8], 1],
    ['slots beyond the reservation', [0, 0, 8], 0.5],
    ['the worse of both', [0, 6, 8], 0.75],
  ] as const)('presses as much as %s', (_case, [lane, depth, limit], pressure) => {
    expect(pool().pressure(lane, depth, limit)).toBe(pressure);
  });

  it('presses in full when every slot is reserved above', () => {
    expect(new SlotPool(5, [0, 0, 3, 2], [2, 0, 0, 0]).pressure(0, 0, 8)).toBe(1);
  });
});

describe('the reservations', () => {
  const classes = [
    { reservedFloor: 0, reservedPerSlot: 0.1 },
    { reservedFloor: 3, reservedPerSlot: 0.25 },
  ];

  it('are a floor or a share, rounded up, never beyond the capacity, and none of an unlimited one', () => {
    expect(desiredReservations(classes, 15)).toEqual([2, 4]);
    expect(desiredReservations(classes, 2)).toEqual([1, 2]);
    expect(desiredReservations(classes, Infinity)).toEqual([0, 0]);
  });

  it('are cut from the lowest class up', () => {
    expect(clampReservations([4, 3, 2], 9)).toEqual([4, 3, 2]);
    expect(clampReservations([4, 3, 2], 6)).toEqual([1, 3, 2]);
    expect(clampReservations([4, 3, 2], 4)).toEqual([0, 2, 2]);
    expect(clampReservations([4, 3, 2], 0)).toEqual([0, 0, 0]);
  });

  it('fit when together they are no more than the capacity', () => {
    expect([fits([2, 3], 5), fits([2, 3], 4), fits([], 0)]).toEqual([true, false, true]);
  });
});

describe('the class of a request', () => {
  it.each([
    [undefined, 'default'],
    ['', 'default'],
    [' Interactive\t', 'interactive'],
    ['SYSTEM', 'system'],
    ['1bulk', 'default'],
    ['bulk!', 'default'],
    ['urgent', 'default'],
  ])('is read from a header of %j: %s', (header, name) => {
    expect(parseClass(header)).toBe(name);
  });

  it('is at most what the tenant may have', () => {
    expect([clampClass('system', 'default'), clampClass('bulk', 'default'), clampClass('default', 'default')]).toEqual([
      ...['default', 'bulk', 'default'],
    ]);
    const rules = { basePriority: 5, defaultMaxClass: 'interactive', tenants: { acme: 'bulk' } } as const;
    const names = [-9, 5, 6.9, 7, 8, 99].map((priority) => classOf({ priority, tenant: '' }, rules));
    expect(names).toEqual(['bulk', 'bulk', 'default', 'interactive', 'interactive', 'interactive']);
    expect(classOf({ priority: 99, tenant: 'acme' }, rules)).toBe('bulk');
    expect(classOf({ priority: 99, tenant: 'toString' }, rules)).toBe('interactive');
  });
});

describe('the race of first byte and preemption', () => {
  it('has one winner', () => {
    const sent = new FirstByteRace();
    expect([sent.isOpen, sent.firstByte(), sent.preempt(), sent.firstByte(), sent.isOpen]).toEqual([
      ...[true, true, false, false, false],
    ]);
    const pushed = new FirstByteRace();
    const came = [pushed.preempt(), pushed.firstByte(), pushed.preempt(), pushed.isOpen];
    expect(came).toEqual([true, false, false, false]);
  });

  it('is run by the attempt that is named, not by one before it', () => {
    const victims = new Victims(2);
    const [before, now] = [attemptView({ id: 1, request: r(7) }), attemptView({ id: 2, request: r(7) })];
    victims.add(now, 0, 1);
    victims.firstByte(before, 0);
    expect(victims.preemptFor(0)).toBeUndefined();
    expect(victims.preemptFor(1)).toBe(now);
    expect(victims.preemptFor(1)).toBeUndefined();
  });

  it('takes the newest of the lowest class', () => {
    const victims = new Victims(3);
    for (const [id, lane, admission] of [[1, 1, 9], [2, 0, 3], [3, 0, 5], [4, 0, 4]] as const) {
      victims.add(attemptView({ id, request: r(id) }), lane, admission);
    }
    expect([1, 2, 3, 4, 5].map(() => victims.preemptFor(2)?.id)).toEqual([3, 4, 2, 1, undefined]);
  });
});

describe('Lane', () => {
  const make = (keepPlaces: boolean) => new Lane({ lane: 1, size: 2, timeoutUs: 10, keepPlaces });

  it('frees the place of one who gives up, or keeps it until it is at the head (smg defect 17)', () => {
    for (const [keepPlaces, places, full] of [[false, 1, false], [true, 2, true]] as const) {
      const lane = make(keepPlaces);
      lane.join(0, r(1));
      lane.join(1, r(2));
      expect([lane.isFull, lane.giveUp(2), lane.giveUp(2), lane.giveUp(9)]).toEqual([true, true, false, false]);
      expect([lane.waiting, lane.places, lane.isFull]).toEqual([1, places, full]);
      lane.reap();
      expect(lane.places).toBe(places);
      lane.shift();
      lane.reap();
      expect([lane.waiting, lane.places, lane.head]).toEqual([0, 0, undefined]);
    }
  });

  it('takes an admitted head out with its place, at once', () => {
    const lane = make(false);
    lane.join(0, r(1));
    lane.join(1, r(2));
    lane.shift();
    expect([lane.places, lane.head?.request.id, lane.has(1)]).toEqual([1, 2, false]);
    lane.shift();
    lane.shift();
    expect([lane.places, lane.waiting]).toEqual([0, 0]);
  });

  it('lets those go whose time is up, oldest first', () => {
    const lane = make(false);
    expect([lane.expiresAt, lane.shiftExpired(1e9)]).toEqual([Infinity, undefined]);
    lane.join(0, r(1));
    lane.join(1, r(2));
    expect([lane.expiresAt, lane.shiftExpired(9.9), lane.shiftExpired(10)?.id]).toEqual([10, undefined, 1]);
    expect([lane.expiresAt, lane.places, lane.head]).toEqual([11, 1, { request: r(2), lane: 1, since: 1 }]);
  });
});

describe('DispatcherTask', () => {
  it('runs when it is kicked, and at ticks counted from 0 while there is something to look at', () => {
    const task = new DispatcherTask(10);
    expect([task.isDue(5), task.nextAt(5)]).toEqual([false, Infinity]);
    task.kick(5);
    expect([task.isDue(5), task.nextAt(5)]).toEqual([true, 5]);
    task.ran(5, true);
    expect([task.isDue(9.9), task.nextAt(5), task.isDue(10)]).toEqual([false, 10, true]);
    task.ran(10, true);
    expect(task.nextAt(10)).toBe(20);
    task.ran(20, false);
    expect([task.isDue(1e9), task.nextAt(20)]).toEqual([false, Infinity]);
  });

  it('keeps its tick when it is kicked before it', () => {
    const task = new DispatcherTask(10);
    task.kick(1);
    task.kick(12);
    expect(task.isDue(12)).toBe(true);
    const late = new DispatcherTask(10);
    late.kick(12);
    late.ran(12, true);
    late.kick(13);
    late.ran(13, true);
    expect(late.nextAt(13)).toBe(20);
  });

  it('has no ticks without a period', () => {
    const task = new DispatcherTask(Infinity);
    task.kick(5);
    task.ran(5, true);
    expect([task.isDue(1e12), task.nextAt(5)]).toEqual([false, Infinity]);
  });
});

describe('Preemptors', () => {
  it('look every 2 ms for 50 ms, the last time at its end', () => {
    const preemptors = new Preemptors();
    preemptors.join(1000, r(1), 2);
    const looks: number[] = [];
    for (let at = preemptors.nextAt(); at < Infinity; at = preemptors.nextAt()) {
      looks.push(at);
      expect(preemptors.shiftDue(at - 1)).toBeUndefined();
      const due = preemptors.shiftDue(at);
      expect([due?.request.id, due?.lane]).toEqual([1, 2]);
      if (due === undefined || !preemptors.stay(at, due)) break;
    }
    expect([looks[0], looks[1], looks.at(-1), looks.length]).toEqual([3000, 5000, 51_000, 25]);
    expect([preemptors.size, preemptors.nextAt()]).toEqual([0, Infinity]);
  });

  it('look for the last time when their time is up, not a whole step later', () => {
    const preemptors = new Preemptors();
    preemptors.join(0, r(1), 2);
    const late = preemptors.shiftDue(49_000);
    if (late === undefined) throw new Error('nobody was due');
    expect([preemptors.stay(49_000, late), preemptors.nextAt()]).toEqual([true, 50_000]);
    preemptors.giveUp(1);
    expect([preemptors.size, preemptors.nextAt()]).toEqual([0, Infinity]);
  });
});

describe('ConstructionCheck', () => {
  function make(fitsAt: number) {
    const told: string[] = [];
    const listening = (name: string): Queue => {
      const queue = new Fifo({ name: 'fifo', size: 9, timeout: 10 });
      return Object.assign(queue, {
        granted: () => told.push(`${name} granted`),
        firstToken: () => told.push(`${name} firstToken`),
        settled: () => told.push(`${name} settled`),
      });
    };
    let asked = 0;
    const fitting = (capacity: number) => {
      asked++;
      return capacity >= fitsAt;
    };
    const check = new ConstructionCheck(listening('scheduler'), fitting, () => listening('legacy'));
    const lease = () => {
      check.granted(0, attemptView());
      check.firstToken(0, attemptView());
      check.settled(0, attemptView(), attemptResult());
      return told.splice(0);
    };
    return { check, lease, asked: () => asked };
  }
  const of = (name: string) => [`${name} granted`, `${name} firstToken`, `${name} settled`];

  it('asks once, of the first capacity, and stays with what it chose', () => {
    const roomy = make(5);
    roomy.check.capacityChanged(0, 5);
    roomy.check.capacityChanged(0, 1);
    expect([roomy.asked(), roomy.lease()]).toEqual([1, of('scheduler')]);
    expect([roomy.check.offer(0, r(1)), roomy.check.offer(0, r(2))]).toEqual(['admitted', 'queued']);
    const narrow = make(5);
    narrow.check.capacityChanged(0, 4);
    narrow.check.capacityChanged(0, 99);
    expect([narrow.asked(), narrow.lease()]).toEqual([1, of('legacy')]);
    // The legacy queue never heard of a capacity and lets everyone in.
    narrow.check.capacityChanged(0, 0);
    expect(narrow.check.offer(0, r(1))).toBe('admitted');
  });

  it('stays with the scheduler when a request comes before any capacity', () => {
    const { check, lease, asked } = make(5);
    expect(check.offer(0, r(1))).toBe('admitted');
    check.capacityChanged(0, 1);
    expect([asked(), lease(), check.offer(0, r(2)), check.held()]).toEqual([
      ...[0, of('scheduler'), 'queued', { waiting: 1, admitted: 1 }],
    ]);
    expect(check.nextWakeAt()).toBe(10);
    check.wake(10);
    expect(check.take()).toMatchObject({ kind: 'shed', cause: 'queue-timeout' });
    check.leave(10, r(1));
    expect(check.held()).toEqual({ waiting: 0, admitted: 0 });
  });

  it('passes leases on to a queue that does not ask for them', () => {
    const fifo = () => new Fifo({ name: 'fifo', size: 9, timeout: 10 });
    const check = new ConstructionCheck(fifo(), () => true, fifo);
    check.granted(0, attemptView());
    check.firstToken(0, attemptView());
    check.settled(0, attemptView(), attemptResult());
    expect(check.held()).toEqual({ waiting: 0, admitted: 0 });
  });
});

describe('what a client of smg is told', () => {
  it.each([
    ['queue-full', 429, 'scheduler_queue_full', undefined, false],
    ['queue-timeout', 408, 'scheduler_queue_timeout', undefined, false],
    ['preempted', 503, 'scheduler_preempted', 1, true],
    ['client-cancelled', 499, 'scheduler_client_cancelled', undefined, false],
    ['rate-limited', 429, 'scheduler_queue_full', undefined, false],
  ] as const)('of %s: %d %s', (rejection, status, code, retryAfterSec, preempted) => {
    expect(REJECTION_REPLIES[rejection]).toEqual({ status, code, retryAfterSec, preempted });
  });
});
