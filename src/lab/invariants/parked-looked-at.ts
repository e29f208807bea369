/**
 * Who was let in and waits for a worker is looked at whenever that may help: when a lease is settled, and at the
 * instant that a gate named. Looked at means that the gates, or the router, are asked. Gates are asked when to
 * reconsider at the end of each input while anybody waits so, which is how the watcher knows.
 */
import type { Invariant } from './invariant.ts';

const INPUT = 'gateway.';
const STAMP = 'gateway.reportStamp';
const READY = 1;

export const parkedLookedAt: Invariant = {
  name: 'parked-looked-at',
  promise: 'Requests that wait for a worker are looked at when a lease is settled and when a gate said it may open.',
  hears: ['gate.allows', 'gate.reconsiderAt', 'router.pick'],
  watch({ policies }, report) {
    if (policies.gates.length === 0) return {};
    const names = policies.gates.map(({ name }) => name).join(', ');
    // Without a ready worker there is nobody to ask about.
    const ready = new Set<number>();
    let [dueAt, named] = [Infinity, Infinity];
    let [isAsked, isSettled, isFirst] = [false, false, true];
    const look = (at: number): void => {
      const why = isSettled ? 'a lease was settled' : at >= dueAt ? `a gate named ${dueAt / 1e6} s` : '';
      if (why === '' || isAsked || ready.size === 0) return;
      report({ at, role: 'gate', message: `requests wait for a worker, ${why}, and nobody asks gate ${names}` });
    };
    return {
      call({ method, args, answer }) {
        if (method !== 'reconsiderAt') {
          isAsked = true;
          return;
        }
        if (isFirst) {
          look(args[0] as number);
          named = Infinity;
        }
        isFirst = false;
        named = Math.min(named, answer as number);
      },
      entry({ kind, first, second }, request) {
        if (!kind.startsWith(INPUT) || kind === STAMP) return;
        // Of the last input, if anybody waited at its end.
        dueAt = isFirst ? Infinity : named;
        [isAsked, isFirst] = [false, true];
        isSettled = kind === 'gateway.end' ? request?.attempt === first : kind === 'gateway.abandon' && holds(request);
        if (kind === 'gateway.workerStatus') {
          if (second === READY) ready.add(first);
          else ready.delete(first);
        } else if (kind === 'gateway.discovered') ready.delete(second - 1);
      },
    };
  },
};

function holds(request: { readonly attempt: number } | undefined): boolean {
  return request !== undefined && request.attempt >= 0;
}
