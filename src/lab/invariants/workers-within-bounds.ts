/**
 * Slots and KV blocks of workers, and the leases a gate lets the gateway hold on one. (Blocks and slots are counted at
 * every event, too, by the asserts of `--check`.)
 */
import type { Invariant } from './invariant.ts';

/** Of means over time. */
const ROUNDING = 1e-9;

export const workersWithinBounds: Invariant = {
  name: 'workers-within-bounds',
  promise: 'No worker runs more than it has slots or KV blocks for, or holds more leases than its gate allows.',
  watch({ config, policies }, report) {
    const gate = policies.gates.find(({ name }) => name === 'concurrency-limit');
    const leasesMax = typeof gate?.['max'] === 'number' ? gate['max'] : Infinity;
    const leases = new Map<number, Set<number>>();
    const workerOf = new Map<number, number>();
    return {
      entry({ at, kind, first: attempt, second: worker, request }) {
        if (kind === 'effect.start') {
          const held = leases.get(worker) ?? new Set<number>();
          leases.set(worker, held.add(attempt));
          workerOf.set(attempt, worker);
          if (held.size <= leasesMax) return;
          const message = `attempt ${attempt} is lease ${held.size} on worker ${worker}, the gate allows ${leasesMax}`;
          report({ at, request, role: 'gate', message });
        } else if (kind === 'gateway.end' || kind === 'effect.cancel') {
          leases.get(workerOf.get(attempt) ?? -1)?.delete(attempt);
        }
      },
      end({ result }) {
        const at = result.simulated_seconds * 1e6;
        for (const { index, kv_utilization_max: kvMax, running_mean: running } of result.workers) {
          const slots = config.workers[index]?.maxRunning ?? Infinity;
          if (kvMax !== null && kvMax > 1) report({ at, message: `worker ${index} used ${kvMax} of its KV blocks` });
          if (running <= slots * (1 + ROUNDING)) continue;
          report({ at, message: `worker ${index} ran ${running} in the mean and has ${slots} slots` });
        }
      },
    };
  },
};
