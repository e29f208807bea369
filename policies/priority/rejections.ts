/**
 * What a client of smg is told when the scheduler turns its request down: status, error code, and Retry-After
 * in seconds. At the snapshot only a preempted request is told when to come back, and a spent rate limit calls
 * itself a full queue; pull 2247 later made the timeout a 503 and gave queue errors a Retry-After of 2.
 * `client-cancelled` cannot reach anyone over HTTP. Source: smg middleware/scheduler/error.rs and admission.rs
 * at 73da68ca9. The proxy's own table is in live/.
 */
export type Rejection = 'queue-full' | 'queue-timeout' | 'preempted' | 'client-cancelled' | 'rate-limited';

export interface RejectionReply {
  readonly status: number;
  readonly code: string;
  /** Seconds; undefined: no such header. */
  readonly retryAfterSec: number | undefined;
  /** Whether the header x-smg-preempted says `true`; else it is absent. */
  readonly preempted: boolean;
}

export const REJECTION_REPLIES: Readonly<Record<Rejection, RejectionReply>> = {
  'queue-full': { status: 429, code: 'scheduler_queue_full', retryAfterSec: undefined, preempted: false },
  'queue-timeout': { status: 408, code: 'scheduler_queue_timeout', retryAfterSec: undefined, preempted: false },
  preempted: { status: 503, code: 'scheduler_preempted', retryAfterSec: 1, preempted: true },
  'client-cancelled': { status: 499, code: 'scheduler_client_cancelled', retryAfterSec: undefined, preempted: false },
  'rate-limited': { status: 429, code: 'scheduler_queue_full', retryAfterSec: undefined, preempted: false },
};
