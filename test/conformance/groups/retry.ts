/** smg routers/common/retry.rs and config/validation.rs; the first retry of the SGLang router. */
import { backoffMs } from '../../../policies/retry/backoff.ts';
import { validateRetry } from '../../../policies/retry/config.ts';
import { Exponential, exponential } from '../../../policies/retry/exponential.ts';
import { additiveBackoffMs } from '../../../policies/retry/sglang-8744.ts';
import { isRetryableStatus } from '../../../policies/retry/status.ts';
import { attemptResult, requestView } from '../../policies/views.ts';
import { type Handlers, historic } from './handler.ts';

interface RetryInput {
  max_retries: number;
  initial_backoff_ms: number;
  max_backoff_ms: number;
  backoff_multiplier: number;
  jitter_factor: number;
}

const FIELDS = {
  maxAttempts: 'retry.max_retries',
  initialBackoff: 'retry.initial_backoff_ms',
  maxBackoff: 'retry.max_backoff_ms',
  backoffMultiplier: 'retry.backoff_multiplier',
  jitterFactor: 'retry.jitter_factor',
} as const;

function resultOf(status: number) {
  return attemptResult({ status, outcome: status < 400 ? 'ok' : 'failed' });
}

export const retryGroups: Handlers = {
  retry_backoff: (input: RetryInput & { attempt: number; jitter_draw: number }) => ({
    value: backoffMs(
      {
        initialMs: Number(input.initial_backoff_ms),
        maxMs: Number(input.max_backoff_ms),
        multiplier: Math.fround(input.backoff_multiplier),
        jitterFactor: Math.fround(input.jitter_factor),
      },
      input.attempt,
      Math.fround(input.jitter_draw),
    ),
  }),
  pr8744_original_backoff: (input: {
    attempt_index_ge_1: number;
    initial_ms: number;
    max_ms: number;
    multiplier: number;
    uniform_int_draw: number;
  }) => {
    const settings = { initialMs: input.initial_ms, maxMs: input.max_ms, multiplier: input.multiplier };
    const { base, jitterBelow } = additiveBackoffMs(settings, input.attempt_index_ge_1);
    return { base_ms: base, jitter_range_exclusive_upper: jitterBelow, delay_ms: base + input.uniform_int_draw };
  },
  retry_executor: (input: { max_retries: number; response_statuses_by_attempt: number[] }) => {
    const policy = new Exponential({ ...historic(exponential), maxAttempts: input.max_retries }, () => 0.5);
    const delays: number[] = [];
    for (let calls = 1; ; calls++) {
      const status = input.response_statuses_by_attempt[calls - 1] as number;
      const delayUs = policy.delayUs(0, requestView({ attemptCount: calls }), resultOf(status));
      if (delayUs < 0) {
        const exhausted = isRetryableStatus(status) ? 1 : 0;
        return { calls, backoff_attempt_indices: [...delays.keys()], exhausted, final_status: status };
      }
      delays.push(delayUs);
    }
  },
  retryable_status: ({ status }: { status: number }) => ({ value: isRetryableStatus(status) }),
  retry_config_validation: (input: RetryInput) => {
    const field = validateRetry({
      maxAttempts: input.max_retries,
      initialBackoff: Number(input.initial_backoff_ms),
      maxBackoff: Number(input.max_backoff_ms),
      backoffMultiplier: input.backoff_multiplier,
      jitterFactor: input.jitter_factor,
    });
    return { ok: field === undefined, first_error_field: field === undefined ? null : FIELDS[field] };
  },
};
