/** A queue with a `size` keeps no more waiters than that. */
import type { Invariant } from './invariant.ts';
import { QUEUE_CALLS, QueueBook } from './queue-book.ts';

export const queueWithinSize: Invariant = {
  name: 'queue-within-size',
  promise: 'No more requests wait in the queue than its size.',
  hears: QUEUE_CALLS,
  watch({ policies }, report) {
    const { name, size } = policies.queue;
    if (typeof size !== 'number') return {};
    const book = new QueueBook();
    return {
      call(call) {
        if (call.role !== 'queue') return;
        // Who has expired in the same input leaves the count only once the queue has said so.
        if (book.book(call).kind !== 'drained' || book.waiting.size <= size) return;
        const newest = [...book.waiting.keys()].at(-1);
        const message = `${book.waiting.size} requests wait in queue ${name}, whose size is ${size}`;
        report({ at: call.at, request: newest, role: 'queue', message });
      },
    };
  },
};
