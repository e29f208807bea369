/**
 * Nelder–Mead: goes downhill with a simplex of points and no derivatives, for functions that are rough on a small
 * scale. Standard coefficients (reflect 1, expand 2, contract ½, shrink ½).
 */

interface Vertex {
  readonly point: readonly number[];
  readonly value: number;
}

/** The best point found in about `evaluations` calls of `valueOf`, from `start` and one vertex for each of `steps`. */
export function downhill(
  start: readonly number[],
  steps: readonly (readonly number[])[],
  valueOf: (point: readonly number[]) => number,
  evaluations: number,
): readonly number[] {
  let calls = 0;
  const vertex = (point: readonly number[]): Vertex => {
    calls++;
    return { point, value: valueOf(point) };
  };
  const simplex = [vertex(start), ...steps.map((step) => vertex(between(start, step, 1)))];
  while (calls < evaluations) {
    simplex.sort((a, b) => a.value - b.value);
    const [best, worst, second] = [simplex[0] as Vertex, simplex.at(-1) as Vertex, simplex.at(-2) as Vertex];
    const others = simplex.slice(0, -1);
    const centre = start.map((_, i) => {
      return others.reduce((sum, { point }) => sum + (point[i] as number), 0) / others.length;
    });
    const away = centre.map((value, i) => value - (worst.point[i] as number));
    const reflected = vertex(between(centre, away, 1));
    if (reflected.value < best.value) {
      const expanded = vertex(between(centre, away, 2));
      simplex[simplex.length - 1] = expanded.value < reflected.value ? expanded : reflected;
    } else if (reflected.value < second.value) {
      simplex[simplex.length - 1] = reflected;
    } else {
      const outside = reflected.value < worst.value;
      const contracted = vertex(between(centre, away, outside ? 0.5 : -0.5));
      if (contracted.value < Math.min(reflected.value, worst.value)) simplex[simplex.length - 1] = contracted;
      else shrink(simplex, best, vertex);
    }
  }
  return simplex.reduce((best, each) => (each.value < best.value ? each : best)).point;
}

/** `from` and `share` of `step` more. */
function between(from: readonly number[], step: readonly number[], share: number): number[] {
  return from.map((value, i) => value + share * (step[i] as number));
}

function shrink(simplex: Vertex[], best: Vertex, vertex: (point: readonly number[]) => Vertex): void {
  simplex.forEach(({ point }, i) => {
    if (point === best.point) return;
    simplex[i] = vertex(best.point.map((value, k) => (value + (point[k] as number)) / 2));
  });
}
