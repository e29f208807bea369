/** The linear algebra that fits need: a handful of unknowns, so that plain elimination with pivots is enough. */

/** Scalar product. */
export function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** Product of two matrices, by rows. */
export function product(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number[][] {
  const columns = (b[0] ?? []).map((_, j) => b.map((row) => row[j] as number));
  return a.map((row) => columns.map((column) => dot(row, column)));
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

/** Lower triangle L with L·Lᵀ the matrix; what rounding made negative counts as zero. */
export function choleskyOf(matrix: readonly (readonly number[])[]): number[][] {
  const lower = matrix.map((row) => row.map(() => 0));
  matrix.forEach((row, i) => {
    const own = lower[i] as number[];
    for (let j = 0; j <= i; j++) {
      const other = lower[j] as number[];
      let rest = row[j] as number;
      for (let k = 0; k < j; k++) rest -= (own[k] as number) * (other[k] as number);
      if (i === j) own[j] = Math.sqrt(Math.max(0, rest));
      else own[j] = other[j] === 0 ? 0 : rest / (other[j] as number);
    }
  });
  return lower;
}
