/** The linear algebra that fits need: a handful of unknowns, so that plain elimination with pivots is enough. */

/** Scalar product. */
export function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** Product of two matrices, by rows. */
export function product(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number[][] {
  return a.map((row) => (b[0] ?? []).map((_, j) => row.reduce((sum, value, k) => sum + value * (b[k]?.[j] as number), 0)));
}

/** Solution of a square system by elimination with pivots; undefined when it has none. */
export function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] | undefined {
  const size = right.length;
  const rows = matrix.map((row, i) => [...row, right[i] as number]);
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let i = column + 1; i < size; i++) {
      if (Math.abs(rows[i]?.[column] as number) > Math.abs(rows[pivot]?.[column] as number)) pivot = i;
    }
    const lead = rows[pivot] as number[];
    const divisor = lead[column] as number;
    if (!(Math.abs(divisor) > Number.MIN_VALUE)) return undefined;
    rows[pivot] = rows[column] as number[];
    rows[column] = lead;
    for (let i = 0; i < size; i++) {
      if (i === column) continue;
      const row = rows[i] as number[];
      const factor = (row[column] as number) / divisor;
      for (let k = column; k <= size; k++) row[k] = (row[k] as number) - factor * (lead[k] as number);
    }
  }
  const solution = rows.map((row, i) => (row[size] as number) / (row[i] as number));
  return solution.every(Number.isFinite) ? solution : undefined;
}

/** Inverse of a square matrix; undefined when it has none. */
export function inverted(matrix: readonly (readonly number[])[]): number[][] | undefined {
  const columns = matrix.map((_, i) => solve(matrix, matrix.map((__, j) => (i === j ? 1 : 0))));
  if (columns.some((column) => column === undefined)) return undefined;
  return matrix.map((_, i) => columns.map((column) => (column as number[])[i] as number));
}
