import { describe, expect, it } from 'vitest';
import {
  failureOfKind,
  kindOfDenial,
  kindOfResponse,
  releaseOutcomeOf,
  retryAfterSeconds,
} from '../../../policies/salvage/classify.ts';
import { roundsConfig } from '../../../policies/salvage/config.ts';
import { Rounds } from '../../../policies/salvage/rounds.ts';
import type { AttemptResult } from '../../../policies/types.ts';

const result = (fields: Partial<AttemptResult>): AttemptResult => {
  return { outcome: 'failed', status: 0, retryAfterUs: -1, bytesSent: false, ...fields };
};

describe('classification of a call', () => {
  it.each<[Partial<AttemptResult>, string]>([
    [{ outcome: 'ok', status: 200 }, 'success'],
    [{ outcome: 'refused', status: 429 }, 'rate-limited'],
    [{ outcome: 'timeout' }, 'provider-timeout'],
    [{ outcome: 'failed', status: 408 }, 'provider-timeout'],
    [{ outcome: 'failed', status: 500 }, 'provider-failure'],
    [{ outcome: 'failed' }, 'provider-failure'],
    [{ outcome: 'cancelled' }, 'local-cancelled'],
  ])('releases the lease of %j as %s', (fields, outcome) => {
    expect(releaseOutcomeOf(result(fields))).toBe(outcome);
  });

  it('keeps a row that waited too long for admission, and lost it before pull 730', () => {
    const salvage = new Rounds(roundsConfig.parse({ name: 'rounds' }));
    const fates = (['repaired', 'baseline'] as const).map((variant) => {
      return salvage.afterRounds(failureOfKind(kindOfDenial('queue-timeout', variant)));
    });
    expect(fates).toEqual(['preserve', 'drop']);
  });

  it('drops the row of a 429 that means no credit, which no waiting brings back', () => {
    const salvage = new Rounds(roundsConfig.parse({ name: 'rounds' }));
    const kinds = [kindOfResponse(429), kindOfResponse(429, '{"code":"insufficient_quota"}')];
    expect(kinds.map((kind) => salvage.classify(failureOfKind(kind)))).toEqual(['retry', 'drop']);
  });

  it.each([
    ['7', 7, 7],
    [' 2.5 ', 2.5, 2.5],
    ['0', 0, 0],
    ['-3', undefined, -3],
    ['inf', undefined, Infinity],
    ['nan', undefined, NaN],
    ['1e999', undefined, Infinity],
    ['', undefined, undefined],
    ['soon', undefined, undefined],
    ['Thu, 01 Jan 1970 00:01:40 GMT', 40, 40],
    ['Thu, 01 Jan 1970 00:00:10 GMT', 0, 0],
    ['Thu, 45 Jan 1970 00:00:10 GMT', undefined, undefined],
  ])('reads Retry-After %j as %d seconds, upstream as %d', (header, repaired, head) => {
    expect([retryAfterSeconds(header, 60), retryAfterSeconds(header, 60, 'head')]).toEqual([repaired, head]);
  });
});
