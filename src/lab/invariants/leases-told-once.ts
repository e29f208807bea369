/**
 * Whoever observes leases hears of each of them once when it is granted and once when it is settled. A policy that has
 * only one of the two methods hears of that.
 */
import type { AttemptView } from '../../../policies/types.ts';
import type { Invariant } from './invariant.ts';

const ROLES = ['capacity', 'queue', 'router', 'gate', 'retry', 'retry-budget'] as const;

interface Book {
  readonly who: string;
  readonly granted: Set<number>;
  readonly settled: Set<number>;
  /** It has both methods. */
  readonly isPaired: boolean;
}

export const leasesToldOnce: Invariant = {
  name: 'leases-told-once',
  promise: 'Every policy that observes leases hears of each once when it is granted and once when it is settled.',
  hears: ROLES.flatMap((role) => [`${role}.granted`, `${role}.settled`] as const),
  watch(_scenario, report) {
    const books = new Map<string, Book>();
    return {
      made({ role, policy, has }) {
        const who = `${role} ${policy}`;
        const isPaired = has('granted') && has('settled');
        books.set(who, { who, granted: new Set(), settled: new Set(), isPaired });
      },
      call({ at, role, policy, method, args }) {
        const told = books.get(`${role} ${policy}`)?.[method === 'granted' ? 'granted' : 'settled'];
        const { id, request } = args[1] as AttemptView;
        if (told?.has(id) === true) {
          report({
            at,
            request: request.id,
            message: `${role} ${policy} hears twice that attempt ${id} was ${method}`,
          });
        }
        told?.add(id);
      },
      end({ result, status }) {
        if (status === 'unfinished') return;
        const at = result.simulated_seconds * 1e6;
        for (const { who, granted, settled, isPaired } of books.values()) {
          if (!isPaired || granted.size === settled.size) continue;
          const message = `${who} hears of ${granted.size} leases granted and of ${settled.size} settled`;
          report({ at, message });
        }
      },
    };
  },
};
