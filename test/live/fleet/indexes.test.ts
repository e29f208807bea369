/** Numbers of workers that come and go. */
import { describe, expect, it } from 'vitest';
import { Indexes } from '../../../src/live/fleet/indexes.ts';

describe('numbers', () => {
  it('stay with their URL, and grow with the fleet and not with its history', () => {
    const indexes = new Indexes();
    const free = (): boolean => true;
    expect([indexes.take('a', free), indexes.take('b', free)]).toEqual([0, 1]);
    indexes.leave('a');
    expect(indexes.take('a', free)).toBe(0);
    let highest = 0;
    for (let i = 0; i < 1000; i++) {
      highest = Math.max(highest, indexes.take(`pod-${i}`, free));
      indexes.leave(`pod-${i}`);
    }
    expect(highest).toBeLessThan(70);
    expect(indexes.take('pod-999', free)).not.toBe(indexes.take('pod-998', free));
    expect([indexes.take('a', free), indexes.take('b', free)]).toEqual([0, 1]);
  });

  it('are not given on while something of the last owner runs', () => {
    const indexes = new Indexes();
    for (let i = 0; i < 66; i++) {
      indexes.take(`old-${i}`, () => true);
      indexes.leave(`old-${i}`);
    }
    expect(indexes.take('x', (index) => index >= 5)).toBe(5);
    expect(indexes.take('y', () => false)).toBe(65);
  });
});
