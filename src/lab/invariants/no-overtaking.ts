/**
 * Nobody starves in the queue: a waiter is passed by few later ones of its own tenant and priority. Three are allowed
 * for what changes hands within an instant. Queues that serve out of order on purpose (`adaptive-lifo`, `deadline`)
 * are left to their time limit.
 */
import type { Invariant } from './invariant.ts';
import { QUEUE_CALLS, QueueBook } from './queue-book.ts';

const PASSED_MAX = 3;
const OUT_OF_ORDER: ReadonlySet<string> = new Set(['none', 'adaptive-lifo', 'deadline']);

export const noOvertaking: Invariant = {
  name: 'no-overtaking',
  promise: `No waiter is passed by more than ${PASSED_MAX} later ones of its own tenant and priority.`,
  hears: QUEUE_CALLS,
  watch({ policies }, report) {
    if (OUT_OF_ORDER.has(policies.queue.name)) return {};
    const book = new QueueBook();
    const passed = new Map<number, number>();
    // Ids are no order: a host that was busy may take two arrivals of one instant either way.
    const places = new Map<number, number>();
    let next = 0;
    return {
      call(call) {
        if (call.role !== 'queue') return;
        const step = book.book(call);
        if (step.kind === 'queued') places.set(step.request.id, next++);
        if (step.kind !== 'admitted') return;
        const { id, tenant, priority } = step.request;
        const place = places.get(id) ?? Infinity;
        places.delete(id);
        for (const { request: waiter } of book.waiting.values()) {
          if ((places.get(waiter.id) ?? 0) > place) break;
          if (waiter.tenant !== tenant || waiter.priority !== priority) continue;
          const times = (passed.get(waiter.id) ?? 0) + 1;
          passed.set(waiter.id, times);
          if (times !== PASSED_MAX + 1) continue;
          const message = `queue ${call.policy} admits request ${id}, the ${times}th to pass request ${waiter.id}`;
          report({ at: call.at, request: waiter.id, role: 'queue', message: `${message}, which waits there` });
        }
      },
    };
  },
};
