/** What a queue says of a request: it lets it in or sheds it, once, and only while it waits. */
import type { Invariant } from './invariant.ts';
import { QUEUE_CALLS, QueueBook } from './queue-book.ts';

export const queueAnswersOnce: Invariant = {
  name: 'queue-answers-once',
  promise: 'The queue admits or sheds each waiter once, and nobody who does not wait there.',
  hears: QUEUE_CALLS,
  watch({ policies }, report) {
    const book = new QueueBook();
    const queue = `queue ${policies.queue.name}`;
    return {
      call(call) {
        if (call.role !== 'queue') return;
        const step = book.book(call);
        if ((step.kind !== 'admitted' && step.kind !== 'shed') || step.known) return;
        const { id } = step.request;
        const does = step.kind === 'admitted' ? 'admits' : 'sheds';
        const message = `${queue} ${does} request ${id}, which does not wait there`;
        report({ at: call.at, request: id, role: 'queue', message });
      },
    };
  },
};
