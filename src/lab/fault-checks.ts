/** What must hold between faults and the fleet, and among faults: checked once every block is right by itself. */
import type { z } from 'zod';
import { HOUR_US, ONCE, WINDOWS_MAX, type WorkerSelector } from './fault-schedule.ts';
import { nameOf, targetsOf } from './fault-targets.ts';
import type { ParsedFault, ParsedFaults } from './faults-schema.ts';

/** Adds an issue for each fault that does not fit the fleet (`halved`: by worker, whether it has two), or another. */
export function checkFaults(faults: ParsedFaults, halved: readonly boolean[], context: z.RefinementCtx): void {
  const workers = halved.length;
  const names = new Map<string, number>();
  const joins = new Map<number, number>();
  const add = (path: (string | number)[], message: string): void => {
    context.addIssue({ code: 'custom', path: ['faults', ...path], message });
  };
  let expected = 0;
  faults.forEach((fault, place) => {
    const namesake = claim(names, nameOf(fault, place), place);
    if (namesake !== undefined) add([place, 'name'], `a name of its own: fault ${namesake} has it`);
    const wrong = fault.kind === 'stall' ? undefined : wrongWorker(fault.worker, workers);
    if (wrong !== undefined) {
      add([place, 'worker'], wrong);
      return;
    }
    const { from } = targetsOf(fault, workers);
    const ofHalves = fault.kind === 'half' || fault.kind === 'link';
    if (ofHalves && from.some((each) => halved[each] !== true)) add([place, 'worker'], 'disaggregated workers');
    for (const worker of fault.kind === 'join' ? from : []) {
      const other = claim(joins, worker, place);
      if (other === undefined) continue;
      add([place, 'worker'], `a worker that joins once: worker ${worker} does in fault ${other}`);
    }
    expected += expectedWindows(fault, workers);
  });
  if (expected > WINDOWS_MAX) add([], `at most ${WINDOWS_MAX} windows in all, counted by begin and worker`);
}

/** Who had it before, or undefined: it is `place`'s now. */
function claim<K>(owners: Map<K, number>, key: K, place: number): number | undefined {
  const owner = owners.get(key);
  if (owner === undefined) owners.set(key, place);
  return owner;
}

function wrongWorker(selector: WorkerSelector, workers: number): string | undefined {
  const range = `of the fleet, 0 to ${workers - 1}`;
  if (selector === 'all') return undefined;
  if (typeof selector === 'number') return selector < workers ? undefined : `a worker ${range}, or 'all'`;
  const list = Array.isArray(selector) ? selector : selector.of;
  if (list?.some((worker) => worker >= workers) === true) return `workers ${range}`;
  if (list !== undefined && new Set(list).size < list.length) return 'each worker once';
  if (Array.isArray(selector)) return undefined;
  const most = list?.length ?? workers;
  return selector.draw > most ? `a draw of at most ${most}` : undefined;
}

function expectedWindows(fault: ParsedFault, workers: number): number {
  const { at, times, rate, until = 0 } = { rate: undefined, until: undefined, ...ONCE, ...fault };
  const { from, draw } = targetsOf(fault, workers);
  return (draw ?? from.length) * (rate === undefined ? times : (rate * (until - at)) / HOUR_US);
}
