/**
 * Conservation of rows: every row of a dataset is completed or lost, once, and every cell is generated once at most.
 */
import type { Invariant } from './invariant.ts';

export const rowsEndOnce: Invariant = {
  name: 'rows-end-once',
  promise: 'Every row of a dataset is completed or dropped exactly once, and no cell is generated twice.',
  watch({ config }, report) {
    const plan = config.dataset?.plan;
    if (plan === undefined) return {};
    const total = plan.rowGroups.reduce((sum, { rows }) => sum + rows, 0);
    const decided = new Set<number>();
    const cells = new Map<number, Set<string>>();
    const perCell = plan.columns.filter(({ extent }) => extent === 'cells').map(({ name }) => name);
    return {
      entry({ at, kind, first: row, second: isComplete }) {
        if (kind !== 'effect.row') return;
        if (decided.has(row)) report({ at, row, message: `row ${row} ends a second time` });
        decided.add(row);
        if (isComplete !== 1) return;
        const made = cells.get(row);
        const missing = perCell.find((name) => made?.has(name) !== true);
        if (missing === undefined) return;
        report({ at, row, message: `row ${row} is complete, and no call for its column ${missing} was answered` });
      },
      record({ id, row, column, reason, finishedAt }) {
        if (row < 0 || reason !== 'ok') return;
        const made = cells.get(row) ?? new Set<string>();
        cells.set(row, made);
        if (made.has(column)) {
          const message = `column ${column} of row ${row} is generated a second time, by request ${id}`;
          report({ at: finishedAt, row, request: id, message });
        }
        made.add(column);
      },
      end({ result, status }) {
        if (status === 'unfinished' || result.rows === undefined) return;
        const { completed, dropped } = result.rows;
        if (decided.size === total && completed + dropped === total) return;
        const at = result.simulated_seconds * 1e6;
        report({ at, message: `of ${total} rows ${decided.size} ended: ${completed} completed, ${dropped} dropped` });
      },
    };
  },
};
