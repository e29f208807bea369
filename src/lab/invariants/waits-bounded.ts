/**
 * Waits end when they should: in a queue with a `timeout`, at the deadline of a request, at the limit of an attempt.
 * The queue is held to its time by every input of its own; where the gateway's host takes no time and never stalls,
 * all three are held to the instant as well, give or take a delay of wakes in test mode. Nobody is sent to a worker
 * whose time is up by then.
 */
import type { RequestView } from '../../../policies/types.ts';
import type { Invariant, Violation } from './invariant.ts';
import { hostSlackUs } from './host-slack.ts';
import { QUEUE_CALLS, QueueBook } from './queue-book.ts';

export const waitsBounded: Invariant = {
  name: 'waits-bounded',
  promise: 'Nobody waits in the queue beyond its timeout; no attempt or request outlives its limit or starts after it.',
  hears: [...QUEUE_CALLS, 'router.pick'],
  watch(scenario, report) {
    const { policies } = scenario;
    const { name } = policies.queue;
    const timeoutUs = typeof policies.queue['timeout'] === 'number' ? policies.queue['timeout'] : Infinity;
    const { requestUs, attemptUs, workerUs } = policies.timeouts;
    const slackUs = hostSlackUs(scenario);
    const book = new QueueBook();
    /** By request, when it began to wait for a worker. */
    const admittedAt = new Map<number, number>();
    /** Why a request that the router sends to a worker is not to start any more; undefined: it may. */
    const late = (at: number, { id, arrivedAt, attemptCount }: RequestView): string | undefined => {
      const ageUs = at - arrivedAt;
      if (ageUs >= requestUs) return `${ageUs / 1e6} s after it came; its limit is ${requestUs / 1e6} s`;
      const waitedUs = attemptCount > 0 ? 0 : at - (admittedAt.get(id) ?? at);
      if (waitedUs === 0 || waitedUs < workerUs) return undefined;
      return `after ${waitedUs / 1e6} s without a worker; its limit is ${workerUs / 1e6} s`;
    };
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
        if (call.role !== 'queue') {
          // By the gateway's own now, which neither late wakes nor a busy host change.
          const request = call.args[1] as RequestView;
          const why = (call.answer as number) >= 0 ? late(call.at, request) : undefined;
          if (why === undefined) return;
          report({ at: call.at, request: request.id, message: `request ${request.id} is sent to a worker ${why}` });
          return;
        }
        const step = book.book(call);
        if (step.kind === 'admitted') admittedAt.set(step.request.id, book.now);
        if (step.kind !== 'drained') return;
        // At the instant itself, before its wake, nobody is late.
        const waiting = overdue(book.now - 1);
        if (waiting !== undefined) report({ at: book.now, ...waiting });
      },
      entry({ at, kind, first: attempt, request: id }, request) {
        const waiting = overdue(at - slackUs - 1);
        if (waiting !== undefined) report({ at, ...waiting });
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
