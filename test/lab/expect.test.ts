import { describe, expect, it } from 'vitest';
import { checkExpectations } from '../../src/lab/expect.ts';
import { expectationSchema } from '../../src/lab/expect-schema.ts';
import { richResult } from '../results/samples.ts';

/** rows.dropped is 1, rows.completed 9, scenario 'example'. */
const results = new Map([['base', richResult()]]);
const check = (input: object) => checkExpectations([expectationSchema.parse(input)], results);

describe('an expectation', () => {
  it.each([
    [{ path: 'rows.completed', equals: 9 }, true],
    [{ path: 'rows.completed', equals: 8 }, false],
    [{ path: 'scenario', equals: 'example' }, true],
    [{ path: 'rows.completed', above: 8 }, true],
    [{ path: 'rows.completed', above: 9 }, false],
    [{ path: 'rows.completed', below: 10 }, true],
    [{ path: 'rows.completed', below: 9 }, false],
    [{ path: 'rows.completed', atLeast: 9 }, true],
    [{ path: 'rows.completed', atLeast: 10 }, false],
    [{ path: 'rows.completed', atMost: 9 }, true],
    [{ path: 'rows.completed', atMost: 8 }, false],
    [{ path: 'rows.completed', between: [9, 9] }, true],
    [{ path: 'rows.completed', between: [10, 12] }, false],
    [{ path: 'workers.0.preemptions', equals: 3 }, true],
    [{ path: 'workers[0].preemptions', equals: 3 }, true],
  ])('compares as its operator says: %o → %s', (input, ok) => {
    expect(check(input).map((outcome) => outcome.ok)).toEqual([ok]);
  });

  it('is not met by text or null where a number is demanded', () => {
    expect(check({ path: 'scenario', above: 0 })[0]?.ok).toBe(false);
    expect(check({ path: 'slo.e2el_ms', atMost: 1e9 })[0]?.ok).toBe(false);
  });

  it('says what is, what was expected and, when it fails, why it was', () => {
    const because = 'rows survive';
    expect(check({ path: 'rows.dropped', equals: 0, because })[0]?.text).toBe(
      'base: rows.dropped is 1, expected 0 (rows survive)',
    );
    expect(check({ path: 'rows.dropped', between: [1, 2], because })[0]?.text).toBe(
      'base: rows.dropped is 1, expected 1 to 2',
    );
  });

  it('fails with the nearest names when this run has no such field', () => {
    const outcome = check({ path: 'workers.7.preemptions', equals: 0 })[0];
    expect(outcome?.ok).toBe(false);
    expect(outcome?.text).toContain('workers[0].preemptions');
  });

  it('of a variant that was not run is left out', () => {
    expect(check({ variant: 'other', path: 'failed', equals: 0 })).toEqual([]);
  });
});
