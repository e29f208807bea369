/** smg worker/manager.rs: a worker's status after each probe. */
import { afterProbe, type HealthState } from '../../../policies/health/status.ts';
import { probes } from '../../../policies/health/probes.ts';
import type { WorkerStatus } from '../../../policies/types.ts';
import type { Handlers } from './handler.ts';

const STATUSES: Readonly<Record<string, WorkerStatus>> = {
  Pending: 'pending',
  Ready: 'ready',
  NotReady: 'not-ready',
  Failed: 'failed',
  Draining: 'draining',
};
const NAMES = Object.fromEntries(Object.entries(STATUSES).map(([name, status]) => [status, name]));

export const healthGroups: Handlers = {
  health_status: (input: {
    success_threshold: number;
    failure_threshold: number;
    start: string;
    probes: ('ok' | 'fail')[];
  }) => {
    const start = STATUSES[input.start];
    if (start === undefined) throw new Error(`unknown status ${input.start}`);
    const rules = {
      ...probes.config.parse({ name: 'probes', ...probes.variants['smg-2026-08-07'] }),
      successThreshold: input.success_threshold,
      failureThreshold: input.failure_threshold,
    };
    let state: HealthState = { status: start, failures: 0, successes: 0, pendingProbes: 0 };
    const statuses = input.probes.map((probe) => {
      state = afterProbe(state, rules, probe === 'ok', state.status === 'pending');
      return NAMES[state.status];
    });
    return { statuses, cf: state.failures, cs: state.successes, pending_probes: state.pendingProbes };
  },
};
