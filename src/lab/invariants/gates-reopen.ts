/**
 * A gate that opens by time does: a worker that does nothing for the gateway is not shut out for longer than the gate's
 * `openFor` and, where half-open probes may get lost, its `probeTimeout`. Gates without these settings go by what
 * workers report, or by leases.
 */
import type { WorkerView } from '../../../policies/types.ts';
import type { Invariant } from './invariant.ts';

export const gatesReopen: Invariant = {
  name: 'gates-reopen',
  promise: 'A gate with openFor and probeTimeout shuts no idle worker out for longer than the longer of the two.',
  hears: ['gate.allows'],
  watch({ policies }, report) {
    const bounds = new Map<string, number>();
    for (const { name, openFor, probeTimeout } of policies.gates) {
      if (typeof openFor === 'number' && typeof probeTimeout === 'number') {
        bounds.set(name, Math.max(openFor, probeTimeout));
      }
    }
    if (bounds.size === 0) return {};
    /** By gate and worker, since when it was shut and the worker idle. */
    const shutSince = new Map<string, number>();
    return {
      call({ at, policy, args, answer }) {
        const bound = bounds.get(policy);
        if (bound === undefined) return;
        const { index, inFlight } = args[1] as WorkerView;
        const key = `${policy} ${index}`;
        if (answer === true || inFlight > 0) {
          shutSince.delete(key);
          return;
        }
        const since = shutSince.get(key) ?? at;
        shutSince.set(key, since);
        if (at - since <= bound) return;
        const message = `gate ${policy} shuts out worker ${index}, which has been idle for ${(at - since) / 1e6} s`;
        report({ at, role: 'gate', message: `${message}; at most ${bound / 1e6} s are allowed` });
      },
    };
  },
};
