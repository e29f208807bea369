/** A dataset has no more calls under way than its endpoints allow together. */
import type { Invariant } from './invariant.ts';

export const callsWithinCap: Invariant = {
  name: 'calls-within-cap',
  promise: 'A dataset never has more calls under way than the caps of its endpoints allow.',
  watch({ config, policies }, report) {
    const plan = config.dataset?.plan;
    if (plan === undefined) return {};
    const cap = plan.endpoints.reduce((sum, { limit }) => sum + limit, 0);
    const calls = new Set<number>();
    return {
      entry({ at, kind, first, second, request }) {
        if (kind === 'dataset.end') calls.delete(first);
        else if (kind === 'effect.cancelCall') calls.delete(second);
        else if (kind === 'effect.call') {
          calls.add(first);
          if (calls.size <= cap) return;
          const message = `admission ${policies.admission.name} lets call ${first} out beside ${calls.size - 1} others`;
          report({ at, request, role: 'admission', message: `${message}; the endpoints allow ${cap}` });
        }
      },
    };
  },
};
