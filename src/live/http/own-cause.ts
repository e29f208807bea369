/** Why a proxy of ours turned a request away itself, as its clients read it; what workers send of it never passes. */
import type { FinishCause } from '../../../policies/types.ts';
import { headerIn } from './headers.ts';

const CAUSES: ReadonlyMap<string, FinishCause> = new Map([
  ['queue_full', 'queue-full'],
  ['queue_timeout', 'queue-timeout'],
  ['no_worker', 'no-worker'],
  ['all_busy', 'all-busy'],
  ['preempted', 'preempted'],
  ['rate_limited', 'rate-limited'],
  ['deadline', 'deadline'],
]);

/** What `x-spillway-error` says among names and values in turn; undefined: it did not. */
export function ownCause(headers: readonly string[]): FinishCause | undefined {
  return CAUSES.get(headerIn(headers, 'x-spillway-error') ?? '');
}
