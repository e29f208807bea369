/** Only workers of the fleet count: one that left gets no attempt, and late news of it reach no policy. */
import type { Invariant } from './invariant.ts';

const ROLES = ['capacity', 'queue', 'router', 'gate'] as const;

export const fleetKnown: Invariant = {
  name: 'fleet-known',
  promise: 'A worker that has left the fleet gets no attempt, and no policy hears of it.',
  hears: ROLES.flatMap((role) => [`${role}.statusChanged`, `${role}.reported`] as const),
  watch(_scenario, report) {
    const gone = new Set<number>();
    let count = 0;
    return {
      call({ at, role, policy, method, args }) {
        const worker = args[1] as number;
        if (!gone.has(worker)) return;
        const what = method === 'reported' ? 'a report' : 'the status';
        report({ at, role, message: `${role} ${policy} hears ${what} of worker ${worker}, which has left the fleet` });
      },
      entry({ at, kind, first, second, request }) {
        if (kind === 'gateway.discovered') {
          // How many there are, and which one came or went.
          if (first < count) gone.add(second - 1);
          else gone.delete(second - 1);
          count = first;
        } else if (kind === 'effect.start' && gone.has(second)) {
          report({ at, request, message: `attempt ${first} starts on worker ${second}, which has left the fleet` });
        }
      },
    };
  },
};
