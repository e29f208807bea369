import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { choleskyOf, dot, inverted, product, solve } from '../../src/truth/linear.ts';

const square = fc.array(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 3, maxLength: 3 }), {
  minLength: 3,
  maxLength: 3,
});

describe('a system of equations', () => {
  it('is solved, or has no solution (random systems)', () => {
    const property = fc.property(square, fc.array(fc.integer(), { minLength: 3, maxLength: 3 }), (matrix, wanted) => {
      const right = matrix.map((row) => dot(row, wanted));
      const solution = solve(matrix, right);
      if (solution === undefined || Math.abs(determinant(matrix)) < 1e-9) return;
      solution.forEach((value, i) => expect(value).toBeCloseTo(wanted[i] as number, 3));
    });
    fc.assert(property, { seed: 7, numRuns: 1000 });
  });

  it('has no solution when two equations are one', () => {
    expect(solve([[1, 2], [2, 4]], [1, 2])).toBeUndefined();
    expect(inverted([[1, 2], [2, 4]])).toBeUndefined();
  });
});

describe('matrices', () => {
  it('are multiplied, inverted and split into triangles', () => {
    const matrix = [[4, 2], [2, 3]];
    expect(product(matrix, [[1, 0], [0, 2]])).toEqual([[4, 4], [2, 6]]);
    expect(product(matrix, inverted(matrix) ?? []).map((row) => row.map((value) => Number(value.toFixed(12))))).toEqual(
      [[1, 0], [0, 1]],
    );
    const lower = choleskyOf(matrix);
    expect(lower[0]?.[1]).toBe(0);
    const square2 = product(lower, [[lower[0]?.[0] ?? 0, lower[1]?.[0] ?? 0], [0, lower[1]?.[1] ?? 0]]);
    square2.flat().forEach((value, i) => expect(value).toBeCloseTo(matrix.flat()[i] as number, 12));
  });

  it('that rounding made indefinite split into what is left', () => {
    expect(choleskyOf([[0, 0], [0, -1e-18]])).toEqual([[0, 0], [0, 0]]);
  });
});

function determinant(m: readonly (readonly number[])[]): number {
  const at = (i: number, j: number): number => m[i]?.[j] ?? 0;
  return (
    at(0, 0) * (at(1, 1) * at(2, 2) - at(1, 2) * at(2, 1)) -
    at(0, 1) * (at(1, 0) * at(2, 2) - at(1, 2) * at(2, 0)) +
    at(0, 2) * (at(1, 0) * at(2, 1) - at(1, 1) * at(2, 0))
  );
}
