/**
 * A host for the dataset core whose one CPU is busy for what the core did (spec dataset-admission-salvage.md §7.4): S a
 * selection, R0 + R1 × queued a bookkeeping call, B a start. It does what src/dataset/agenda.ts asks of a host and no
 * more: what is due is entered in due order, an event before a wake-up of the same instant. Like the loop that upstream
 * ran on for that section its clock has a resolution of 2^-20 s: it is rounded up after each single cost, and when it
 * is idle and goes to the next timer. Times are microseconds.
 */
import type { Micros } from '../../policies/types.ts';
import type { DatasetCore } from '../../src/dataset/dataset-core.ts';
import type { Call, CallResult } from '../../src/dataset/types.ts';
import { roundedUp } from './dataset-host.ts';

export interface CpuCosts {
  readonly selectionUs: number;
  readonly bookkeepingUs: number;
  readonly queuedUs: number;
  readonly startUs: number;
}

const OK: CallResult = { failure: undefined, outcome: 'success', retryAfterUs: -1 };

interface Reply {
  readonly at: Micros;
  readonly call: Call;
}

/** Runs the core to its end; every call takes `latencyUs` and succeeds. Answers the elapsed time. */
export function runOnCpu(core: DatasetCore, latencyUs: Micros, costs: CpuCosts, stepsMax = 1e6): Micros {
  // Equal latencies: replies come in the order of calls.
  const replies: Reply[] = [];
  let now: Micros = 0;
  core.begin(now);
  for (let steps = 0; !core.done; steps++) {
    const [reply, wakeAt] = [replies[0], core.nextWakeAt()];
    if (steps > stepsMax || (reply === undefined && wakeAt === Infinity)) throw new Error('the run does not end');
    if (reply !== undefined && reply.at <= wakeAt) {
      replies.shift();
      now = Math.max(now, roundedUp(reply.at));
      core.end(now, reply.call, OK);
    } else {
      now = Math.max(now, roundedUp(wakeAt));
      core.wake(now);
    }
    now += costUs(core, costs);
    for (let effect = core.take(); effect !== undefined; effect = core.take()) {
      if (effect.kind === 'call') replies.push({ at: now + latencyUs, call: effect.call });
    }
  }
  return now;
}

/** Of the last input. The clock is a multiple of its resolution, so it makes no difference what is rounded when. */
function costUs(core: DatasetCore, { selectionUs, bookkeepingUs, queuedUs, startUs }: CpuCosts): Micros {
  const { selections, walks, starts } = core.work();
  let us = selections * roundedUp(selectionUs) + starts * roundedUp(startUs);
  for (const queued of walks) us += roundedUp(bookkeepingUs + queuedUs * queued);
  return us;
}
