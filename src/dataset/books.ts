/** What the core holds and has done, read from its parts, and the assertions that they agree. */
import { assert } from '../kernel/assert.ts';
import type { Backlog } from './backlog.ts';
import type { Calls } from './calls.ts';
import type { Deferrals } from './deferrals.ts';
import type { MainLoop } from './main-loop.ts';
import type { Preservation } from './preservation.ts';
import type { RowGroups } from './row-groups.ts';
import type { DatasetPlan } from './types.ts';
import type { Workers } from './workers.ts';

export interface DatasetHeld {
  readonly queued: number;
  readonly inFlight: number;
  readonly deferred: number;
  readonly taskLeases: number;
  readonly requestLeases: number;
  readonly waiting: number;
  readonly calling: number;
  readonly backingOff: number;
  readonly rowGroups: number;
}

export interface DatasetTotals {
  readonly rowsCompleted: number;
  readonly rowsDropped: number;
  readonly tasks: number;
  readonly calls: number;
  readonly deferrals: number;
  readonly inFlightMax: number;
  /** Times a task was kept after the rounds. */
  readonly preservations: number;
  readonly salvageCycles: number;
  readonly salvageRounds: number;
  readonly pauses: number;
}

export interface BookParts {
  readonly plan: DatasetPlan;
  readonly backlog: Backlog;
  readonly groups: RowGroups;
  readonly calls: Calls;
  readonly workers: Workers;
  readonly deferrals: Deferrals;
  readonly preservation: Preservation;
  readonly loop: MainLoop;
}

export class Books {
  readonly #parts: BookParts;

  constructor(parts: BookParts) {
    this.#parts = parts;
  }

  held(): DatasetHeld {
    const { backlog, workers, deferrals, groups } = this.#parts;
    const { waiting, calling, backingOff, leased } = this.#parts.calls.held();
    return {
      queued: backlog.queued,
      inFlight: workers.inFlight,
      deferred: deferrals.size,
      taskLeases: backlog.held().leased,
      requestLeases: leased,
      waiting,
      calling,
      backingOff,
      rowGroups: groups.openCount,
    };
  }

  totals(): DatasetTotals {
    const { groups, calls, workers, preservation, loop } = this.#parts;
    return {
      rowsCompleted: groups.counts.completed,
      rowsDropped: groups.counts.dropped,
      tasks: groups.counts.tasks,
      calls: calls.count,
      ...workers.counts,
      preservations: preservation.count,
      salvageCycles: loop.counts.cycles,
      salvageRounds: loop.counts.rounds,
      pauses: loop.counts.pauses,
    };
  }

  check(done: boolean): void {
    const { plan, backlog, groups, calls, workers } = this.#parts;
    backlog.checkInvariants();
    groups.checkInvariants();
    calls.checkInvariants();
    workers.checkInvariants();
    const rows = plan.rowGroups.reduce((sum, group) => sum + group.rows, 0);
    const { completed, dropped } = groups.counts;
    assert(completed + dropped <= rows, 'a row ends once');
    if (!done) return;
    assert(completed + dropped === rows, 'every row has ended when the dataset is done');
    assert(Object.values(this.held()).every((held) => held === 0), 'a dataset that is done holds nothing');
  }
}
