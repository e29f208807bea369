/** smg worker/circuit_breaker.rs, worker/worker.rs record_outcome and the breaker part of config/validation.rs. */
import { breaker } from '../../../policies/breaker/breaker.ts';
import { evidenceOf } from '../../../policies/breaker/evidence.ts';
import { LazyCircuit } from '../../../policies/breaker/lazy-circuit.ts';
import { isRetryableStatus } from '../../../policies/retry/status.ts';
import { attemptResult } from '../../policies/views.ts';
import { type Handlers, historic } from './handler.ts';

const FIELDS: Readonly<Record<string, string>> = {
  failureThreshold: 'circuit_breaker.failure_threshold',
  successThreshold: 'circuit_breaker.success_threshold',
  openFor: 'circuit_breaker.timeout_duration_secs',
  window: 'circuit_breaker.window_duration_secs',
};

type Event = string | { advance_ms: number };

interface Circuit {
  failure_threshold: number;
  success_threshold: number;
  timeout_ms: number;
  events: Event[];
}

function circuitBreaker(input: Circuit) {
  const circuit = new LazyCircuit({
    ...historic(breaker),
    failureThreshold: input.failure_threshold,
    successThreshold: input.success_threshold,
    openFor: input.timeout_ms * 1000,
  });
  let now = 0;
  const sequence = input.events.map((event) => {
    let allowed: boolean | null = null;
    if (typeof event !== 'string') now += event.advance_ms * 1000;
    else if (event === 'can_execute?') allowed = circuit.allows(now);
    else if (event === 'success' || event === 'failure') circuit.settled(now, 0, event);
    else if (event === 'force_open') circuit.forceOpen(now);
    else if (event === 'reset') circuit.reset(now);
    else throw new Error(`unknown event ${event}`);
    const { consecutiveFailures: cf, consecutiveSuccesses: cs, failures: tf, successes: ts } = circuit.counts;
    return { state: circuit.state.replace('-', '_'), cf, cs, tf, ts, can_execute: allowed };
  });
  return { sequence };
}

export const breakerGroups: Handlers = {
  circuit_breaker: circuitBreaker,
  breaker_outcome_classification: (input: {
    client_visible_status: number;
    worker_retryable_status_codes: number[];
  }) => {
    const { client_visible_status: status, worker_retryable_status_codes: failureStatuses } = input;
    const rules = { ...historic(breaker), failureStatuses };
    const recorded = evidenceOf(attemptResult({ status, outcome: status < 400 ? 'ok' : 'failed' }), rules);
    // Only the vectors of a set of one's own say what the router does.
    const isDefaultSet = failureStatuses.join() === '408,429,500,502,503,504';
    const retried = isDefaultSet ? {} : { router_retries_it: isRetryableStatus(status) };
    return { recorded_as: recorded, ...retried };
  },
  circuit_breaker_config_validation: (input: {
    failure_threshold: number;
    success_threshold: number;
    timeout_duration_secs: number;
    window_duration_secs: number;
  }) => {
    const parsed = breaker.config.safeParse({
      name: 'breaker',
      ...breaker.variants['smg-2026-08-07'],
      failureThreshold: input.failure_threshold,
      successThreshold: input.success_threshold,
      openFor: `${input.timeout_duration_secs}s`,
      window: `${input.window_duration_secs}s`,
    });
    const field = parsed.error?.issues[0]?.path[0];
    return { ok: parsed.success, first_error_field: field === undefined ? null : (FIELDS[String(field)] ?? field) };
  },
};
