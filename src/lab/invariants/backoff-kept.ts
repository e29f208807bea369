/**
 * Backoffs are kept: the next attempt does not start before its delay is over, and no delay is longer than the
 * `maxBackoff` of its policy, or than the Retry-After that the worker asked for. A policy that draws its jitter after
 * the cap, by its `cap` or because it does not say, may exceed the cap by as much again.
 */
import type { AttemptResult, RequestView } from '../../../policies/types.ts';
import type { Invariant } from './invariant.ts';

/** Where the policy has no `maxBackoff`, microseconds: an hour. */
const BACKOFF_MAX_US = 3600e6;
/** Delays are rounded to whole milliseconds by some policies, to microseconds by the world. */
const ROUNDING_US = 1000;

export const backoffKept: Invariant = {
  name: 'backoff-kept',
  promise: 'No attempt starts before its backoff is over, and no backoff exceeds its bound.',
  hears: ['retry.delayUs'],
  watch({ policies }, report) {
    const { name, maxBackoff, cap, shape } = policies.retry;
    const isExact = cap === 'after-jitter' || shape !== undefined;
    const bound = typeof maxBackoff === 'number' ? maxBackoff * (isExact ? 1 : 2) : BACKOFF_MAX_US;
    const due = new Map<number, number>();
    return {
      call({ at, args, answer }) {
        const [, { id }, { retryAfterUs }] = args as unknown as [number, RequestView, AttemptResult];
        const delayUs = answer as number;
        if (delayUs < 0) return;
        due.set(id, at + delayUs);
        if (delayUs <= Math.max(bound, retryAfterUs) + ROUNDING_US) return;
        const message = `retry ${name} has request ${id} wait ${delayUs / 1e6} s, its bound is ${bound / 1e6} s`;
        report({ at, request: id, role: 'retry', message });
      },
      entry({ at, kind, request: id }, request) {
        if (kind !== 'effect.start' || request === undefined || request.starts === 0) return;
        const dueAt = due.get(id);
        if (dueAt === undefined || at >= Math.floor(dueAt)) return;
        report({ at, request: id, message: `request ${id} is tried again ${(dueAt - at) / 1e6} s before its time` });
      },
    };
  },
};
