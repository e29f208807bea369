/**
 * What may happen to a live gateway, as data: each input of the core, an operator's change of thresholds, a change of
 * policies. The host makes them from sockets and timers, the replay of a journal from its lines.
 */
import type { AttemptResult, LoadReport, WorkerStatus } from '../../../policies/types.ts';
import type { BusyThresholds } from '../../../policies/busy/monitor.ts';
import type { PoliciesConfig } from '../../../policies/schema.ts';
import type { Attempt, RequestInit } from '../../gateway/request.ts';

export type GatewayInput<Init extends RequestInit> =
  | { readonly kind: 'arrive'; readonly request: Init }
  | { readonly kind: 'first-token'; readonly attempt: Attempt<Init> }
  | { readonly kind: 'end'; readonly attempt: Attempt<Init>; readonly result: AttemptResult }
  | { readonly kind: 'abandon'; readonly request: number }
  | { readonly kind: 'wake' }
  | { readonly kind: 'discovered'; readonly workers: readonly number[]; readonly names: readonly string[] }
  | { readonly kind: 'configured'; readonly worker: number; readonly ranks: number }
  | { readonly kind: 'status'; readonly worker: number; readonly status: WorkerStatus }
  | { readonly kind: 'report'; readonly worker: number; readonly rank: number; readonly report: LoadReport }
  | { readonly kind: 'thresholds'; readonly changes: Partial<BusyThresholds> }
  | { readonly kind: 'policies'; readonly next: PolicySettings };

/** What a gateway decides by. */
export interface PolicySettings {
  readonly config: PoliciesConfig;
  /** The block as the configuration has it, for the journal. */
  readonly written: unknown;
  /** An attempt whose request may have reached its worker may be followed by another. */
  readonly retrySent: boolean;
}
