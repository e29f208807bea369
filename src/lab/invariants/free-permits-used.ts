/**
 * What this project was begun for: a waiter who times out although there was room. Held of every queue but those that
 * let permits lie on purpose: `token-bucket` paces, `priority` reserves. A queue of the user's own that paces calls
 * what it sheds `rate-limited`.
 */
import type { Invariant } from './invariant.ts';
import { QUEUE_CALLS, QueueBook } from './queue-book.ts';

const KEEPS_PERMITS_BACK: ReadonlySet<string> = new Set(['none', 'token-bucket', 'priority']);

export const freePermitsUsed: Invariant = {
  name: 'free-permits-used',
  promise: 'Nobody is shed as queue-timeout after a wait during which a permit lay free.',
  hears: QUEUE_CALLS,
  watch({ policies }, report) {
    if (KEEPS_PERMITS_BACK.has(policies.queue.name)) return {};
    const book = new QueueBook();
    const since = new Map<number, number>();
    /** Since when permits are free and the queue has had its say about it; Infinity: they are all out. */
    let freeSince = Infinity;
    return {
      call(call) {
        if (call.role !== 'queue') return;
        const step = book.book(call);
        switch (step.kind) {
          case 'queued':
            since.set(step.request.id, book.now);
            break;
          case 'admitted':
          case 'left':
            since.delete(step.request.id);
            break;
          case 'shed': {
            const { id } = step.request;
            const waitedBeside = book.now - Math.max(freeSince, since.get(id) ?? Infinity);
            since.delete(id);
            if (step.cause !== 'queue-timeout' || !(waitedBeside > 0)) break;
            const permits = `${book.admitted.size} permits of ${book.capacity} are out`;
            const message = `queue ${call.policy} sheds request ${id} as queue-timeout, though ${permits}`;
            const how = `${message} and one has been free for ${waitedBeside / 1e6} s of its wait`;
            report({ at: book.now, request: id, role: 'queue', message: how });
            break;
          }
          case 'drained':
            if (book.admitted.size >= book.capacity) freeSince = Infinity;
            else if (freeSince === Infinity) freeSince = book.now;
            break;
          case 'other':
            break;
          default:
            step satisfies never;
        }
      },
    };
  },
};
