/**
 * Waits end when they should: in a queue with a `timeout`, at the deadline of a request, at the limit of an attempt.
 * The queue is held to its time by every input of its own; where the gateway's host takes no time and never stalls,
 * all three are held to the instant as well, give or take a delay of wakes in test mode.
 */
import type { Invariant, Violation } from './invariant.ts';
import { hostSlackUs } from './host-slack.ts';
import { QUEUE_CALLS, QueueBook } from './queue-book.ts';

export const waitsBounded: Invariant = {
  name: 'waits-bounded',
  promise: 'Nobody waits in the queue beyond its timeout; no attempt and no request outlives its time limit.',
  hears: QUEUE_CALLS,
  watch(scenario, report) {
    const { policies } = scenario;
    const { name } = policies.queue;
    const timeoutUs = typeof policies.queue['timeout'] === 'number' ? policies.queue['timeout'] : Infinity;
    const { requestUs, attemptUs } = policies.timeouts;
    const slackUs = hostSlackUs(scenario);
    const book = new QueueBook();
    const overdue = (now: number): Omit<Violation, 'at'> | undefined => {
      // All wait equally long, so the first to come is the first to go.
      for (const { request, since } of book.waiting.values()) {
        if (now < since + timeoutUs) return undefined;
        const waited = `has waited ${(now - since) / 1e6} s in queue ${name}, whose timeout is ${timeoutUs / 1e6} s`;
        return { request: request.id, role: 'queue', message: `request ${request.id} ${waited}` };
      }
      return undefined;
    };
    return {
      call(call) {
        if (call.role !== 'queue' || book.book(call).kind !== 'drained') return;
        const late = overdue(book.now);
        if (late !== undefined) report({ at: book.now, ...late });
      },
      entry({ at, kind, first: attempt, request: id }, request) {
        const late = overdue(at - slackUs - 1);
        if (late !== undefined) report({ at, ...late });
        if (request === undefined) return;
        if (kind === 'effect.finish' && at > request.arrivedAt + requestUs + slackUs) {
          const message = `request ${id} ends ${(at - request.arrivedAt) / 1e6} s after it came`;
          report({ at, request: id, message: `${message}, its limit is ${requestUs / 1e6} s` });
        }
        if (kind !== 'effect.cancel' && kind !== 'gateway.end') return;
        if (request.attempt !== attempt || at <= request.startedAt + attemptUs + slackUs) return;
        const message = `attempt ${attempt} of request ${id} has run ${(at - request.startedAt) / 1e6} s`;
        report({ at, request: id, message: `${message}, its limit is ${attemptUs / 1e6} s` });
      },
    };
  },
};
