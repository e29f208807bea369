/**
 * The rate limit of a tenant has the first word: whoever it turns away is not offered to the queue. And it is told what
 * was used: nothing, where no attempt was made.
 */
import type { RequestView } from '../../../policies/types.ts';
import type { Invariant } from './invariant.ts';

export const rateLimitsHeeded: Invariant = {
  name: 'rate-limits-heeded',
  promise: 'A request beyond the rate of its tenant does not enter, and one that never started is not charged.',
  hears: ['rate.charge', 'rate.settle', 'queue.offer', 'router.pick'],
  watch({ policies }, report) {
    const { name } = policies.rate;
    if (name === 'none') return {};
    let turnedAway = -1;
    const started = new Set<number>();
    return {
      call({ at, method, args, answer }) {
        const { id } = args[1] as RequestView;
        if (method === 'charge') turnedAway = (answer as number) > 0 ? id : -1;
        else if (method === 'pick') {
          if ((answer as number) >= 0) started.add(id);
        } else if (method === 'offer') {
          if (id !== turnedAway) return;
          const message = `request ${id} is offered to the queue although rate ${name} turned it away`;
          report({ at, request: id, role: 'queue', message });
        } else if (!started.has(id) && args[2] !== 0) {
          const message = `rate ${name} is told that request ${id} used ${String(args[2])} tokens; it never started`;
          report({ at, request: id, role: 'rate', message });
        }
      },
    };
  },
};
