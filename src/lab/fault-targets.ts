/** What a `worker:` selector of a fault means in a fleet, and what a fault is called. */
import type { WorkerSelector } from './fault-schedule.ts';
import type { ParsedFault } from './faults-schema.ts';

/** Workers to choose from, ascending or as listed, and how many of them at once; undefined: each by itself. */
export interface Targets {
  readonly from: readonly number[];
  readonly draw: number | undefined;
}

/** Stands for no worker: the target of a stall, and a key of draws that are of no worker. */
export const NO_WORKER = 2 ** 31;

export function targetsOf(fault: ParsedFault, workers: number): Targets {
  return fault.kind === 'stall' ? { from: [NO_WORKER], draw: undefined } : selected(fault.worker, workers);
}

export function nameOf(fault: ParsedFault, place: number): string {
  return fault.name ?? `${fault.kind}-${place}`;
}

function selected(worker: WorkerSelector, workers: number): Targets {
  if (typeof worker === 'number') return { from: [worker], draw: undefined };
  if (Array.isArray(worker)) return { from: worker, draw: undefined };
  const all = Array.from({ length: workers }, (_, i) => i);
  return worker === 'all' ? { from: all, draw: undefined } : { from: worker.of ?? all, draw: worker.draw };
}
