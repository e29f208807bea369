import { describe, expect, it } from 'vitest';
import { ConcurrencyLimit } from '../../../policies/gate/concurrency-limit.ts';
import { workerView } from '../views.ts';

describe('ConcurrencyLimit', () => {
  it.each([
    [0, true],
    [255, true],
    [256, false],
    [300, false],
  ])('with %d leases at a limit of 256 allows one more: %s', (inFlight, allowed) => {
    expect(new ConcurrencyLimit(256).allows(0, workerView({ inFlight }))).toBe(allowed);
  });

  it('changes its answer only with a lease', () => {
    expect(new ConcurrencyLimit(1).reconsiderAt()).toBe(Infinity);
  });
});
