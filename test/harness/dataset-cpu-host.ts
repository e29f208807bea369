/**
 * A host for the dataset core whose one CPU is busy for what the core did (spec dataset-admission-salvage.md §7.4): S a
 * selection, R0 + R1 × queued a bookkeeping call, B a start. What is due meanwhile runs late, in due order, an event
 * before a wake-up of the same instant, as on src/sim/host-cpu.ts. Times are microseconds.
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
  const replies: Reply[] = [];
  let now: Micros = 0;
  core.begin(now);
  for (let steps = 0; !core.done; steps++) {
    const [reply, wakeAt] = [replies[0], roundedUp(core.nextWakeAt())];
    if (steps > stepsMax || (reply === undefined && wakeAt === Infinity)) throw new Error('the run does not end');
    if (reply !== undefined && reply.at <= wakeAt) {
      replies.shift();
      now = Math.max(now, reply.at);
      core.end(now, reply.call, OK);
    } else {
      now = Math.max(now, wakeAt);
      core.wake(now);
    }
    const { selections, bookkeeping, queuedWalked, starts } = core.work();
    now += selections * costs.selectionUs + bookkeeping * costs.bookkeepingUs;
    now += queuedWalked * costs.queuedUs + starts * costs.startUs;
    for (let effect = core.take(); effect !== undefined; effect = core.take()) {
      // Equal latencies: replies come in the order of calls.
      if (effect.kind === 'call') replies.push({ at: roundedUp(now + latencyUs), call: effect.call });
    }
  }
  return now;
}
