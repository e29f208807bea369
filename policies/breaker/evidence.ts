/**
 * What the end of an attempt says about its worker's health. A failure is one of the worker; a refusal by a
 * live worker (429, 503) is load, and a 4xx is about the request, so neither says anything: counting them opens
 * circuits on healthy workers just when they are needed. A cancelled attempt is never evidence.
 *
 * Source: smg worker/worker.rs record_outcome at 73da68ca9, which judges by the client-visible status alone:
 * one of its set is a failure and everything else a success (`otherStatuses: success`), also a reply that broke
 * off after its 200; smg pull 2163 and sgl-project/sglang pulls 25811 and 39464 ask for the neutral class.
 */
import { effectiveStatus } from '../retry/status.ts';
import type { AttemptResult } from '../types.ts';

export type Evidence = 'success' | 'failure' | 'neutral';

export interface EvidenceRules {
  readonly failureStatuses: readonly number[];
  readonly otherStatuses: 'by-outcome' | 'success';
}

export function evidenceOf(result: AttemptResult, rules: EvidenceRules): Evidence {
  const { outcome } = result;
  if (outcome === 'cancelled') return 'neutral';
  const status = outcome === 'ok' && result.status === 0 ? 200 : effectiveStatus(result);
  if (rules.failureStatuses.includes(status)) return 'failure';
  if (rules.otherStatuses === 'success' || outcome === 'ok') return 'success';
  // A reply that began well and broke off.
  return status < 400 ? 'failure' : 'neutral';
}
