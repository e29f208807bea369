import { describe, expect, it } from 'vitest';
import { NewTokenRatio } from '../../../src/worker/sglang/new-token-ratio.ts';

function after(ratio: NewTokenRatio, passes: number): number {
  for (let i = 0; i < passes; i++) ratio.decay();
  return ratio.value;
}

describe('NewTokenRatio', () => {
  it('falls evenly from 0.7 to 0.14 of that in 600 passes, and no further', () => {
    const ratio = new NewTokenRatio(1);
    expect(ratio.value).toBe(0.7);
    expect(after(ratio, 1)).toBeCloseTo(0.7 - 0.602 / 600, 12);
    expect(after(ratio, 299)).toBeCloseTo(0.399, 12);
    expect(after(ratio, 300)).toBeCloseTo(0.098, 12);
    expect(after(ratio, 1000)).toBeCloseTo(0.098, 12);
  });

  it('starts again at a reset', () => {
    const ratio = new NewTokenRatio(1);
    after(ratio, 17);
    ratio.reset();
    expect(ratio.value).toBe(0.7);
  });

  it.each([
    [0.5, 0.35, 0.049],
    [1.2, 0.84, 0.1176],
    [2, 1, 0.14],
  ])('scales with conservativeness %d to %d at first, 1 at most, and %d at last', (conservativeness, first, last) => {
    const ratio = new NewTokenRatio(conservativeness);
    expect(ratio.value).toBeCloseTo(first, 12);
    expect(after(ratio, 700)).toBeCloseTo(last, 12);
  });
});
