/** Inputs that only a bug of a core could make: a policy stops at once instead of going on with wrong books. */
import { describe, expect, it } from 'vitest';
import { Deadlines } from '../../policies/admission/deadlines.ts';
import { FairQueue } from '../../policies/admission/fair-queue.ts';
import { entriesOf } from '../../policies/index.ts';
import { TokenBucket } from '../../policies/rate/token-bucket.ts';
import { SlidingCount } from '../../policies/retry-budget/sliding-count.ts';
import { powf32 } from '../../policies/retry/backoff.ts';
import { LeasingTaskAdmission } from '../../policies/task/task-admission.ts';
import { Strict } from '../../policies/task/strict.ts';
import type { Queue } from '../../policies/types.ts';
import { requestView } from './views.ts';

const context = { rng: () => 0.5 };

/** Every queue with its defaults and as each of its variants. */
const queues = entriesOf('queue').flatMap((entry) =>
  ['', ...Object.keys(entry.variants)].map((variant) => {
    const make = (): Queue => {
      const settings = { name: entry.name, ...entry.variants[variant] };
      return entry.make(entry.config.parse(settings), context);
    };
    return [`${entry.name} ${variant}`.trim(), make] as const;
  }),
);

describe.each(queues)('queue %s', (name, make) => {
  it('refuses a request that is in already', () => {
    const queue = make();
    queue.capacityChanged(0, 1000);
    expect(queue.offer(0, requestView({ id: 1 }))).toBe('admitted');
    expect(() => queue.offer(0, requestView({ id: 1 }))).toThrow('offered twice');
  });

  it.skipIf(name === 'none')('refuses a request that waits already', () => {
    const queue = make();
    queue.capacityChanged(0, 0);
    expect(queue.offer(0, requestView({ id: 1 }))).toBe('queued');
    expect(() => queue.offer(0, requestView({ id: 1 }))).toThrow('offered twice');
  });

  it.skipIf(name === 'none')('refuses a capacity below nothing', () => {
    expect(() => make().capacityChanged(0, -1)).toThrow('at least 0');
  });

  it.skipIf(name === 'none')('refuses a time before the last', () => {
    const queue = make();
    queue.wake(5);
    expect(() => queue.wake(4)).toThrow('now went backwards');
    queue.wake(5);
  });

  it('ignores the leave of one it does not know, and tells of nobody', () => {
    const queue = make();
    queue.capacityChanged(0, 1);
    queue.leave(0, requestView({ id: 9 }));
    expect([queue.take(), queue.nextWakeAt()]).toEqual([undefined, Infinity]);
    expect(queue.held()).toEqual({ waiting: 0, admitted: 0 });
  });
});

describe.each(entriesOf('router').map((entry) => [entry.name, entry] as const))('router %s', (name, entry) => {
  it('refuses to choose among nobody', () => {
    const router = entry.make(entry.config.parse({ name }), context);
    expect(() => router.pick(0, requestView(), [])).toThrow('at least one candidate');
  });
});

describe('the parts of policies', () => {
  it('refuse figures without sense', () => {
    expect(() => new TokenBucket(0, -1, 1)).toThrow('no negative capacity');
    expect(() => new TokenBucket(0, 1, -1)).toThrow('no negative capacity');
    expect(() => new TokenBucket(0, Infinity, 0).resize(0, 1, 0)).toThrow('no level to move');
    expect(() => new TokenBucket(0, 1, 0).resize(0, Infinity, 0)).toThrow('no level to move');
    expect(() => new SlidingCount(0, 4)).toThrow('at least one');
    expect(() => new SlidingCount(10, 0)).toThrow('at least one');
    expect(() => powf32(2, -1)).toThrow('whole exponent');
    expect(() => powf32(2, 0.5)).toThrow('whole exponent');
    expect(() => new LeasingTaskAdmission(new Map([['r', 0]]), new Strict())).toThrow('more than 0');
    expect(new TokenBucket(0, 0, 0).peek(0)).toBe(0);
    expect(powf32(2, 0)).toBe(1);
  });

  it('refuse an id that they have', () => {
    const deadlines = new Deadlines();
    deadlines.set(1, 5);
    expect(() => deadlines.set(1, 6)).toThrow('two deadlines');
    const fair = new FairQueue<string>('leaves');
    fair.push('a', 1, 1, 'one');
    fair.push('a', 1, 2, 'two');
    expect(() => fair.push('b', 1, 1, 'again')).toThrow('twice');
    expect(() => fair.commit(2)).toThrow('only the head');
    expect(() => fair.commit(3)).toThrow('only the head');
  });
});
