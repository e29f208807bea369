/**
 * What salvage does with the tasks it tries: queues them again for a round, judges those that still fail when the
 * rounds are over, and says how long to pause before the next cycle. The salvage policy decides by the last failure;
 * the user's budget (`preserveForUs` since the first failure, `preserveStarts` in all) ends what the policy would
 * keep for ever. A task of a dropped row is kept and tried like any other, and ends at once without a call.
 *
 * Source: DataDesigner async_scheduler.py 99517abc (_wait_before_retryable_resalvage); the budget is ours.
 */
import type { RequestAdmission } from '../../policies/admission/types.ts';
import type { Micros, Salvage, TaskFailure } from '../../policies/types.ts';
import type { Backlog } from './backlog.ts';
import type { Deferrals } from './deferrals.ts';
import type { RowGroups } from './row-groups.ts';
import type { TaskCell } from './task-cell.ts';

export interface PreservationParts {
  readonly salvage: Salvage;
  readonly admission: RequestAdmission;
  readonly deferrals: Deferrals;
  readonly backlog: Backlog;
  readonly groups: RowGroups;
}

export class Preservation {
  readonly #parts: PreservationParts;
  #count = 0;

  constructor(parts: PreservationParts) {
    this.#parts = parts;
  }

  /** Times a task was kept after the rounds. */
  get count(): number {
    return this.#count;
  }

  /** Each is a batch of its own. */
  requeue(now: Micros): void {
    const { deferrals, backlog } = this.#parts;
    for (const task of deferrals.takeRound()) backlog.enqueue(now, [task]);
  }

  judge(now: Micros): void {
    const { deferrals, groups, salvage } = this.#parts;
    deferrals.endCycle((task) => {
      const { lastFailure } = task;
      const preserved = lastFailure !== undefined && salvage.afterRounds(lastFailure) === 'preserve';
      if (preserved && this.#withinBudget(now, task)) {
        task.preservations++;
        this.#count++;
        return true;
      }
      task.state = 'dropped';
      groups.drop(now, task, preserved ? 'preserve-budget' : 'after-rounds');
      return false;
    });
  }

  pauseUs(now: Micros): Micros {
    const { admission, deferrals, salvage } = this.#parts;
    let cooldownUs = Infinity;
    for (const { plan, lastFailure } of deferrals.tasks()) {
      if (plan.calls === undefined || lastFailure === undefined || !this.#paces(lastFailure)) continue;
      const remainingUs = admission.snapshot(now, plan.calls)?.cooldownRemainingUs ?? 0;
      if (remainingUs > 0) cooldownUs = Math.min(cooldownUs, remainingUs);
    }
    return cooldownUs === Infinity ? salvage.pacingUs : Math.max(salvage.pacingUs, cooldownUs);
  }

  #paces(failure: TaskFailure): boolean {
    const { salvage } = this.#parts;
    if (salvage.pacedBy === 'preserved') return salvage.afterRounds(failure) === 'preserve';
    return failure.status === 429 || failure.cause === 'rate-limited';
  }

  #withinBudget(now: Micros, { failures, starts }: TaskCell): boolean {
    const { preserveForUs, preserveStarts } = this.#parts.salvage;
    return starts < preserveStarts && now - (failures[0]?.firstAt ?? now) < preserveForUs;
  }
}
