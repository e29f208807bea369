import { describe, expect, it } from 'vitest';
import { REFUSE, WAIT } from '../../../policies/router/answers.ts';

describe('what a router answers besides an index', () => {
  it('is the position of no candidate', () => {
    const positions = new Set(Array.from({ length: 9 }, (_, at) => at));
    expect(positions.has(WAIT) || positions.has(REFUSE)).toBe(false);
    expect(WAIT).not.toBe(REFUSE);
  });

  it('is to wait where nobody is found, as a search answers', () => {
    expect([].findIndex(() => true)).toBe(WAIT);
  });
});
