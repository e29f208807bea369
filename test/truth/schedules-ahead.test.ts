import { describe, expect, it } from 'vitest';
import { aheadEvidence, type RequestInstants, schedulesAhead } from '../../src/truth/schedules-ahead.ts';

/** Queued at `queuedAt`, scheduled at once, first token at `firstTokenAt`. */
function request(queuedAt: number, firstTokenAt: number, over: Partial<RequestInstants> = {}): RequestInstants {
  return { promptTokens: 10, queuedAt, scheduledAt: queuedAt, firstTokenAt, lastTokenAt: 10, ...over };
}

const RUNNING = request(0, 0.5);

describe('the evidence of scheduling ahead', () => {
  it('is a token of somebody else between queueing and first token', () => {
    const other = request(0.9, 1.1);
    expect(aheadEvidence([RUNNING, other, request(1, 1.2)], 100)).toEqual({ candidates: 2, showing: 1 });
    expect(aheadEvidence([RUNNING, request(1, 1.2)], 100)).toEqual({ candidates: 1, showing: 0 });
  });

  it('is not sought where the prompt may take two iterations, waits, runs alone or has no scheduled_ts', () => {
    const between = request(0.9, 1.1, { promptTokens: 95 });
    expect(aheadEvidence([RUNNING, between, request(1, 1.2)], 100).candidates).toBe(1);
    expect(aheadEvidence([RUNNING, request(1, 1.2, { scheduledAt: 1.1 })], 100).candidates).toBe(0);
    expect(aheadEvidence([request(1, 1.2)], 100).candidates).toBe(0);
    expect(aheadEvidence([RUNNING, request(1, 1.2, { scheduledAt: undefined })], 100).candidates).toBe(0);
  });

  it('counts tokens of its own iteration as none', () => {
    const together = [RUNNING, request(1, 1.2), request(1, 1.2)];
    expect(aheadEvidence(together, 100)).toEqual({ candidates: 2, showing: 0 });
  });
});

describe('what the evidence says', () => {
  it.each([
    [{ candidates: 98, showing: 21 }, true],
    [{ candidates: 400, showing: 7 }, undefined],
    [{ candidates: 10, showing: 2 }, undefined],
    [{ candidates: 50, showing: 0 }, false],
    [{ candidates: 49, showing: 0 }, undefined],
  ])('of %j is %s', (evidence, ahead) => expect(schedulesAhead(evidence)).toBe(ahead));
});
