import { describe, expect, it } from 'vitest';
import { effectiveStatus, isRepeatable, isRetryableStatus } from '../../../policies/retry/status.ts';
import { attemptResult } from '../views.ts';

describe('the status of an attempt', () => {
  it('is that of its response, else what the gateway would answer', () => {
    const of = (outcome: 'failed' | 'refused' | 'timeout', status: number) =>
      effectiveStatus(attemptResult({ outcome, status }));
    expect([of('failed', 418), of('timeout', 418), of('failed', 0), of('refused', 0), of('timeout', 0)]).toEqual([
      ...[418, 418, 500, 500, 504],
    ]);
  });

  it('is worth another attempt exactly for six of them', () => {
    const all = Array.from({ length: 600 }, (_, status) => status);
    expect(all.filter(isRetryableStatus)).toEqual([408, 429, 500, 502, 503, 504]);
  });

  it('counts for nothing when nobody may repeat the attempt', () => {
    const outcomes = ['ok', 'refused', 'failed', 'timeout', 'cancelled'] as const;
    expect(outcomes.filter((outcome) => isRepeatable(attemptResult({ outcome })))).toEqual([
      'refused',
      'failed',
      'timeout',
    ]);
    expect(isRepeatable(attemptResult({ outcome: 'failed', bytesSent: true }))).toBe(false);
  });
});
