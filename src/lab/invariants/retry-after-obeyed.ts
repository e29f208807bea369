/**
 * Retry-After is obeyed (RFC 9110, 10.2.3): a request is not tried again before the time that the worker asked for. A
 * policy that is configured not to (`retryAfter: ignore`, or a `retryAfterMax` below what was asked) does as told, and
 * `sglang-8744` is kept as it was: it knew no Retry-After.
 */
import type { AttemptResult, RequestView } from '../../../policies/types.ts';
import type { Invariant } from './invariant.ts';

/** Delays are rounded to whole milliseconds by some policies. */
const ROUNDING_US = 1000;

export const retryAfterObeyed: Invariant = {
  name: 'retry-after-obeyed',
  promise: 'No request is tried again before the Retry-After that its worker asked for.',
  hears: ['retry.delayUs'],
  watch({ policies }, report) {
    const { name, retryAfter, retryAfterMax } = policies.retry;
    if (retryAfter === 'ignore' || name === 'sglang-8744') return {};
    const obeyedBelow = typeof retryAfterMax === 'number' ? retryAfterMax : Infinity;
    return {
      call({ at, args, answer }) {
        const [, { id }, { retryAfterUs, status }] = args as unknown as [number, RequestView, AttemptResult];
        const delayUs = answer as number;
        if (delayUs < 0 || retryAfterUs < 0 || retryAfterUs >= obeyedBelow) return;
        if (delayUs >= retryAfterUs - ROUNDING_US) return;
        const asked = `its worker answered ${status} and asked for ${retryAfterUs / 1e6} s`;
        const message = `retry ${name} has request ${id} tried again after ${delayUs / 1e6} s; ${asked}`;
        report({ at, request: id, role: 'retry', message });
      },
    };
  },
};
