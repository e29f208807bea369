/** What is under way of a user's own code can be told from another thread. */
import { afterEach, describe, expect, it } from 'vitest';
import {
  countersOf,
  countOwnCodeIn,
  enterOwnCode,
  leaveOwnCode,
  newOwnCodeMemory,
  ownCodeUnderWay,
} from '../../src/lab/own-code.ts';

const call = (what: string) => () => ({ what, input: undefined });

afterEach(() => countOwnCodeIn(newOwnCodeMemory(), 0));

describe('code of a user that is under way', () => {
  it('is counted where its thread was told to, and each call is a step', () => {
    const memory = newOwnCodeMemory();
    countOwnCodeIn(memory, 3);
    const before = enterOwnCode(call('outer'));
    expect([...countersOf(memory, 3)]).toEqual([1, 1]);
    leaveOwnCode(before);
    expect([...countersOf(memory, 3)]).toEqual([2, 0]);
    expect([...countersOf(memory, 2), ...countersOf(memory, 4)]).toEqual([0, 0, 0, 0]);
  });

  it('is the innermost call, and none once all came back', () => {
    const first = enterOwnCode(call('outer'));
    const second = enterOwnCode(call('inner'));
    expect(ownCodeUnderWay()?.what).toBe('inner');
    leaveOwnCode(second);
    expect(ownCodeUnderWay()?.what).toBe('outer');
    leaveOwnCode(first);
    expect(ownCodeUnderWay()).toBeUndefined();
  });
});
