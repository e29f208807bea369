/** What the router answers is done with the same input: an attempt on that worker, or the end of a refused request. */
import type { FleetView, RequestView } from '../../../policies/types.ts';
import type { Invariant } from './invariant.ts';

const INPUT = 'gateway.';
const REFUSED = -2;

export const picksCarriedOut: Invariant = {
  name: 'picks-carried-out',
  promise:
    'A worker that the router picks gets an attempt of that request at once, and a refused request ends at once.',
  hears: ['router.pick'],
  watch({ policies }, report) {
    const { name } = policies.router;
    // By request: the worker that was picked, or that it was refused; empty between two inputs.
    const owed = new Map<number, number>();
    return {
      call({ args, answer }) {
        const { id } = args[1] as RequestView;
        const place = answer as number;
        const worker = place >= 0 ? ((args[2] as FleetView)[place]?.index ?? REFUSED) : place;
        if (worker >= 0 || worker === REFUSED) owed.set(id, worker);
      },
      entry({ at, kind, second: worker, request: id }) {
        if (owed.size === 0) return;
        if (kind === 'effect.start') {
          const picked = owed.get(id);
          owed.delete(id);
          if (picked === worker) return;
          const message = `request ${id} starts on worker ${worker}; router ${name} answered ${picked ?? 'nothing'}`;
          report({ at, request: id, role: 'router', message });
        } else if (kind === 'effect.finish') owed.delete(id);
        else if (kind.startsWith(INPUT)) {
          for (const [request, picked] of owed) {
            const what = picked === REFUSED ? 'refused it and it does not end' : `picked worker ${picked} in vain`;
            report({ at, request, role: 'router', message: `request ${request}: router ${name} ${what}` });
          }
          owed.clear();
        }
      },
    };
  },
};
