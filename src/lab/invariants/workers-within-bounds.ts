/**
 * Slots and KV blocks of workers, and the leases a gate lets the gateway hold on one. (Blocks and slots are counted at
 * every event, too, by the asserts of `--check`.)
 */
import { hostSlackUs } from './host-slack.ts';
import type { WorkerConfig } from '../../sim/config.ts';
import type { Invariant } from './invariant.ts';

/** Of means over time. */
const ROUNDING = 1e-9;

export const workersWithinBounds: Invariant = {
  name: 'workers-within-bounds',
  promise: 'No worker runs more than it has slots or KV blocks for, or holds more leases than its gate allows.',
  watch(scenario, report) {
    const { config, policies } = scenario;
    const gate = policies.gates.find(({ name }) => name === 'concurrency-limit');
    // A lease that is older the gate no longer counts.
    const forgetUs = typeof gate?.['forgetAfter'] === 'number' ? gate['forgetAfter'] : Infinity;
    // How old it was for the gate is known only where the gateway acts at the instant that it is told.
    const isKnown = forgetUs === Infinity || hostSlackUs(scenario) === 0;
    const leasesMax = isKnown && typeof gate?.['max'] === 'number' ? gate['max'] : Infinity;
    const leases = new Map<number, Map<number, number>>();
    const workerOf = new Map<number, number>();
    return {
      entry({ at, kind, first: attempt, second: worker, request }) {
        if (kind === 'effect.start') {
          const held = leases.get(worker) ?? new Map<number, number>();
          leases.set(worker, held.set(attempt, at));
          workerOf.set(attempt, worker);
          const counted = forgetUs === Infinity ? held.size : youngerThan(held, at - forgetUs);
          if (counted <= leasesMax) return;
          const message = `attempt ${attempt} is lease ${counted} on worker ${worker}, the gate allows ${leasesMax}`;
          report({ at, request, role: 'gate', message });
        } else if (kind === 'gateway.end' || kind === 'effect.cancel') {
          leases.get(workerOf.get(attempt) ?? -1)?.delete(attempt);
        }
      },
      end({ result }) {
        const at = result.simulated_seconds * 1e6;
        for (const { index, kv_utilization_max: kvMax, running_mean: running } of result.workers) {
          const slots = slotsOf(config.workers[index]);
          if (kvMax !== null && kvMax > 1) report({ at, message: `worker ${index} used ${kvMax} of its KV blocks` });
          if (running <= slots * (1 + ROUNDING)) continue;
          report({ at, message: `worker ${index} ran ${running} in the mean and has ${slots} slots` });
        }
      },
    };
  },
};

/** Leases by attempt and when they were granted. */
function youngerThan(held: ReadonlyMap<number, number>, instant: number): number {
  return [...held.values()].filter((at) => at > instant).length;
}

/** Requests that it may run at once; of one with two halves, in both. */
function slotsOf(worker: WorkerConfig | undefined): number {
  if (worker?.model !== 'disaggregated') return worker?.maxRunning ?? Infinity;
  return [...worker.prefill, ...worker.decode].reduce((sum, { maxRunning }) => sum + maxRunning, 0);
}
