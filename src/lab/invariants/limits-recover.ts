/**
 * A limit that 429s have cut grows again: after the cool-down, twice as many successes in a row as `increaseAfter` asks
 * for are followed by a grant at a higher limit, unless it is at its most.
 */
import type { Invariant } from './invariant.ts';
import { ADMISSION_CALLS, AdmissionBook } from './admission-book.ts';

interface Climb {
  /** Successes in a row since the limit was last seen to change. */
  streak: number;
  /** Limit at the beginning of the streak; NaN: not seen yet. */
  from: number;
  /** End of the cool-downs, microseconds. */
  restsUntil: number;
}

export const limitsRecover: Invariant = {
  name: 'limits-recover',
  promise: 'A limit of request admission that was cut grows again with successes in a row.',
  hears: ADMISSION_CALLS,
  watch({ policies }, report) {
    const { name, increaseAfter, cooldown } = policies.admission;
    if (typeof increaseAfter !== 'number' || typeof cooldown !== 'number') return {};
    const enough = 2 * increaseAfter;
    const book = new AdmissionBook();
    const climbs = new Map<string, Climb>();
    return {
      call(call) {
        const step = book.book(call);
        if (step.kind !== 'released' && step.kind !== 'granted') return;
        const resource = step.resource.name;
        const climb = climbs.get(resource);
        if (step.kind === 'released') {
          if (step.outcome === 'rate-limited') {
            const restsUntil = Math.max(climb?.restsUntil ?? 0, call.at + Math.max(cooldown, step.retryAfterUs));
            climbs.set(resource, { streak: 0, from: NaN, restsUntil });
          } else if (climb !== undefined && call.at >= climb.restsUntil) {
            climb.streak = step.outcome === 'success' ? climb.streak + 1 : 0;
            if (climb.streak === 0) climb.from = NaN;
          }
          return;
        }
        if (climb === undefined) return;
        const { limit, effectiveMax } = step.lease;
        if (limit >= effectiveMax) climbs.delete(resource);
        else if (climb.streak === 0 || Number.isNaN(climb.from) || limit > climb.from) {
          Object.assign(climb, { streak: 0, from: limit });
        } else if (climb.streak >= enough) {
          const message = `admission ${name} still allows ${limit} of ${effectiveMax} for ${resource}`;
          const after = `after ${climb.streak} successes in a row; increaseAfter is ${increaseAfter}`;
          report({ at: call.at, role: 'admission', message: `${message} ${after}` });
        }
      },
    };
  },
};
