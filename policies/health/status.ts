/**
 * A worker's status after one more probe, as a pure function. `successThreshold` S good probes in a row make a
 * pending or not-ready worker ready; `failureThreshold` F bad ones turn a ready worker not-ready, 3F more in a
 * row fail it; a worker still pending after 10F probes has failed. Every change of status starts both runs
 * afresh.
 *
 * So at the defaults a dead worker stays in rotation for up to three probes and is called failed after twelve.
 * Source: smg worker/manager.rs compute_next_status at 73da68ca9. We differ by default in two cases
 * (`pendingCap`, `failed`): a good probe never fails a worker, and a failed worker that answers again becomes
 * ready after S good probes.
 */
import type { WorkerStatus } from '../types.ts';

export interface StatusRules {
  readonly failureThreshold: number;
  readonly successThreshold: number;
  readonly pendingCap: 'on-failure' | 'always';
  readonly failed: 'recovers' | 'terminal';
}

export interface HealthState {
  readonly status: WorkerStatus;
  /** In a row; one of the two is 0. */
  readonly failures: number;
  readonly successes: number;
  /** Probes launched while pending. */
  readonly pendingProbes: number;
}

const LIVENESS_FACTOR = 3;
const PENDING_FACTOR = 10;

/** `whilePending`: the worker was pending when the probe was launched. */
export function afterProbe(state: HealthState, rules: StatusRules, ok: boolean, whilePending: boolean): HealthState {
  const next: HealthState = {
    status: state.status,
    failures: ok ? 0 : state.failures + 1,
    successes: ok ? state.successes + 1 : 0,
    pendingProbes: state.pendingProbes + (whilePending ? 1 : 0),
  };
  const status = ok ? afterSuccess(next, rules) : afterFailure(next, rules);
  if (status === state.status) return next;
  return { status, failures: 0, successes: 0, pendingProbes: status === 'ready' ? 0 : next.pendingProbes };
}

function afterSuccess(state: HealthState, rules: StatusRules): WorkerStatus {
  const { status } = state;
  const revives = status === 'failed' && rules.failed === 'recovers';
  const mayRise = status === 'pending' || status === 'not-ready' || revives;
  if (mayRise && state.successes >= rules.successThreshold) return 'ready';
  return rules.pendingCap === 'always' && isOverdue(state, rules) ? 'failed' : status;
}

function afterFailure(state: HealthState, rules: StatusRules): WorkerStatus {
  const { status, failures } = state;
  const threshold = rules.failureThreshold;
  if (status === 'ready' && failures >= threshold) return 'not-ready';
  if (status === 'not-ready' && failures >= LIVENESS_FACTOR * threshold) return 'failed';
  return isOverdue(state, rules) ? 'failed' : status;
}

function isOverdue(state: HealthState, rules: StatusRules): boolean {
  return state.status === 'pending' && state.pendingProbes >= PENDING_FACTOR * rules.failureThreshold;
}
