import { describe, expect, it } from 'vitest';
import { TimeWeighted } from '../../src/results/time-weighted.ts';

describe('TimeWeighted', () => {
  it('weighs each value by how long it held', () => {
    const used = new TimeWeighted(100, 0);
    used.set(200, 10);
    used.set(250, 4);
    used.set(400, 0);
    expect(used.integral(500)).toBe(10 * 50 + 4 * 150);
    expect(used.mean(500)).toBe(1100 / 400);
    expect(used.max).toBe(10);
  });

  it('counts a value held for no time towards the maximum only', () => {
    const used = new TimeWeighted();
    used.set(5, 99);
    used.set(5, 1);
    expect([used.mean(10), used.max]).toEqual([0.5, 99]);
  });

  it('is the current value when no time has passed', () => {
    const used = new TimeWeighted(7, 3);
    expect(used.mean(7)).toBe(3);
  });

  it('can be asked in between without being changed', () => {
    const used = new TimeWeighted(0, 2);
    expect(used.mean(10)).toBe(2);
    used.set(20, 4);
    expect(used.mean(40)).toBe(3);
  });

  it('refuses to go back in time', () => {
    const used = new TimeWeighted(0, 2);
    used.set(20, 4);
    expect(() => used.set(19, 1)).toThrow('past');
    expect(() => used.integral(19)).toThrow('before its last change');
  });
});
