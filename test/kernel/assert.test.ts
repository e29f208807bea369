import { describe, expect, it } from 'vitest';
import { InvariantError, assert } from '../../src/kernel/assert.ts';

describe('assert', () => {
  it('passes when the condition holds', () => {
    expect(() => assert(true, 'unused')).not.toThrow();
  });

  it('throws an error of its own kind that says what does not hold', () => {
    const check = () => assert(false, 'a lease is settled once');
    expect(check).toThrow(InvariantError);
    expect(check).toThrow('a lease is settled once');
  });
});
