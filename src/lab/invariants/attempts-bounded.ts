/**
 * Retries are bounded and asked for: a request has no more attempts than its retry policy says, or than anyone could
 * want where it does not say; each attempt after the first was wanted by the retry policy and allowed by its budget.
 */
import type { RequestView } from '../../../policies/types.ts';
import type { Invariant } from './invariant.ts';

/** Attempts of one request where the policy has no `maxAttempts` or `maxRetries`. */
const ATTEMPTS_MAX = 64;

export const attemptsBounded: Invariant = {
  name: 'attempts-bounded',
  promise: 'No request has more attempts than its retry policy allows, nor one that policy and budget did not allow.',
  hears: ['retry.delayUs', 'retry-budget.allows'],
  watch({ policies }, report) {
    const { name, maxAttempts, maxRetries } = policies.retry;
    const most = wholeOr(maxAttempts, wholeOr(maxRetries, ATTEMPTS_MAX - 1) + 1);
    const allowed = new Map<number, boolean>();
    return {
      call({ role, args, answer }) {
        const { id } = args[1] as RequestView;
        if (role === 'retry') allowed.set(id, (answer as number) >= 0);
        else if (answer === false) allowed.set(id, false);
      },
      entry({ at, kind, request: id }, request) {
        if (kind !== 'effect.start' || request === undefined || request.starts === 0) return;
        const number = request.starts + 1;
        if (number > most) {
          const message = `retry ${name} has request ${id} tried for the ${number}th time; at most ${most} are allowed`;
          report({ at, request: id, role: 'retry', message });
        }
        if (allowed.get(id) !== true) {
          report({ at, request: id, role: 'retry', message: `attempt ${number} of request ${id} was not allowed` });
        }
        allowed.delete(id);
      },
    };
  },
};

function wholeOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}
