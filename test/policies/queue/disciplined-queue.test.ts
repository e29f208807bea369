import { describe, expect, it } from 'vitest';
import { adaptiveLifo } from '../../../policies/queue/adaptive-lifo.ts';
import { codel } from '../../../policies/queue/codel.ts';
import { adaptiveLifoConfig, codelConfig, deadlineConfig } from '../../../policies/queue/config.ts';
import { deadline } from '../../../policies/queue/deadline.ts';
import type { Queue } from '../../../policies/types.ts';
import { attemptResult, requestView, workerView } from '../views.ts';
import { takeAll } from './queue-harness.ts';

const r = (id: number) => requestView({ id });
const context = { rng: () => 0.5 };
const common = { size: 3, timeout: '100us' };

/** Three that wait behind one, each under a discipline that serves them in order. */
const subjects: Record<string, () => Queue> = {
  codel: () => codel.make(codelConfig.parse({ name: 'codel', ...common }), context),
  'adaptive-lifo': () => adaptiveLifo.make(adaptiveLifoConfig.parse({ name: 'adaptive-lifo', ...common }), context),
  deadline: () => deadline.make(deadlineConfig.parse({ name: 'deadline', ...common }), context),
};

describe.each(Object.entries(subjects))('queue %s', (_name, makeOpen) => {
  const make = () => {
    const queue = makeOpen();
    queue.capacityChanged(0, 1);
    for (const id of [0, 1, 2]) queue.offer(0, r(id));
    return queue;
  };

  it('withdraws an admission not yet taken when its request leaves, and passes the permit on', () => {
    const queue = make();
    queue.leave(1, r(0));
    queue.leave(1, r(1));
    expect(takeAll(queue)).toEqual(['admit 2']);
  });

  it('does not shed a request that leaves at the instant of its expiry, or after it but untold', () => {
    const queue = make();
    queue.leave(100, r(1));
    queue.leave(100, r(2));
    expect(takeAll(queue)).toEqual([]);
    expect(queue.held()).toEqual({ waiting: 0, admitted: 1 });
  });

  it('expires a waiter before any admission of that instant', () => {
    const queue = make();
    queue.leave(100, r(0));
    expect(takeAll(queue)).toEqual(['queue-timeout 1', 'queue-timeout 2']);
    expect(queue.offer(100, r(3))).toBe('admitted');
  });

  it('leaves permits above a shrunk capacity alone', () => {
    const queue = make();
    queue.capacityChanged(1, 3);
    queue.capacityChanged(2, 1);
    expect(queue.held()).toEqual({ waiting: 0, admitted: 3 });
    expect(queue.offer(3, r(3))).toBe('queued');
    queue.leave(4, r(0));
    expect(takeAll(queue)).toEqual(['admit 1', 'admit 2']);
  });

  it('tells a discipline of leases only where it wants to know', () => {
    const queue = make();
    const attempt = { id: 0, request: r(0), worker: workerView(), startedAt: 0 };
    queue.granted?.(1, attempt);
    queue.settled?.(2, attempt, attemptResult({ outcome: 'ok' }));
    expect(queue.held()).toEqual({ waiting: 2, admitted: 1 });
  });
});
