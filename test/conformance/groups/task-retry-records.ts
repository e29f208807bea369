/** Lines of retry_classification.jsonl that are tables, and the retry configuration they name. */
import { type DatadesignerConfig, datadesignerConfig } from '../../../policies/retry/config.ts';

export interface RetryRecord {
  readonly max_retries: number;
  readonly backoff_factor: number;
  readonly backoff_jitter: number;
  readonly max_backoff_wait: number;
  readonly retryable_status_codes: readonly number[];
}

export interface TableLine {
  readonly type: string;
  readonly variant: string;
  readonly retry_config: RetryRecord;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  readonly max_attempts: number;
  readonly delays: readonly number[];
  readonly wall_clock_epoch_seconds: number;
  readonly status_forcelist: readonly number[];
  readonly 'sleep_before_attempt_2_3_4...': readonly number[];
  readonly 'retry_after_is_honoured_and_capped_at': number;
}

export function retryConfig(record: RetryRecord, settings: Partial<DatadesignerConfig> = {}): DatadesignerConfig {
  const config = datadesignerConfig.parse({
    name: 'datadesigner',
    maxAttempts: Math.max(1, record.max_retries + 1),
    initialBackoff: `${record.backoff_factor}s`,
    maxBackoff: `${record.max_backoff_wait}s`,
    statuses: record.retryable_status_codes,
  });
  return { ...config, ...settings };
}
