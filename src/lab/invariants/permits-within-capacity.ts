/**
 * The queue lets in no more requests at once than the capacity of the moment. A capacity that shrinks leaves permits
 * alone; nobody is let in until enough came back. The queue `none` is there to ignore the capacity.
 */
import type { Invariant } from './invariant.ts';
import { QUEUE_CALLS, QueueBook } from './queue-book.ts';

export const permitsWithinCapacity: Invariant = {
  name: 'permits-within-capacity',
  promise: 'The queue never lets a request in while as many permits are out as the capacity allows.',
  hears: QUEUE_CALLS,
  watch({ policies }, report) {
    if (policies.queue.name === 'none') return {};
    const book = new QueueBook();
    return {
      call(call) {
        if (call.role !== 'queue') return;
        const step = book.book(call);
        if (step.kind !== 'admitted' || book.admitted.size <= book.capacity) return;
        const { id } = step.request;
        const others = book.admitted.size - 1;
        const why = `${others} ${others === 1 ? 'permit is' : 'permits are'} out and the capacity is ${book.capacity}`;
        const message = `queue ${call.policy} admits request ${id} while ${why}`;
        report({ at: call.at, request: id, role: 'queue', message });
      },
    };
  },
};
