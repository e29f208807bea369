import { describe, expect, it } from 'vitest';
import { UnknownFieldError, valueAt } from '../../src/results/compare-values.ts';
import { richResult } from './samples.ts';

describe('valueAt', () => {
  const result = richResult();

  it.each([
    ['completed', 3],
    ['rows.dropped', 1],
    ['outcomes.queue_timeout', 1],
    ['held.gateway.waiting', 0],
    ['workers[0].preemptions', 3],
    ['workers.0.preemptions', 3],
    ['policies.router.kind', 'p2c'],
    ['policies.gates.0.max', 3],
    ['slo.e2el_ms', null],
    ['rows.reasons.upstream', 1],
    ['rows.reasons.never-seen', 0],
  ])('finds %s', (path, value) => {
    expect(valueAt(result, path)).toBe(value);
  });

  it.each([
    ['rows.droped', 'rows.dropped'],
    ['dropped', 'rows.dropped'],
    ['p99_ttft', 'p99_ttft_ms'],
    ['upstreams', 'rows.reasons.upstream'],
    ['wasted_token.total', 'wasted_tokens.total'],
  ])('offers names near %s', (path, near) => {
    expect(() => valueAt(result, path)).toThrow(UnknownFieldError);
    expect(() => valueAt(result, path)).toThrow(near);
  });

  it('says what a group holds', () => {
    expect(() => valueAt(result, 'attempt_outcomes')).toThrow('attempt_outcomes.ok, attempt_outcomes.refused');
    expect(() => valueAt(result, 'workers')).toThrow('group');
    expect(() => valueAt(result, 'rows.reasons.')).toThrow('no result field');
  });

  it('says that a run without a dataset has no rows', () => {
    const { rows, ...plain } = result;
    expect(rows).toBeDefined();
    expect(() => valueAt(plain, 'rows.dropped')).toThrow('only in runs with a dataset');
    expect(() => valueAt(plain, 'rows.reasons.upstream')).toThrow('only in runs with a dataset');
  });
});
