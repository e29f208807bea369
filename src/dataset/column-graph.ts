/** Who depends on whom among the columns. Refuses unknown names and cycles: the edge checks them before. */
import { assert } from '../kernel/assert.ts';
import type { ColumnPlan } from './types.ts';

export class ColumnGraph {
  readonly size: number;
  /** Columns that depend on nothing, in order of the plan. */
  readonly roots: readonly number[];
  /** Columns made by one task a row group. */
  readonly wholeGroups: readonly number[];
  readonly #upstream: readonly (readonly number[])[];
  readonly #downstream: readonly (readonly number[])[];

  constructor(columns: readonly ColumnPlan[]) {
    this.size = columns.length;
    const indices = columns.map((_, i) => i);
    const byName = new Map(columns.map(({ name }, i) => [name, i]));
    assert(byName.size === columns.length, 'column names are unique');
    this.#upstream = columns.map(({ dependsOn }) =>
      dependsOn.map((name) => {
        const column = byName.get(name);
        assert(column !== undefined, 'a column depends on columns of the dataset');
        return column;
      }),
    );
    const nameOf = (column: number) => columns[column]?.name ?? '';
    const inNameOrder = [...indices].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    this.#downstream = indices.map((i) => inNameOrder.filter((each) => this.upstream(each).includes(i)));
    this.roots = indices.filter((i) => this.upstream(i).length === 0);
    this.wholeGroups = indices.filter((i) => columns[i]?.extent === 'row-group');
    this.#refuseCycles();
  }

  wholeGroup(column: number): boolean {
    return this.wholeGroups.includes(column);
  }

  upstream(column: number): readonly number[] {
    return this.#upstream[column] ?? [];
  }

  /** Sorted by name. */
  downstream(column: number): readonly number[] {
    return this.#downstream[column] ?? [];
  }

  #refuseCycles(): void {
    const placed = new Set(this.roots);
    for (const column of placed) {
      for (const next of this.downstream(column)) {
        if (this.upstream(next).every((each) => placed.has(each))) placed.add(next);
      }
    }
    assert(placed.size === this.size, 'no column depends on itself');
  }
}
